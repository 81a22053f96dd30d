"""The two ways of asking a server make the same of its bytes, whole or not, in any pieces."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Callable
from random import Random

import pytest

from gitrepos.errors import RemoteError
from gitrepos.forge import smart_http
from gitrepos.forge.addresses import parse
from gitrepos.forge.connections import Dial, read
from gitrepos.forge.exchange import NotPlainError, Sink
from gitrepos.forge.smart_http import DoubtError, RefsRequest
from gitrepos.forge.wire.fetch import PackReader

TYPE = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\n"
HINTS = (b"", b"", b"HTTP/1.1 100 Go on\r\n\r\n", b"HTTP/1.1 104 New\r\nA: b\r\n\r\n")
PUT_IN = (b"\r\n", b"\n", b"\r", b" ", b":", b"\0", b"0\r\n\r\n", b"HTTP/1.1 200 OK\r\n")
MAX_BYTES = 100_000
LATE = b"late"
# The answer to one request, in pieces, and whether the connection ends after it.
Said = tuple[list[bytes], bool]


def packet(payload: bytes) -> bytes:
    """A pkt-line."""
    return b"%04x%s" % (len(payload) + 4, payload)


def answer(pack: bytes, random: Random) -> bytes:
    """An answer with a pack, as servers and proxies frame it."""
    body = packet(b"packfile\n") + packet(b"\x01" + pack) + b"0000"
    head = random.choice(HINTS) + TYPE
    if random.random() < 0.3:
        body, head = gzip.compress(body, mtime=0), head + b"Content-Encoding: gzip\r\n"
    if random.random() < 0.5:
        return head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    at = random.randrange(1, len(body))
    chunks = b"".join(b"%x;a=b\r\n%s\r\n" % (len(one), one) for one in (body[:at], body[at:]))
    trailer = random.choice((b"", b"Content-Type: text/html\r\n"))
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailer + b"\r\n"


def said(pack: bytes, random: Random) -> Said:
    """An answer with a pack as it may come: changed, cut short, or followed by another one."""
    whole = answer(pack, random)
    at = random.randrange(len(whole))
    match random.randrange(5):
        case 0:
            came = whole[:at] + random.randbytes(1) + whole[at + 1 :]
        case 1:
            came = whole[:at] + random.choice(PUT_IN) + whole[at:]
        case 2:
            came = whole[:at]
        case 3:
            came = whole + answer(b"another", random)[: random.choice((1, 9, 999))]
        case _:
            came = whole
    # Never just before another answer: one that comes after the next question is that one's.
    last = min(len(came), len(whole) - 1)
    cuts = sorted({0, *(random.randint(0, last) for _ in range(random.choice((0, 3))))})
    pieces = [came[a:b] for a, b in zip(cuts, [*cuts[1:], len(came)], strict=True)]
    return pieces, not came.startswith(whole)


@contextlib.asynccontextmanager
async def served(says: Callable[[], Said]) -> AsyncIterator[RefsRequest]:
    """The request to a server that says what `says` gives."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_over = False
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while not is_over:
                await reader.readuntil(b"\r\n\r\nask")
                pieces, is_over = says()
                for piece in pieces:
                    writer.write(piece)
                    await asyncio.sleep(0)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = parse(f"http://127.0.0.1:{port}/a.git", schemes=["http"])
        yield RefsRequest(url, keep=True)


async def plainly(dial: Dial, wish: RefsRequest) -> bytes:
    """The pack, in the way that costs little."""
    reader, pieces = PackReader([]), list[bytes]()

    def receive() -> Sink:
        return lambda piece: pieces.extend(reader.feed(piece))

    await smart_http.posted_plainly(dial, wish, b"ask", receive, max_bytes=MAX_BYTES)
    reader.end()
    return b"".join(pieces)


async def otherwise(dial: Dial, wish: RefsRequest) -> bytes:
    """The pack, in the way that knows more. At some malformed chunks it waits for its deadline."""
    reader, pieces = PackReader([]), list[bytes]()
    try:
        async with asyncio.timeout(1), smart_http.posted(dial, wish, b"ask") as response:
            async for chunk in read(response, max_bytes=MAX_BYTES):
                pieces.extend(reader.feed(chunk))
            reader.end()
    except TimeoutError:
        return LATE
    return b"".join(pieces)


async def made_of(seed: int) -> list[bytes | None]:
    """What each way makes of one answer, None for nothing; and of a good one the plain way then."""
    pack = b"pack %d " % seed + Random(seed).randbytes(90)
    first, then = said(pack, Random(seed)), ([answer(b"next", Random(seed))], False)
    says, made = first, list[bytes | None]()
    async with served(lambda: says) as wish:
        plain, other = Dial(pinned=["127.0.0.1"]), Dial(pinned=["127.0.0.1"])
        for way, dial, come in (
            (plainly, plain, first),
            (plainly, plain, then),
            (otherwise, other, first),
        ):
            says = come
            try:
                made.append(await way(dial, wish))
            except (NotPlainError, RemoteError, DoubtError):
                made.append(None)
        await plain.close()
        await other.close()
    if made[0] == pack and not first[1]:
        made[2] = pack  # It may refuse a whole answer for what follows it.
    return made


@pytest.mark.parametrize("first", range(0, 200, 100))
def test_both_ways_make_the_same_of_an_answer(first: int) -> None:
    """Or the plain one leaves it to the other; whatever came, the next answer is its own."""

    async def main() -> list[list[bytes | None]]:
        return [await made_of(seed) for seed in range(first, first + 100)]

    made = asyncio.run(main())

    assert [then for _, then, _ in made] == [b"next"] * len(made)
    assert [(one, other) for one, _, other in made if one and other not in (one, LATE)] == []
    assert sum(bool(one) for one, _, _ in made) > len(made) / 4
