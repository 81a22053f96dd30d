"""Formats of reports, for people and for machines; a format is imported when it is used.

A format is a module with `render(results: Sequence[Result], context: Context) -> str`.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from kt.cli.errors import CommandError
from kt.policy.frozen import Frozen
from kt.policy.report import Report

STDIN_NAME = "<stdin>"
# The code of the one finding about a file that could not be read, which no rule looked at.
NOT_READ = "not_read"
LINT = "kt policy lint"


class Result(Frozen):
    """A file and its lint report.

    `file` is the name as it was given. `data` may be empty for a file without findings.
    """

    __slots__ = ("data", "file", "report")

    def __init__(self, file: str, data: bytes, report: Report) -> None:
        self.file = file
        self.data = data
        self.report = report


class Context(Frozen):
    """Facts that formats need beside the results.

    `as_list`: JSON gives a list even of one file. `color`: text may colour. `root` is the
    absolute path that reports for forges give paths from: the repository's root. `tool` is the
    command that reports. Findings of a code in `notes` are told, and nothing is wrong with them.
    """

    __slots__ = ("as_list", "color", "notes", "root", "tool")

    def __init__(
        self,
        *,
        as_list: bool = False,
        color: bool = False,
        root: str = ".",
        tool: str = LINT,
        notes: Collection[str] = (),
    ) -> None:
        self.as_list = as_list
        self.color = color
        self.root = root
        self.tool = tool
        self.notes = notes


def relative(file: str, root: str) -> str:
    """A file's POSIX path from the repository's root; unchanged when it lies outside."""
    if file == STDIN_NAME:
        return file
    path = os.path.relpath(os.path.abspath(file), root)
    return file if path.startswith("..") else path.replace(os.sep, "/")


def repository_root() -> str:
    """The nearest directory upwards with a `.git`, or the working directory."""
    here = os.getcwd()
    folder = here
    while not os.path.exists(os.path.join(folder, ".git")):
        folder, before = os.path.dirname(folder), folder
        if folder == before:
            return here
    return folder


def write_report(path: str, report: str) -> None:
    """Write a report to a file.

    Raises:
        CommandError: it cannot be written.
    """
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(report)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
