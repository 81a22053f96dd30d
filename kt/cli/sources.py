"""Reading of files, directories and stdin that a command line names."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

from kt.cli.formats import STDIN_NAME
from kt.policy.files import FILE_NAME, MAX_BYTES, policy_files
from kt.policy.frozen import Frozen

STDIN = "-"


class SourceFile(Frozen):
    """One file. `data` is at most one byte longer than a policy may be.

    `name` is its name in messages, `path` where it lies ("" for stdin), `directory` the name of the
    directory that holds the file where its id depends on it, else None. `failure` says why
    there is no `data`.
    """

    __slots__ = ("data", "directory", "failure", "name", "path")

    def __init__(
        self,
        name: str,
        data: bytes,
        directory: str | None = None,
        failure: str | None = None,
        path: str = "",
    ) -> None:
        self.name = name
        self.data = data
        self.directory = directory
        self.failure = failure
        self.path = path


def read_sources(paths: Iterable[str]) -> Iterator[SourceFile]:
    """Read the files that `paths` name, each once, in the order given; directories are sorted.

    Hidden folders below a directory are left out; one that is named itself is read.
    A file that cannot be read is a source with a `failure`, and so is a directory without a
    policy: a check of nothing must not look like one that passed.
    """
    seen: set[str] = set()
    for path in paths:
        for file in _walk(path) if os.path.isdir(path) else (path,):
            if file not in seen:
                seen.add(file)
                yield read_file(file)


def read_file(path: str) -> SourceFile:
    """Read one file, or stdin for `-`: at most one byte more than a policy may have."""
    if path == STDIN:
        return _read_stdin()
    try:
        if os.path.isdir(path):
            # Raises the reason when the directory cannot be listed.
            os.scandir(path).close()
            failure = f"no {FILE_NAME} in this directory or below, hidden ones apart"
            return SourceFile(shown(path), b"", failure=failure, path=path)
        data = read_bytes(path, MAX_BYTES + 1)
    except OSError as error:
        failure = error.strerror or "unreadable"
        return SourceFile(shown(path), b"", failure=failure, path=path)
    return SourceFile(shown(path), data, _directory(path), path=path)


def _read_stdin() -> SourceFile:
    if sys.stdin is None:
        return SourceFile(STDIN_NAME, b"", failure="standard input is closed")
    try:
        return SourceFile(STDIN_NAME, sys.stdin.buffer.read(MAX_BYTES + 1))
    except OSError as error:
        return SourceFile(STDIN_NAME, b"", failure=error.strerror or "unreadable")


def read_bytes(path: str, most: int) -> bytes:
    """At most `most` bytes of a file. A pipe without a writer is empty; nothing waits for one.

    Raises:
        OSError: it cannot be read.
    """
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        return file.read(most) or b""


def shown(path: str) -> str:
    """A path that is safe to print: on one line, with unprintable characters escaped."""
    text = os.fsencode(path).decode("utf-8", "replace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _walk(root: str) -> Iterator[str]:
    """The policy files and unlistable parts below a directory; itself if there are none."""
    files: list[str] = []
    unlisted: list[str] = []
    for folder, folders, names in os.walk(root, onerror=lambda e: unlisted.append(e.filename)):
        # Git's own files are in no commit, and tools keep theirs, and checkouts, in hidden folders.
        folders[:] = [name for name in folders if not name.startswith(".")]
        if FILE_NAME in names:
            path = os.path.relpath(os.path.join(folder, FILE_NAME), root)
            files.append(path.replace(os.sep, "/"))
    yield from unlisted
    for path in policy_files(files):
        yield os.path.join(root, *path.split("/"))
    if not files and not unlisted:
        yield root


def _directory(path: str) -> str | None:
    """The name of the directory, which may give the id; None at a repository's root."""
    folder, name = os.path.split(os.path.abspath(path))
    if name != FILE_NAME or os.path.exists(os.path.join(folder, ".git")):
        return None
    return os.path.basename(folder) or None
