"""How an answer's end is told, read by the gateway's client and beside it by aiohttp's own."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
import socket
import ssl
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import uvloop

from kt.gateway.errors import UpstreamError
from kt.gateway.options import Timeouts
from kt.gateway.policy.targets import UpstreamTarget
from kt.gateway.upstream.connections import Upstream
from kt.gateway.upstream.reply import Call
from tests.support.tls import Authority

EVENT = b'data: {"choices": [{"delta": {"content": "hello there"}}]}\n\n'
CALL = Call("/v1/chat/completions", "m", {}, b"{}", {}, stream=False, max_response_bytes=1 << 23)
BROKEN = "The target broke off its answer."
UNANSWERED = "The target closed the connection before it answered."
NOT_HTTP = "The target's answer is not HTTP."
NOT_PACKED = "The target's answer is not compressed as its head says."
SECONDS = 30
TIMEOUTS = Timeouts(idle_seconds=2 * SECONDS)
Outcome = bytes | str


@dataclass(frozen=True)
class Answer:
    """What a server sends, and how it goes: "closes", "resets", "stays".

    "drops" ends TLS without its goodbye.
    """

    head: bytes
    body: bytes = b""
    end: str = "closes"


Rows = list[tuple[Answer, Outcome]]
Script = tuple[list[bytes], str]
Client = Callable[[list[str]], Awaitable[list[Outcome]]]


def head(*fields: str, status: str = "200 OK", version: str = "1.1") -> bytes:
    """The head of an answer with these fields."""
    lines = [f"HTTP/{version} {status}", "content-type: text/event-stream", *fields]
    return ("\r\n".join(line for line in lines if line) + "\r\n\r\n").encode()


def chunks(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


LENGTH = f"content-length: {len(EVENT)}"
CHUNKED = "transfer-encoding: chunked"
CLOSE = "connection: close"
CHUNKS = chunks(EVENT[:7], EVENT[7:])


def framed(version: str, connection: str) -> Rows:
    """Every framing, whole and cut short, with every end."""
    length = head(LENGTH, connection, version=version)
    chunked = head(CHUNKED, connection, version=version)
    bare = head(connection, version=version)
    whole = [(length, EVENT), (chunked, CHUNKS + b"0\r\n\r\n")]
    short = [(length, EVENT[:-1]), (length, b"")]
    short += [(chunked, (CHUNKS + b"0\r\n")[:size]) for size in (0, 1, 9, -4, -3, None)]
    return [
        *((Answer(*one, end), EVENT) for one in whole for end in ("closes", "resets", "stays")),
        *((Answer(*one, end), BROKEN) for one in short for end in ("closes", "resets")),
        (Answer(bare, EVENT), EVENT),
        (Answer(bare), b""),
    ]


ODD: Rows = [
    (Answer(head(LENGTH, status="400 Bad Request"), EVENT), EVENT),
    (Answer(head(status="400 Bad Request"), EVENT), EVENT),
    (Answer(head("content-length: 0"), end="stays"), b""),
    (Answer(head("content-length: 0", status="205 Reset Content"), end="stays"), b""),
    (Answer(head(status="204 No Content"), end="stays"), b""),
    (Answer(head(CLOSE, status="204 No Content")), b""),
    (Answer(head("transfer-encoding: identity"), EVENT), EVENT),
    (Answer(b"HTTP/1.1 100 Continue\r\n\r\n" + head(), EVENT), EVENT),
    (Answer(head(), EVENT * 50_000), EVENT * 50_000),
    (Answer(head(CHUNKED), chunks(EVENT * 50_000) + b"0\r\n\r\n"), EVENT * 50_000),
    (Answer(b""), UNANSWERED),
    (Answer(b"", end="resets"), UNANSWERED),
    (Answer(b"HTTP/1.1 100 Continue\r\n\r\n"), UNANSWERED),
    (Answer(head(LENGTH)[:-9]), UNANSWERED),
    (Answer(head(LENGTH, CHUNKED), CHUNKS), NOT_HTTP),
    (Answer(head(LENGTH, "content-length: 5"), EVENT), NOT_HTTP),
    (Answer(head("content-length: many"), EVENT), NOT_HTTP),
    (Answer(head(LENGTH, f"x-long: {'x' * 9000}"), EVENT), NOT_HTTP),
    (Answer(head(LENGTH, *(f"x-{number}: 1" for number in range(200))), EVENT), NOT_HTTP),
    (Answer(head(LENGTH, "x-null: a\0b"), EVENT), NOT_HTTP),
]


# Seldom seen, and lawful: each is the event, whoever reads it.
LAWFUL = [
    Answer(head(CHUNKED, "trailer: x-sum"), CHUNKS + b"0\r\nx-sum: 5\r\n\r\n", "stays"),
    Answer(head(CHUNKED), CHUNKS + b"0\r\na: 1\r\nb: 2\r\n\r\n", "stays"),
    Answer(head(CHUNKED), b"%X;a=b\r\n" % len(EVENT) + EVENT + b"\r\n0;c\r\n\r\n", "stays"),
    Answer(head(CHUNKED), b'%x;a="b c"\r\n' % len(EVENT) + EVENT + b"\r\n0\r\n\r\n", "stays"),
    Answer(head(CHUNKED), b"00%x\r\n" % len(EVENT) + EVENT + b"\r\n000\r\n\r\n", "stays"),
    Answer(head(CHUNKED), chunks(*(bytes([one]) for one in EVENT)) + b"0\r\n\r\n", "stays"),
    Answer(head("Transfer-Encoding: Chunked"), CHUNKS + b"0\r\n\r\n", "stays"),
    Answer(head(f"CONTENT-LENGTH: {len(EVENT)}"), EVENT, "stays"),
    Answer(head(f"content-length:{len(EVENT)}"), EVENT, "stays"),
    Answer(head(f"content-length: \t {len(EVENT)} \t"), EVENT, "stays"),
    Answer(head(f"content-length: 000{len(EVENT)}"), EVENT, "stays"),
    Answer(head(LENGTH, status="200"), EVENT, "stays"),
    Answer(head(LENGTH, status="200 "), EVENT, "stays"),
    Answer(head(LENGTH, status="200 Tr\u00e8s bien"), EVENT, "stays"),
    Answer(head(LENGTH, status="299 Made Up"), EVENT, "stays"),
    Answer(head(LENGTH, status="418 I'm a teapot"), EVENT, "stays"),
    Answer(head(LENGTH, status="599 Made Up"), EVENT, "stays"),
    Answer(head(LENGTH, "x-empty:"), EVENT, "stays"),
    Answer(head(LENGTH, "x-utf-8: h\u00e9"), EVENT, "stays"),
    Answer(head(LENGTH, "x-odd!#$%&'*+-.^_`|~: 1"), EVENT, "stays"),
    Answer(head(LENGTH, f"x-long: {'x' * 6000}"), EVENT, "stays"),
    Answer(head(LENGTH, *(f"x-{number}: {number}" for number in range(90))), EVENT, "stays"),
    Answer(head(LENGTH, *(f"set-cookie: a{number}=b" for number in range(20))), EVENT, "stays"),
    Answer(head(LENGTH, "connection: keep-alive", "keep-alive: timeout=1, max=1"), EVENT, "stays"),
    Answer(head(LENGTH, "keep-alive: timeout=0"), EVENT),
    Answer(head(LENGTH, "connection: x-hop", "x-hop: 1"), EVENT, "stays"),
    Answer(head(LENGTH, "connection: Close"), EVENT),
    Answer(head(LENGTH, "connection: keep-alive, close"), EVENT),
    Answer(head(LENGTH, "upgrade: h2c"), EVENT, "stays"),
    Answer(head(LENGTH, "alt-svc: h3=:443", "date: never", "age: -1"), EVENT, "stays"),
    Answer(head(LENGTH, "content-encoding: identity"), EVENT, "stays"),
    Answer(head(LENGTH, "content-encoding:"), EVENT, "stays"),
    Answer(b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + head(LENGTH), EVENT, "stays"),
    Answer(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + head(LENGTH), EVENT, "stays"),
    Answer(b"HTTP/1.1 100 Continue\r\n\r\n" * 9 + head(CHUNKED), CHUNKS + b"0\r\n\r\n", "stays"),
    Answer(b"HTTP/1.1 103 Early Hints\r\n\r\n" + head(), EVENT),
    Answer(head(CLOSE, CHUNKED, version="1.0"), CHUNKS + b"0\r\n\r\n"),
    Answer(head("connection: keep-alive", LENGTH, version="1.0"), EVENT, "stays"),
]


def test_what_is_seldom_and_lawful_is_read_as_by_aiohttps_own_client() -> None:
    """In one segment, in three, and in many of seven bytes each."""
    rows: Rows = [(answer, EVENT) for answer in LAWFUL]

    for client in (ours, late, plain):
        assert uvloop.run(outcomes(client, rows)) == expected(rows)
        assert uvloop.run(outcomes(client, rows, cuts=(dribbled,))) == [EVENT] * len(rows)


@pytest.mark.parametrize("connection", ["", CLOSE, "connection: keep-alive"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_every_framing_is_read_as_by_aiohttps_own_client(version: str, connection: str) -> None:
    """Head and body in one segment or in three; whole, or a failure that says so."""
    rows = framed(version, connection)

    assert uvloop.run(outcomes(ours, rows)) == expected(rows)
    assert uvloop.run(outcomes(late, rows)) == expected(rows)
    assert uvloop.run(outcomes(plain, rows)) == expected(rows)


def test_odd_answers_are_read_as_by_aiohttps_own_client() -> None:
    """Without a body, without the end of a head, twice framed."""
    assert uvloop.run(outcomes(ours, ODD)) == expected(ODD)
    assert uvloop.run(outcomes(late, ODD)) == expected(ODD)
    assert uvloop.run(outcomes(plain, ODD)) == expected(ODD)


@pytest.mark.parametrize("sent", [b"", EVENT], ids=["nothing", "an event"])
@pytest.mark.parametrize("connection", ["", CLOSE])
def test_a_reset_is_not_the_end_of_an_answer_that_ends_with_its_connection(
    connection: str, sent: bytes
) -> None:
    """aiohttp's own client takes it for one."""
    rows: Rows = [(Answer(head(connection), sent, "resets"), BROKEN)]

    assert uvloop.run(outcomes(ours, rows)) == expected(rows)
    assert uvloop.run(outcomes(late, rows)) == expected(rows)


