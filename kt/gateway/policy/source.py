"""Sources of a gateway's policy: a file, or the state folder of a managed gateway."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

from kt.policy.files import MAX_BYTES


class SourceError(Exception):
    """The source has no policy to enforce. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Sourced:
    """A policy's bytes. `id` is its configuration's, None to use the one in the policy."""

    data: bytes
    id: str | None = None


class PolicySource(Protocol):
    """A source of policies; `/health` shows its `name`."""

    @property
    def name(self) -> str: ...

    def read(self) -> Sourced:
        """The newest policy; of a file at most one byte more than a policy may have.

        Raises:
            OSError: it cannot be read.
            SourceError: there is no policy that may be enforced.
        """
        ...

    def stamp(self) -> tuple[int, ...]:
        """A value that changes when the policy does."""
        ...


class FileSource:
    """A policy file that an operator writes."""

    def __init__(self, path: str) -> None:
        self.name = path

    def read(self) -> Sourced:
        """The file as it is now."""
        with open(self.name, "rb") as file:
            return Sourced(file.read(MAX_BYTES + 1))

    def stamp(self) -> tuple[int, ...]:
        """A value that changes when the file is written over, replaced or re-linked."""
        return stamp(self.name)


def stamp(path: str) -> tuple[int, ...]:
    """Time, size and inode of a file; empty when there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino
