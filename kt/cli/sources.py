"""Files, directories and stdin, as named on a command line, to bytes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kt.policy.files import FILE_NAME, MAX_BYTES, policy_files

STDIN = "-"


class Source(NamedTuple):
    """One file. `data` is at most one byte longer than a policy may be.

    `name` is the path as it was given, `directory` the name of the directory that holds the
    file where its id depends on it, else None. `failure` says why there is no `data`.
    """

    name: str
    data: bytes
    directory: str | None = None
    failure: str | None = None


def read_sources(paths: Iterable[str]) -> Iterator[Source]:
    """Read what `paths` name, each file once, in the order given; directories are sorted.

    Whatever cannot be read is a source with a `failure`, and so is a directory without a
    policy: a check that checks nothing must not look like one that passed.
    """
    seen: set[str] = set()
    for path in paths:
        for source in _expand(path):
            if source.name not in seen:
                seen.add(source.name)
                yield source


def _expand(path: str) -> Iterator[Source]:
    if path == STDIN:
        yield Source("<stdin>", sys.stdin.buffer.read(MAX_BYTES + 1))
    elif os.path.isdir(path):
        yield from _walk(path)
    else:
        yield _read(path)


def _walk(root: str) -> Iterator[Source]:
    failures: list[OSError] = []
    found = [
        os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")
        for folder, _, names in os.walk(root, onerror=failures.append)
        for name in names
        if name == FILE_NAME
    ]
    for error in failures:
        yield Source(os.fspath(error.filename), b"", failure=error.strerror or "unreadable")
    for path in policy_files(found):
        yield _read(os.path.join(root, *path.split("/")))
    if not found and not failures:
        yield Source(root, b"", failure=f"no {FILE_NAME} in this directory or below")


def _read(path: str) -> Source:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return Source(path, b"", failure=error.strerror or "unreadable")
    return Source(path, data, _directory(path))


def _directory(path: str) -> str | None:
    """The name that identity depends on: none for other names and at a repository's root."""
    folder, name = os.path.split(os.path.abspath(path))
    if name != FILE_NAME or os.path.exists(os.path.join(folder, ".git")):
        return None
    return os.path.basename(folder) or None
