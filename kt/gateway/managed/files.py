"""Files of a state folder: 0600, and whole whenever they are there."""

from __future__ import annotations

import contextlib
import os


def replace(path: str, data: bytes, *, durable: bool = True) -> None:
    """Write a file whole or not at all, whatever happens meanwhile.

    With `durable` that holds over a power cut too; `settle` makes one not undo it.
    """
    fresh = f"{path}.new"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(data)
        file.flush()
        if durable:
            os.fsync(descriptor)
    os.replace(fresh, path)


def read(path: str, most: int) -> bytes | None:
    """A file's bytes, None when there is none or more than `most` in it."""
    try:
        with open(path, "rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError:
        return None
    return data if len(data) <= most else None


def remove(path: str) -> None:
    """Remove a file that need not be there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def settle(folder: str) -> None:
    """Have the names of what was replaced on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
