"""What is a plain answer, read from bytes in any pieces."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from gitrepos.forge.exchange import Answer, Exchange, NotPlainError, UnheardError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/x\r\n"
FIVE = HEAD + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"


class Line(asyncio.Transport):
    """A transport that remembers what was written, and closes at once."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self.exchange, self.sent, self.is_closed = exchange, b"", False

    def write(self, data: Any) -> None:
        self.sent += data

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.exchange.connection_lost(None)


def opened() -> tuple[Exchange, Line, list[Exchange]]:
    """An exchange on a line, and where its end is noted."""
    lost: list[Exchange] = []
    exchange = Exchange(lost.append)
    line = Line(exchange)
    exchange.connection_made(line)
    return exchange, line, lost


async def told(exchange: Exchange, pieces: list[bytes], *, ends: bool) -> tuple[Answer, bytes]:
    """The answer to a request, of which these pieces come; then, perhaps, the connection ends."""
    body: list[bytes] = []
    asking = asyncio.ensure_future(exchange.ask(b"ASK", lambda _: body.append))
    await asyncio.sleep(0)
    for piece in pieces:
        exchange.data_received(piece)
    if ends:
        exchange.connection_lost(None)
    return await asyncio.wait_for(asking, 1), b"".join(body)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run `work` to its end."""
    return asyncio.run(work)


@pytest.mark.parametrize(
    "whole",
    [
        FIVE,
        CHUNKED,
        CHUNKED.replace(b"2\r\n", b'2;a="b"\r\n'),
        b"HTTP/1.1 103 Hint\r\nA: b\r\n\r\n" + FIVE,
        b"HTTP/1.1 199 Any\r\n\r\n" + FIVE,  # Each 1xx but one is a hint, says RFC 9110.
        HEAD + b"Connection: Upgrade, Keep-Alive\r\nUpgrade: h2\r\n" + FIVE[len(HEAD) :],
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_plain_answer_is_read_in_any_pieces(whole: bytes, size: int) -> None:
    """Hints before it are passed over, and the connection can be used again."""
    exchange, line, lost = opened()
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]

    answer, body = run(told(exchange, pieces, ends=False))

    assert (answer.status, answer.headers["content-type"], body) == (200, "text/x", b"hello")
    assert (line.sent, exchange.is_usable, lost) == (b"ASK", True, [])


def test_what_comes_together_is_handed_on_together() -> None:
    """In chunks of a byte each, a packet would be copied again for each byte of it."""
    exchange, _, _ = opened()
    pieces: list[bytes] = []

    async def ask() -> None:
        asking = asyncio.ensure_future(exchange.ask(b"", lambda _: pieces.append))
        await asyncio.sleep(0)
        exchange.data_received(CHUNKED)
        await asking

    run(ask())

    assert pieces == [b"hello"]


def test_the_next_request_has_its_own_answer() -> None:
    """Nothing of the last one is left."""
    exchange, _, _ = opened()
    trailed = CHUNKED[:-2] + b"X-Trailed: 1\r\nContent-Type: text/y\r\n\r\n"
    for last in (HEAD + b"X-Old: 1\r\nContent-Length: 1\r\n\r\na", trailed):
        run(told(exchange, [last], ends=False))

    answer, body = run(told(exchange, [FIVE], ends=False))

    assert answer.headers == {"content-type": "text/x", "content-length": "5"}
    assert body == b"hello"


@pytest.mark.parametrize("status", [101, 204, 301, 403, 429, 503])
def test_a_refusal_is_known_by_its_head(status: int) -> None:
    """Its body may be long; the connection is not used again, and the first header counts."""
    exchange, _, _ = opened()
    head = b"HTTP/1.1 %d No\r\nConnection: Upgrade\r\nUpgrade: x\r\n"
    head += b"Retry-After: 7\r\nretry-after: 9\r\nContent-Length: 9999\r\n\r\n"

    answer, body = run(told(exchange, [head % status], ends=False))

    assert (answer.status, answer.headers["retry-after"], body) == (status, "7", b"")
    assert not exchange.is_usable


@pytest.mark.parametrize(
    "came",
    [
        b"SSH-2.0-OpenSSH\r\n",
        HEAD + b"\r\nhello",  # Ends with its connection.
        HEAD + b"Transfer-Encoding: identity\r\n\r\nhello",  # And so does this.
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        HEAD + b"Content-Length: five\r\n\r\nhello",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        HEAD + b"A: " + b"a" * 9000 + b"\r\nContent-Length: 5\r\n\r\nhello",
        HEAD + b"A: b\r\n" * 200 + b"Content-Length: 5\r\n\r\nhello",
        HEAD + b"A" * 30_000,
        b"HTTP/1.1 100 Go on\r\n\r\n" * 200 + FIVE,
        CHUNKED[:-2] + b"A: b\r\n" * 200 + b"\r\n",
        HEAD + b"Content-Length: 6\r\n\r\nhello",  # Cut short.
    ],
)
def test_what_is_not_plain_ends_the_exchange(came: bytes) -> None:
    """Whoever asked has another way; the connection is closed, and its end told once."""
    exchange, line, lost = opened()
    pieces = [came[at : at + 4096] for at in range(0, len(came), 4096)]

    with pytest.raises(NotPlainError) as raised:
        run(told(exchange, pieces, ends=came.endswith(b"6\r\n\r\nhello")))

    assert not isinstance(raised.value, UnheardError)
    assert (exchange.is_usable, line.is_closed, lost[:1]) == (False, True, [exchange])


def test_an_end_before_an_answer_is_told_apart() -> None:
    """A kept connection may have been closed just when it was used: it is asked again."""
    exchange, _, _ = opened()

    with pytest.raises(UnheardError):
        run(told(exchange, [], ends=True))
    with pytest.raises(UnheardError):
        run(told(exchange, [], ends=False))  # It is gone.


def test_what_nobody_asked_for_closes_the_connection() -> None:
    """It would be read as the answer to the next request."""
    exchange, line, _ = opened()
    run(told(exchange, [FIVE], ends=False))

    exchange.data_received(FIVE)

    assert (exchange.is_usable, line.is_closed) == (False, True)


@pytest.mark.parametrize("more", [FIVE, b"H", b"\0"])
@pytest.mark.parametrize("first", [FIVE, FIVE.replace(b"HTTP/1.1", b"HTTP/1.0"), CHUNKED])
def test_more_than_was_asked_for_is_no_answer_to_the_next(first: bytes, more: bytes) -> None:
    """Two answers to one request: the first counts, and the connection is not used again."""
    exchange, _, _ = opened()

    _, body = run(told(exchange, [first[:-1], first[-1:] + more], ends=False))

    assert (body, exchange.is_usable) == (b"hello", False)


def test_what_the_reader_raises_is_raised() -> None:
    """The body may be too large for it."""

    async def ask() -> None:
        exchange, line, _ = opened()

        def refuse(_: bytes) -> None:
            raise KeyError

        asking = asyncio.ensure_future(exchange.ask(b"", lambda _: refuse))
        await asyncio.sleep(0)
        exchange.data_received(FIVE)
        with pytest.raises(KeyError):
            await asking
        assert line.is_closed

    run(ask())
