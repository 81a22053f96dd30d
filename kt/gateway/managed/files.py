"""Reading and writing files of a state folder: for the owner alone, whole or not there."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Collection

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


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


# As `keeptrusts.private`: neither imports the other.
def close(folder: str, *, folders: Collection[str]) -> None:
    """Take a folder, and what lies directly in it, from its group and from others.

    `folders` may lie in it. Where another one does, or everybody may write, it holds more than
    what is kept here, and others may need it.

    Raises:
        OSError: something is open, and not this user's to close; `strerror` says what to do.
    """
    with os.scandir(folder) as found:
        entries = [entry for entry in found if not entry.is_symlink()]
    seen = os.stat(folder)
    strange = any(entry.is_dir() and entry.name not in folders for entry in entries)
    if seen.st_mode & _OTHERS and (strange or seen.st_mode & stat.S_ISVTX):
        raise _open(folder, seen, "holds other things, too")
    _close(folder, seen)
    for entry in entries:
        with contextlib.suppress(FileNotFoundError):  # A spool's segment is sent and gone.
            _close(entry.path, entry.stat(follow_symlinks=False))


def _close(path: str, seen: os.stat_result) -> None:
    if not seen.st_mode & _OTHERS:
        return
    if seen.st_uid != os.geteuid():
        raise _open(path, seen, "belongs to another user")
    os.chmod(path, stat.S_IMODE(seen.st_mode) & ~_OTHERS)


def _open(path: str, seen: os.stat_result, why: str) -> OSError:
    message = (
        f"is open to others (mode {stat.S_IMODE(seen.st_mode):o}) and {why}; `chown` it to the user"
        " that this runs as and `chmod go=` it, or name a folder that is not there yet"
    )
    return OSError(errno.EPERM, message, path)
