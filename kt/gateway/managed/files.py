"""Reading and writing files of a state folder: mode 0600, whole or not there."""

from __future__ import annotations

import contextlib
import os


def replace(path: str, data: bytes, *, durable: bool = True) -> None:
    """Write a file, whole or not at all.

    With `durable` also over a power cut; after `settle` a power cut does not undo it.
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
    """A file's bytes; None when it is missing or has more than `most`."""
    try:
        with open(path, "rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError:
        return None
    return data if len(data) <= most else None


def remove(path: str) -> None:
    """Remove a file, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def settle(folder: str) -> None:
    """Sync the folder's names of replaced files to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
