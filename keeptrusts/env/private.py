"""Access to a folder for its owner alone."""

import contextlib
import errno
import os
import stat
from collections.abc import Collection

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def close(folder: str, *, folders: Collection[str]) -> None:
    """Remove the access of group and others to a folder and to what lies directly in it.

    `folders` may lie in it. An open folder with others in it, or to which everybody may write,
    is not closed: other programs may need it.

    Raises:
        OSError: something is open and cannot be closed; `strerror` says what to do.
    """
    with os.scandir(folder) as listing:
        entries = [entry for entry in listing if not entry.is_symlink()]
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
