"""Files of a state folder: for the owner alone, whole or not there; what is signed, twice.

What stands in the place of one and is no file (a folder, a pipe) counts as a file that was edited,
and is moved aside when one is written.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import hmac
import os
import stat
import time
from collections.abc import Callable, Collection, Iterable
from typing import Generic, Protocol, TypeVar

from kt.gateway.policy.source import stamp

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# Nothing; a link in a circle; a socket.
_NO_FILE = (errno.ENOENT, errno.ELOOP, errno.ENXIO)


def replace(path: str, data: bytes, *, durable: bool = True) -> None:
    """Write a file, whole or not at all.

    With `durable` also over a power cut; after `settle` a power cut does not undo it.
    """
    fresh = f"{path}.new"
    make_way(fresh)
    make_way(path)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(data)
        file.flush()
        if durable:
            os.fsync(descriptor)
    os.replace(fresh, path)


def read(path: str, most: int) -> bytes | None:
    """A file's bytes; None when it is missing, is no file, or has more than `most`.

    Raises:
        OSError: the disk fails, or the file is somebody else's.
    """
    try:
        # Nobody may write into a pipe that stands there.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as exc:
        if exc.errno in _NO_FILE:
            return None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with open(descriptor, "rb") as file:
        data = file.read(most + 1)
    return data if len(data) <= most else None


def make_way(path: str) -> None:
    """Move aside what stands in the place of a file, and is none."""
    try:
        seen = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(seen.st_mode):
        os.rename(path, f"{path}.aside-{time.time_ns()}")


def make_way_for_folder(path: str) -> None:
    """Move aside what stands in the place of a folder, and is none."""
    if os.path.lexists(path) and not os.path.isdir(path):
        os.rename(path, f"{path}.aside-{time.time_ns()}")


def remove(path: str) -> None:
    """Remove a file, if there is one."""
    make_way(path)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def settle(folder: str) -> None:
    """Sync the folder's names of replaced files to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Keepable(Protocol):
    """A document that was verified; `seq` only grows."""

    @property
    def seq(self) -> int: ...

    def file(self) -> bytes:
        """The bytes of a copy."""


KeptKind = TypeVar("KeptKind", bound=Keepable)


class Shelf(Generic[KeptKind]):
    """The files of one kind of document: two copies of the newest, and the sequence reached.

    If the process is killed, one copy is whole. `genuine` verifies the bytes of one. A document
    may be carried over a reset of trust: a mark, made with a token of the gateway, vouches for it.
    """

    def __init__(
        self,
        folder: str,
        copies: Collection[str],
        seq: str,
        genuine: Callable[..., KeptKind | None],
        *,
        most_bytes: int,
    ) -> None:
        self._folder = folder
        self._copies = [os.path.join(folder, name) for name in copies]
        self._seq = os.path.join(folder, seq)
        self._mark = f"{self._copies[0]}.carried"
        self._genuine = genuine
        self._most_bytes = most_bytes

    def find(
        self, *, pin: str, gateway: str, tokens: Iterable[str] = ()
    ) -> tuple[KeptKind | None, bool]:
        """The newest genuine document, and whether a file is not as it was written.

        A copy older than a document that was kept since does not count. One that is carried needs
        a mark by one of `tokens` instead of a key to which `pin` leads.

        Raises:
            OSError: no copy is whole, and one cannot be read.
        """
        least, edited = self.least()
        newest: KeptKind | None = None
        failure: OSError | None = None
        for path in self._copies:
            try:
                data = read(path, self._most_bytes)
            except OSError as exc:
                data, failure = None, exc
            trusted = None if data is not None and self._bears(data, tokens) else pin
            kept = None if data is None else self._genuine(data, pin=trusted, gateway=gateway)
            edited |= kept is None and os.path.lexists(path)
            if kept is not None and kept.seq < least:
                edited, kept = True, None
            if kept is not None and (newest is None or kept.seq > newest.seq):
                newest = kept
        if newest is None and failure is not None:
            raise failure
        return newest, edited

    def carry(self, *, gateway: str, token: str) -> KeptKind | None:
        """Mark the newest whole document, whoever signed it; None when there is none.

        Raises:
            OSError: the folder cannot be written.
        """
        copies = (read(path, self._most_bytes) for path in self._copies)
        whole = [self._genuine(one, pin=None, gateway=gateway) for one in copies if one]
        found = max(
            (one for one in whole if one is not None), key=lambda one: one.seq, default=None
        )
        if found is not None:
            self.restore(found)
            replace(self._mark, _mark(found.file(), token))
            settle(self._folder)
        return found

    def carries(self, kept: KeptKind, tokens: Iterable[str]) -> bool:
        """Whether a document is carried over a reset of trust."""
        return self._bears(kept.file(), tokens)

    def _bears(self, data: bytes, tokens: Iterable[str]) -> bool:
        mark = read(self._mark, 256)
        return mark is not None and any(
            hmac.compare_digest(mark, _mark(data, token)) for token in tokens
        )

    @property
    def is_marked(self) -> bool:
        """Whether something is carried, be it this gateway's or not."""
        return os.path.exists(self._mark)

    def keep(self, kept: KeptKind) -> None:
        """Write both copies, then the sequence below which documents are refused from now on.

        Raises:
            OSError: the disk is full or fails.
        """
        self.restore(kept)
        remove(self._mark)

    def restore(self, kept: KeptKind) -> None:
        """Write the files of what was kept already; raises as `keep`."""
        data = kept.file()
        # A newer key may begin with a lower one, which then must not stand in its way.
        is_lower = kept.seq < self.least()[0]
        if is_lower:
            replace(self._seq, b"%d\n" % kept.seq)
        for path in self._copies:
            replace(path, data)
        if not is_lower:
            replace(self._seq, b"%d\n" % kept.seq)
        settle(self._folder)

    def forget(self) -> None:
        """Remove all files."""
        for path in (*self._copies, self._seq, self._mark):
            remove(path)
        settle(self._folder)

    def holds(self, kept: KeptKind) -> bool:
        """True when both copies are as they were written."""
        data = kept.file()
        least, edited = self.least()
        written = all(read(path, self._most_bytes) == data for path in self._copies)
        return written and not edited and least == kept.seq

    def stamp(self) -> tuple[int, ...]:
        """A value that changes when a file of the document does."""
        return tuple(part for path in (*self._copies, self._seq) for part in stamp(path))

    def least(self) -> tuple[int, bool]:
        """The sequence below which documents are refused, and whether it is unreadable."""
        data = read(self._seq, 32)
        if data is None:
            return 0, os.path.lexists(self._seq)
        return (int(data), False) if data.strip().isdigit() else (0, True)


def _mark(data: bytes, token: str) -> bytes:
    return hmac.new(token.encode(), data, hashlib.sha256).hexdigest().encode() + b"\n"


# As `keeptrusts.env.private`: neither imports the other.
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
