"""Connections that one server passes on to another one of this machine.

The kernel hands the socket over, so the client keeps its connection and its address, and no byte of
what follows goes through the first server. A datagram of one byte has two open files with it: the
connection, and a file in memory with what was read of it.
"""

import array
import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

# Beyond what the kernel keeps, for a server that does not take them at once.
_MOST_WAITING = 1000
_MOST_TAKEN_AT_ONCE = 16

Taken = Callable[[socket.socket, bytes], None]


@dataclass(frozen=True, slots=True)
class Passed:
    """A connection with what was read of it; whoever has it closes it."""

    client: socket.socket
    data: bytes


class Outlet:
    """The way to another server, which takes connections at `path`. Used by one event loop.

    `refused` gets the connections that it did not take after all.
    """

    def __init__(self, path: Path, *, refused: Callable[[socket.socket], None]) -> None:
        self._path = path
        self._refused = refused
        self._line: socket.socket | None = None
        self._waiting: deque[Passed] = deque()

    def is_open(self) -> bool:
        """Whether the other server takes connections, as far as is known without asking it."""
        if self._line is None:
            self._line = _connected(self._path)
        return self._line is not None and len(self._waiting) < _MOST_WAITING

    def send(self, client: socket.socket, data: bytes) -> None:
        """Pass a connection on, in the order of calls; it is closed here."""
        self._waiting.append(Passed(client, data))
        if len(self._waiting) == 1:
            self._send_waiting()

    def _send_waiting(self) -> None:
        while self._waiting:
            try:
                self._send_first()
            except BlockingIOError:
                self._wait()
                return
            except OSError as exc:
                log.warning("a server takes no connections", path=str(self._path), error=str(exc))
                self._refuse_all()
                return
        self._wait_no_more()

    def _send_first(self) -> None:
        """Pass the first on; where the other server was started again, to the one that is there."""
        try:
            self._put()
        except ConnectionError:
            self._wait_no_more()
            self._drop_line()
            self._put()
        self._waiting.popleft().client.close()

    def _put(self) -> None:
        passed = self._waiting[0]
        self._line = self._line or _connected(self._path)
        if self._line is None:
            raise ConnectionRefusedError("nobody takes them")
        with _in_memory(passed.data) as held:
            socket.send_fds(self._line, [b"."], [passed.client.fileno(), held])

    def _wait(self) -> None:
        assert self._line is not None  # It is full.
        asyncio.get_running_loop().add_writer(self._line, self._send_waiting)

    def _wait_no_more(self) -> None:
        if self._line is not None:
            asyncio.get_running_loop().remove_writer(self._line)

    def close(self) -> None:
        """Pass nothing on any more; those that wait are refused."""
        self._refuse_all()

    def _refuse_all(self) -> None:
        self._wait_no_more()
        self._drop_line()
        while self._waiting:
            client = self._waiting.popleft().client
            self._refused(client)
            client.close()

    def _drop_line(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


class Inlet:
    """Where a server takes connections that others pass on."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        # In one step, since a server that ends may still have its name.
        new = path.with_name(f"{path.name}.{os.getpid()}")
        new.unlink(missing_ok=True)
        with _short(new) as name:
            self._socket.bind(name)
        new.replace(path)

    def open(self, taken: Taken) -> None:
        """Call `taken` with each connection and what was read of it, until it is closed."""
        asyncio.get_running_loop().add_reader(self._socket, self._take, taken)

    def close(self) -> None:
        """Take no more."""
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()

    def _take(self, taken: Taken) -> None:
        for _ in range(_MOST_TAKEN_AT_ONCE):
            try:
                files = _received(self._socket)
            except BlockingIOError:
                return
            if len(files) == 2:
                with os.fdopen(files[1], "rb") as held:
                    held.seek(0)
                    data = held.read()
                taken(socket.socket(fileno=files[0]), data)
            else:  # This process may open no more files.
                log.warning("a connection that was passed on is lost", files=len(files))
                for file in files:
                    os.close(file)


def _received(line: socket.socket) -> list[int]:
    """The open files that come with the next datagram, as `socket.recv_fds` gives them: which
    passes no flag on, and no child may inherit one of these.

    Raises:
        BlockingIOError: there is no datagram.
    """
    files = array.array("i")
    room = socket.CMSG_SPACE(2 * files.itemsize)
    for level, kind, data in line.recvmsg(1, room, socket.MSG_CMSG_CLOEXEC)[1]:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            files.frombytes(data[: len(data) - len(data) % files.itemsize])
    return list(files)


@contextlib.contextmanager
def _in_memory(data: bytes) -> Iterator[int]:
    """A file in memory, by its number: a datagram has less room than what may have been read."""
    held = os.memfd_create("passed", os.MFD_CLOEXEC)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(held, rest) :]
        yield held
    finally:
        os.close(held)


def _connected(path: Path) -> socket.socket | None:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    line.setblocking(False)
    try:
        with _short(path) as name:
            line.connect(name)
    except OSError:  # Nobody listens there, or nobody ever did.
        line.close()
        return None
    return line


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name of a socket that fits into what the system takes, however long its folder's is."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