def test_what_is_no_chunk_fails_at_once() -> None:
    """And not when nothing more has come for a while, as with aiohttp's own client."""
    rows: Rows = [(Answer(head(CHUNKED), CHUNKS, "no chunk"), BROKEN)]

    assert uvloop.run(outcomes(ours, rows)) == expected(rows)
    assert uvloop.run(outcomes(late, rows)) == expected(rows)


@pytest.mark.parametrize(
    ("coding", "said"),
    [
        ("transfer-encoding: gzip, chunked", "(gzip)"),
        ("content-encoding: br", "(br)"),
        ("content-encoding: gzip, zstd", "(gzip+zstd)"),
        ("content-encoding: made-up", "(unknown)"),
    ],
)
def test_an_answer_that_cannot_be_decompressed_is_a_failure(coding: str, said: str) -> None:
    """Nobody asked for one, and what it says could not be judged."""
    rows = [(Answer(head(coding), b"0\r\n\r\n"), "")]
    message = f"The target compressed its answer {said} although it was asked not to."

    assert uvloop.run(outcomes(ours, rows)) == [message, message]


def test_a_compressed_answer_is_read_within_its_bound() -> None:
    """Whole or not at all, however it is framed, and never past the largest answer."""
    packed, fill = gzip.compress(EVENT), gzip.compress(bytes(CALL.max_response_bytes + 1))
    named, upper = head("content-encoding: gzip"), head("Content-Encoding: X-GZIP", LENGTH)
    rows: Rows = [
        (Answer(named, packed), EVENT),
        (Answer(named, packed[:9]), BROKEN),
        (Answer(named, packed[:-1]), BROKEN),
        (Answer(named, b""), b""),
        (Answer(named, EVENT), NOT_PACKED),
        (Answer(named, fill), f"The answer is larger than {CALL.max_response_bytes} bytes."),
        (Answer(head("content-encoding: deflate"), zlib.compress(EVENT)), EVENT),
        (Answer(head("content-encoding: identity"), EVENT), EVENT),
        (Answer(upper.replace(b": 60", b": %d" % len(packed)), packed, "stays"), EVENT),
        (Answer(head("content-encoding: gzip", CHUNKED), chunks(packed) + b"0\r\n\r\n"), EVENT),
    ]

    assert uvloop.run(outcomes(ours, rows)) == expected(rows)
    assert uvloop.run(outcomes(late, rows)) == expected(rows)


