"""Connections that are kept, at a server on loopback that counts them."""

import asyncio
import ctypes
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager

import pytest

from gitrepos.forge import kept
from gitrepos.forge.exchange import NotPlainError, UnheardError
from gitrepos.forge.kept import Kept, Place
from gitrepos.forge.resolvers import AddrInfo
from tests.support.stack import PATIENCE_SECONDS

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Say = Callable[[int, int], bytes]
Accept = Callable[[], Awaitable[socket.socket]]
# Of Linux, and not in `socket`: a program that says which packets a socket gets.
_SO_ATTACH_FILTER = 26


async def look_up(host: str, port: int) -> list[AddrInfo]:
    """A host is its own address."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port))]


@asynccontextmanager
async def served(say: Say) -> AsyncIterator[tuple[Kept, Place, list[int]]]:
    """Connections to a server, and how many requests came on each.

    `say` has the answer to a request of a connection, both by number; none hangs up.
    """
    counts: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(counts)
        counts.append(0)
        while await reader.read(1000):
            counts[number] += 1
            answer = say(number, counts[number])
            if not answer:
                break
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    connections = Kept(look_up, lambda info: socket.socket(info[0], info[1]))
    try:
        yield connections, Place("127.0.0.1", port, None), counts
    finally:
        await connections.close()
        server.close()
        await asyncio.sleep(0.01)  # The server's side ends, too.


def run(work: Callable[[Kept, Place], Awaitable[object]], say: Say = lambda *_: OK) -> list[int]:
    """Do `work`; returns how many requests came on each connection."""

    async def main() -> list[int]:
        async with served(say) as (connections, place, counts):
            await work(connections, place)
            await asyncio.sleep(0.01)
            return counts

    return asyncio.run(main())


async def ask(connections: Kept, place: Place) -> bytes:
    """The body of one answer."""
    body: list[bytes] = []
    await connections.ask(place, b"ask", lambda _: body.append)
    return b"".join(body)


def test_requests_in_turn_share_a_connection() -> None:
    """Past the bound of those that are kept, too: one that is idle is used."""

    async def work(connections: Kept, place: Place) -> None:
        assert [await ask(connections, place) for _ in range(4)] == [b"ok"] * 4

    assert run(work) == [4]


def test_requests_at_once_have_connections_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many of them are kept as may be, and those are used again."""
    monkeypatch.setattr(kept, "MOST_KEPT", 2)

    async def work(connections: Kept, place: Place) -> None:
        await asyncio.gather(*(ask(connections, place) for _ in range(3)))
        await asyncio.gather(*(ask(connections, place) for _ in range(3)))

    assert sorted(run(work)) == [1, 1, 2, 2]


def test_a_connection_is_kept_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open files are few."""
    monkeypatch.setattr(kept, "KEPT_SECONDS", 0.02)

    async def work(connections: Kept, place: Place) -> None:
        await ask(connections, place)
        await asyncio.sleep(0.1)
        await ask(connections, place)

    assert run(work) == [1, 1]


def test_a_request_is_sent_again_once() -> None:
    """The server may hang up on a kept connection; on a new one it means what it does."""

    async def work(connections: Kept, place: Place) -> None:
        assert [await ask(connections, place) for _ in range(2)] == [b"ok"] * 2
        with pytest.raises(UnheardError):
            await ask(connections, place)

    def say(number: int, request: int) -> bytes:
        return OK if (number, request) in ((0, 1), (1, 1)) else b""

    assert run(work, say) == [2, 2, 1]


def test_what_was_heard_is_not_asked_again() -> None:
    """A refused answer costs one request here."""

    async def work(connections: Kept, place: Place) -> None:
        await ask(connections, place)
        with pytest.raises(NotPlainError):
            await ask(connections, place)

    assert run(work, lambda _, request: OK if request == 1 else b"no HTTP") == [2]


def test_nobody_there_is_unheard() -> None:
    """The other way says why."""

    async def work(connections: Kept, place: Place) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            with pytest.raises(UnheardError):
                await ask(connections, place._replace(port=free.getsockname()[1]))

    assert run(work) == []


@asynccontextmanager
async def by_hand() -> AsyncIterator[tuple[Kept, Place, Accept]]:
    """Connections to a server, and what accepts the next one, whose request is read."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as lines:
        listener.settimeout(PATIENCE_SECONDS)

        async def accept() -> socket.socket:
            line, _ = await asyncio.to_thread(listener.accept)
            lines.enter_context(line).settimeout(PATIENCE_SECONDS)
            await asyncio.to_thread(line.recv, 1000)
            return line

        connections = Kept(look_up, lambda info: socket.socket(info[0], info[1]))
        yield connections, Place("127.0.0.1", listener.getsockname()[1], None), accept
        await connections.close()


async def kept_line(connections: Kept, place: Place, accept: Accept) -> socket.socket:
    """The server's end of a connection that is kept after an answer."""
    asking = asyncio.create_task(ask(connections, place))
    line = await accept()
    line.send(OK)
    assert await asking == b"ok"
    return line


@pytest.mark.parametrize("early", [OK.replace(b"ok", b"no"), b"\r\n"])
def test_what_came_before_a_question_is_no_answer_to_it(early: bytes) -> None:
    """A second answer to the last one, for another repository, may wait unread."""

    async def main() -> None:
        async with by_hand() as (connections, place, accept):
            line = await kept_line(connections, place, accept)
            line.send(early)
            asking = asyncio.create_task(ask(connections, place))
            (await accept()).send(OK)
            assert await asking == b"ok"

    asyncio.run(main())


def test_a_connection_that_leads_nowhere_by_now_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A firewall forgets those that are idle, and tells nobody; a server that is slow says that
    it has the request."""
    monkeypatch.setattr(kept, "_UNACKNOWLEDGED_SECONDS", 0.2)

    async def main() -> None:
        async with by_hand() as (connections, place, accept):
            line = await kept_line(connections, place, accept)
            none = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))  # `ret #0`
            program = struct.pack("HP", 1, ctypes.addressof(none))
            line.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
            asking = asyncio.create_task(ask(connections, place))
            (await accept()).send(OK)
            assert await asking == b"ok"

    asyncio.run(main())


def test_the_end_ends_what_is_under_way() -> None:
    """Whoever asks on a kept connection does not ask again on another one."""

    async def main() -> None:
        async with by_hand() as (connections, place, accept):
            line = await kept_line(connections, place, accept)
            asking = asyncio.create_task(ask(connections, place))
            await asyncio.to_thread(line.recv, 1000)
            await asyncio.wait_for(connections.close(), PATIENCE_SECONDS)
            with pytest.raises(UnheardError):
                await asyncio.wait_for(asking, PATIENCE_SECONDS)

    asyncio.run(main())
