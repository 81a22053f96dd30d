"""Where a gateway's policy comes from: a file, or the state folder of a managed gateway."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

from kt.policy.files import MAX_BYTES


class SourceError(Exception):
    """There is no policy to be had. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Sourced:
    """A policy's bytes. `id` is what it is to be called, None for what it calls itself."""

    data: bytes
    id: str | None = None


class PolicySource(Protocol):
    """`name` is how `/health` calls it."""

    @property
    def name(self) -> str: ...

    def read(self) -> Sourced:
        """The newest policy; of a file at most one byte more than a policy may have.

        Raises:
            OSError: it cannot be read.
            SourceError: there is none that may be enforced.
        """
        ...

    def stamp(self) -> tuple[int, ...]:
        """What changes when the policy does."""
        ...


class FileSource:
    """A file that an operator writes."""

    def __init__(self, path: str) -> None:
        self.name = path

    def read(self) -> Sourced:
        """The file as it is now."""
        with open(self.name, "rb") as file:
            return Sourced(file.read(MAX_BYTES + 1))

    def stamp(self) -> tuple[int, ...]:
        """What changes when the file is written over, replaced or re-linked."""
        return stamp(self.name)


def stamp(path: str) -> tuple[int, ...]:
    """Time, size and inode of a file; empty when there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
