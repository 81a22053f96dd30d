"""Connections that one server passes on to another."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from keeptrusts.serving.connections.passing import Inlet, Outlet
from tests.keeptrusts.serving.asking import settle

# More than a datagram holds, and more than the kernel queues.
_LARGE, _MANY = bytes(400_000), 300


class _Ends:
    """Both ends of a way, with what arrived and what was refused."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.arrived: list[tuple[socket.socket, bytes]] = []
        self.refused: list[socket.socket] = []
        self.outlet = Outlet(path, refused=self.refused.append)
        self.inlet: Inlet | None = None

    def open(self) -> None:
        self.inlet = Inlet(self.path)
        self.inlet.open(lambda client, data: self.arrived.append((client, data)))

    def close(self) -> None:
        if self.inlet is not None:
            self.inlet.close()

    def send(self, data: bytes) -> socket.socket:
        """Pass one end of a connection on; the other one."""
        mine, passed = socket.socketpair()
        self.outlet.send(passed, data)
        return mine

    async def until(self, arrived: int) -> None:
        async with asyncio.timeout(60):
            while len(self.arrived) < arrived:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def _ends(path: Path, *, opened: bool = True) -> AsyncIterator[_Ends]:
    ends = _Ends(path)
    if opened:
        ends.open()
    yield ends
    ends.close()
    ends.outlet.close()
    for client, _ in ends.arrived:
        client.close()


def test_a_connection_comes_with_what_was_read_of_it(tmp_path: Path) -> None:
    """However much that is, and however long the name of the folder is."""
    folder = tmp_path / ("x" * 120)
    folder.mkdir()

    async def work() -> None:
        async with _ends(folder / "there.sock") as ends:
            assert ends.outlet.is_open()
            with ends.send(_LARGE) as mine:
                await ends.until(1)
                client, data = ends.arrived[0]
                client.sendall(b"hello")
                assert (data, mine.recv(9), client.get_inheritable()) == (_LARGE, b"hello", False)

    asyncio.run(work())


def test_a_burst_waits_in_its_order(tmp_path: Path) -> None:
    """Until the other server has taken those before."""

    async def work() -> None:
        async with _ends(tmp_path / "there.sock") as ends:
            mine = [ends.send(b"%d" % number) for number in range(_MANY)]
            await ends.until(_MANY)
            assert [int(data) for _, data in ends.arrived] == list(range(_MANY))
            assert not ends.refused
            for one in mine:
                one.close()

    asyncio.run(work())


def test_whoever_nobody_takes_is_refused(tmp_path: Path) -> None:
    """Also those that wait when the other server ends; the next one that starts takes others."""

    async def work() -> None:
        async with _ends(tmp_path / "there.sock", opened=False) as ends:
            assert not ends.outlet.is_open()
            ends.send(b"nobody").close()
            assert len(ends.refused) == 1

            ends.inlet = Inlet(ends.path)  # It reads nothing.
            for number in range(_MANY):
                ends.send(b"%d" % number).close()
            await settle()
            ends.inlet.close()
            await asyncio.sleep(0.1)
            assert len(ends.refused) > _MANY // 2
            assert not ends.outlet.is_open()

            ends.open()
            ends.send(b"again").close()
            await ends.until(1)
            assert [data for _, data in ends.arrived] == [b"again"]

    asyncio.run(work())


def test_a_server_that_was_started_again_is_found(tmp_path: Path) -> None:
    """By the first connection that the one before would have got."""

    async def work() -> None:
        async with _ends(tmp_path / "there.sock") as ends:
            ends.send(b"first").close()
            await ends.until(1)
            ends.close()
            ends.open()
            ends.send(b"second").close()
            await ends.until(2)
            assert not ends.refused

    asyncio.run(work())


def test_one_that_begins_takes_the_name_of_one_that_ends(tmp_path: Path) -> None:
    """Also while both begin: whoever is last has it, and nobody fails."""

    children = []
    for _ in range(4):
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):
                for _ in range(50):
                    Inlet(tmp_path / "there.sock")._socket.close()
                os._exit(0)
            os._exit(1)
        children.append(child)
    ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]

    assert ended == [0] * 4
    assert [one.name for one in tmp_path.iterdir()] == ["there.sock"]
