"""A folder that is its owner's alone, with what lies in it."""

import contextlib
import errno
import os
import stat
from collections.abc import Collection

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def close(folder: str, *, folders: Collection[str]) -> None:
    """Take a folder, and what lies directly in it, from its group and from others.

    `folders` may lie in it. Where another one does, or everybody may write, it holds more than
    what is kept here, and others may need it.

    Raises: `OSError` for what is open and not this user's to close; `strerror` says what to do.
    """
    with os.scandir(folder) as found:
        entries = [entry for entry in found if not entry.is_symlink()]
    seen = os.stat(folder)
    strange = any(entry.is_dir() and entry.name not in folders for entry in entries)
    if seen.st_mode & _OTHERS and (strange or seen.st_mode & stat.S_ISVTX):
        raise _open(folder, seen, "holds other things, too")
    _close(folder, seen)
    for entry in entries:
        with contextlib.suppress(FileNotFoundError):  # SQLite's journal comes and goes.
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