@pytest.mark.parametrize("end", ["closes", "drops"])
def test_tls_may_end_without_a_goodbye(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """What its framing calls whole is whole, as for aiohttp's own client."""
    authority = Authority(tmp_path / "authority")
    trusting = ssl.create_default_context(cafile=authority.ca_file)
    monkeypatch.setattr("kt.gateway.upstream.pool.tls_context", lambda: trusting)
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)
    rows: Rows = [
        (Answer(head(LENGTH), EVENT, end), EVENT),
        (Answer(head(CHUNKED), CHUNKS + b"0\r\n\r\n", end), EVENT),
        (Answer(head(LENGTH), EVENT[:-1], end), BROKEN),
        (Answer(head(CHUNKED), CHUNKS, end), BROKEN),
        (Answer(head(CLOSE), EVENT, end), EVENT),
    ]

    for client in (ours, late, plain):
        assert uvloop.run(outcomes(client, rows, tls=authority.server)) == expected(rows)


def test_an_idle_connection_that_is_reset_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    """asyncio tells of failures that nobody looked at."""

    async def twice(urls: list[str]) -> list[Outcome]:
        upstream = Upstream(TIMEOUTS)
        outcomes = []
        for url in urls:
            outcomes.append(await asked(upstream, url))
            await asyncio.sleep(0.03)
        gc.collect()
        await upstream.close()
        return outcomes

    rows: Rows = [(Answer(head(LENGTH), EVENT, "resets"), EVENT)]

    assert uvloop.run(outcomes(twice, rows)) == expected(rows)
    assert caplog.messages == []


