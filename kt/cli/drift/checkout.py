"""The policy files of the checkout around the working directory, as committed.

Outside of a checkout they are the files on disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from kt.cli.errors import CommandError
from kt.cli.formats import relative, repository_root
from kt.cli.git.call import git
from kt.cli.sources import read_sources
from kt.policy.files import policy_files

_REGULAR = (b"100644", b"100755")


class Committed:
    """A policy file: its POSIX path from the repository's root, and its bytes."""

    __slots__ = ("data", "path")

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data


def policies(path: str) -> list[Committed]:
    """The policy files at HEAD under `path`, which starts at the working directory.

    Raises:
        CommandError: they cannot be read, or there are none.
    """
    root = repository_root()
    in_git = os.path.exists(os.path.join(root, ".git"))
    files = list(_at_head(root, relative(path, root)) if in_git else _in_files(path))
    if not files:
        raise CommandError(f"{path}: no policy file there{' at HEAD' if in_git else ''}")
    return files


def _at_head(root: str, under: str) -> Iterator[Committed]:
    """The files as git stores them: no smudge filters, line endings or uncommitted edits."""
    blobs = {}
    for row in git(root, "ls-tree", "-rz", "--full-tree", "HEAD").split(b"\0"):
        facts, _, name = row.partition(b"\t")
        if facts.startswith(_REGULAR):
            blobs[os.fsdecode(name)] = facts.split()[2].decode()
    names = policy_files(blobs, under)
    contents = _contents(root, [blobs[name] for name in names])
    for path, data in zip(names, contents, strict=True):
        yield Committed(path, data)


def _contents(root: str, blobs: Sequence[str]) -> Iterator[bytes]:
    """The bytes of blobs, in order. `cat-file` prints for each a head, the bytes, a line break."""
    output = git(root, "cat-file", "--batch", stdin="\n".join(blobs).encode())
    at = 0
    for _ in blobs:
        end = output.index(b"\n", at)
        name, _, facts = output[at:end].decode().partition(" ")
        if not facts.startswith("blob "):
            raise CommandError(f"git cat-file: {name} {facts}")
        start, size = end + 1, int(facts.removeprefix("blob "))
        yield output[start : start + size]
        at = start + size + 1


def _in_files(path: str) -> Iterator[Committed]:
    for source in read_sources([path]):
        if source.failure is not None:
            raise CommandError(f"{source.name}: {source.failure}")
        yield Committed(source.path.removeprefix("./").replace(os.sep, "/"), source.data)
