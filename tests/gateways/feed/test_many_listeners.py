"""A thousand listeners of one process: what they cost, while something changes and not."""

import asyncio
import os
import resource
import time
from pathlib import Path

import pytest
from django.db import connection
from rest_framework.test import APIClient

from access import tokens
from events import log
from tests.support.events import Pusher

LISTENERS = 1000
_TOKENS = 50
_CHANGES = 10
_IDLE_SECONDS = 10.0
_TICKS = os.sysconf("SC_CLK_TCK")


@pytest.mark.soak
@pytest.mark.django_db(transaction=True)
def test_a_thousand_listeners_cost_little(admin: APIClient, pusher: Pusher) -> None:
    """Under a tenth of a core while nothing changes, 0.1 s of one for a change, 64 KiB each."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    made = [tokens.create(f"t{n}", role="admin" if n % 2 else "viewer")[1] for n in range(_TOKENS)]
    asyncio.run(_measure(pusher, made))


async def _measure(pusher: Pusher, texts: list[str]) -> None:
    assert pusher.process is not None
    pid, empty = pusher.process.pid, _resident(pusher.process.pid)
    opened = [await _open(pusher.port, texts[n % _TOKENS]) for n in range(LISTENERS)]
    await asyncio.sleep(5)
    before, began = _cpu(pid), time.monotonic()
    await asyncio.sleep(_IDLE_SECONDS)
    idle = (_cpu(pid) - before) / (time.monotonic() - began)
    each = (_resident(pid) - empty) / LISTENERS

    cost, slowest = 0.0, 0.0
    for number in range(_CHANGES):
        before, began = _cpu(pid), time.monotonic()
        message = f"change {number}."
        await asyncio.to_thread(_record, message)
        await asyncio.gather(*(_until(one, message.encode()) for one in opened))
        slowest = max(slowest, time.monotonic() - began)
        cost += _cpu(pid) - before
    for _, writer in opened:
        writer.close()
    print(
        f"{LISTENERS} listeners: idle {100 * idle:.1f} % of a core, {each:.0f} KiB each,"
        f" a change {1000 * cost / _CHANGES:.0f} ms of CPU, told to all in {slowest:.2f} s at most"
    )
    assert idle < 0.1
    assert each < 64
    assert cost / _CHANGES < 0.1


def _record(message: str) -> None:
    log.record(log.Kind.ARCHIVED, message, configuration="bot")
    connection.close()  # That of a thread.


_Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _open(port: int, text: str) -> _Line:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {text}\r\n\r\n"
    writer.write(head.encode())
    await _until((reader, writer), b"event: open")
    return reader, writer


async def _until(line: _Line, told: bytes) -> None:
    async with asyncio.timeout(60):
        while told not in await line[0].readline():
            pass


def _cpu(pid: int) -> float:
    """The seconds of CPU that a process took."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _resident(pid: int) -> int:
    """The KiB of memory of a process."""
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0])
