"""Clients without a token that hold or flood connections; run as a process of their own.

    python -m tests.security.hostile KIND COUNT SECONDS PORT LINK

Keeps COUNT connections of one kind open for SECONDS; one that ends is opened again. It runs with
the lowest priority, so that its own work takes nothing from the server it is to hold up.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable

_SIGNED = "X-Hub-Signature-256: sha256=" + "0" * 64 + "\r\n"
_PAUSE_SECONDS = 1.0

Kind = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str], Awaitable[None]]


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: str) -> None:
    """Sends nothing at all."""
    await reader.read()


async def slow_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: str) -> None:
    """Sends a head of which a line comes each second."""
    writer.write(b"GET /v1/whoami HTTP/1.1\r\nHost: x\r\n")
    while not reader.at_eof():
        writer.write(b"X-A: b\r\n")
        await writer.drain()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(100), _PAUSE_SECONDS)


async def endless_head(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: str
) -> None:
    """Sends headers as fast as they are taken."""
    writer.write(b"GET /v1/whoami HTTP/1.1\r\nHost: x\r\n")
    for _ in range(2000):
        writer.write(b"X-A: " + b"b" * 1000 + b"\r\n")
        await writer.drain()
    await reader.read()


async def slow_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: str) -> None:
    """Sends a delivery that seems signed, and of its body one byte a second."""
    head = f"POST {link} HTTP/1.1\r\nHost: x\r\n{_SIGNED}Content-Length: 8000000\r\n\r\n"
    writer.write(head.encode() + b"{" * 60_000)
    while not reader.at_eof():
        writer.write(b" ")
        await writer.drain()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(100), _PAUSE_SECONDS)


async def large_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: str) -> None:
    """Sends a large delivery with a wrong signature, whole."""
    head = f"POST {link} HTTP/1.1\r\nHost: x\r\n{_SIGNED}Content-Length: 4000000\r\n\r\n"
    writer.write(head.encode())
    for _ in range(40):
        writer.write(b" " * 100_000)
        await writer.drain()
        await asyncio.sleep(_PAUSE_SECONDS)
    await reader.read(10_000)


async def chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: str) -> None:
    """Sends a body in chunks whose extensions are all there is to them."""
    head = f"POST {link} HTTP/1.1\r\nHost: x\r\n{_SIGNED}Transfer-Encoding: chunked\r\n\r\n"
    writer.write(head.encode())
    for _ in range(400):
        writer.write(b"1;" + b"a" * 50_000 + b"\r\nx\r\n")
        await writer.drain()
        await asyncio.sleep(_PAUSE_SECONDS / 10)


async def bad_tokens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: str) -> None:
    """Guesses tokens, one a second on each connection."""
    for _ in range(100):
        token = os.urandom(16).hex()
        head = f"GET /v1/whoami HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer kt_{token}\r\n\r\n"
        writer.write(head.encode())
        await reader.read(10_000)
        await asyncio.sleep(_PAUSE_SECONDS)


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: str) -> None:
    """Speaks TLS to a server that does not."""
    writer.write(b"\x16\x03\x01\x02\x00\x01\x00" + os.urandom(500))
    await reader.read(10_000)
    await asyncio.sleep(_PAUSE_SECONDS)


KINDS: dict[str, Kind] = {
    kind.__name__: kind
    for kind in (
        silent, slow_head, endless_head, slow_body, large_body, chunks, bad_tokens, garbage,
    )
}  # fmt: skip


async def _hold(kind: Kind, port: int, link: str) -> None:
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                await kind(reader, writer, link)
            finally:
                writer.close()
        except OSError:
            pass  # Refused or cut off, as it should be: it comes again.
        await asyncio.sleep(_PAUSE_SECONDS)


async def _main(name: str, count: int, seconds: float, port: int, link: str) -> None:
    tasks = []
    for _ in range(count):
        tasks.append(asyncio.create_task(_hold(KINDS[name], port, link)))
        await asyncio.sleep(_PAUSE_SECONDS / count)
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


if __name__ == "__main__":
    os.nice(19)
    _, kind_name, connections, lasting, at, path = sys.argv
    asyncio.run(_main(kind_name, int(connections), float(lasting), int(at), path))