def expected(rows: Rows) -> list[Outcome]:
    return [outcome for _, outcome in rows for _ in range(2)]


async def outcomes(
    client: Client,
    rows: Rows,
    cuts: Sequence[Callable[[Answer], Script]] = (),
    *,
    tls: ssl.SSLContext | None = None,
) -> list[Outcome]:
    """What a client makes of each row, sent in one segment and in three, or cut otherwise."""
    scripts = [cut(answer) for answer, _ in rows for cut in cuts or (whole, pieces)]
    async with asyncio.timeout(SECONDS), serving(scripts, tls) as url:
        return await client([f"{url}/{number}" for number in range(len(scripts))])


async def ours(urls: list[str], *, pause_seconds: float = 0) -> list[Outcome]:
    upstream = Upstream(TIMEOUTS)
    try:
        return await asyncio.gather(*(asked(upstream, url, pause_seconds) for url in urls))
    finally:
        await upstream.close()


async def late(urls: list[str]) -> list[Outcome]:
    return await ours(urls, pause_seconds=0.1)


async def asked(upstream: Upstream, url: str, pause_seconds: float = 0) -> Outcome:
    target = UpstreamTarget("a", "local", "*", url, "openai")
    try:
        reply = await upstream.call(target, CALL)
        try:
            await asyncio.sleep(pause_seconds)
            return await reply.read()
        finally:
            reply.close()
    except UpstreamError as exc:
        return exc.message


async def plain(urls: list[str]) -> list[Outcome]:
    async with aiohttp.ClientSession() as session:
        return await asyncio.gather(*(posted(session, url) for url in urls))


async def posted(session: aiohttp.ClientSession, url: str) -> Outcome:
    try:
        async with session.post(url, data=b"{}") as answer:
            return await answer.read()
    except aiohttp.ClientPayloadError:
        return BROKEN
    except aiohttp.ClientResponseError:
        return NOT_HTTP
    except aiohttp.ClientConnectionError:
        return UNANSWERED


@contextlib.asynccontextmanager
async def serving(scripts: list[Script], tls: ssl.SSLContext | None) -> AsyncIterator[str]:
    """A server on raw sockets that says what the number in a path stands for; its url."""
    lines = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            end = "stays"
            while end == "stays":
                request = await reader.readuntil(b"\r\n\r\n{}")
                segments, end = scripts[int(request.split(b"/", 2)[1].split()[0])]
                for segment in segments:
                    if writer.is_closing():
                        # The client refused what it had read and hung up.
                        return
                    writer.write(segment)
                    # A turn in which it is read.
                    await asyncio.sleep(0.01)
            leave(writer, end)
            await reader.read()
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.gather(*lines)


def whole(answer: Answer) -> Script:
    return [answer.head + answer.body], answer.end


def pieces(answer: Answer) -> Script:
    return [answer.head, answer.body[:10], answer.body[10:]], answer.end


def dribbled(answer: Answer) -> Script:
    sent = answer.head + answer.body
    return [sent[at : at + 7] for at in range(0, min(len(sent), 700), 7)] + [sent[700:]], answer.end


def leave(writer: asyncio.StreamWriter, end: str) -> None:
    if end == "closes":
        writer.close()
    elif end == "drops":
        writer.transport.abort()
    elif end == "resets":
        # Closed with something to linger for, none of it kept: a reset.
        line = writer.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    elif end == "no chunk":
        writer.write(b"zz\r\n")
