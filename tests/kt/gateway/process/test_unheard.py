"""A log that nobody reads: a pipe whose other end stands still."""

from __future__ import annotations

import fcntl
import signal
import time

import pytest

from tests.kt.gateway.support import Running, Starter, chat, pack, put

_PAGE_BYTES = 4096
_LINES = 100


@pytest.fixture
def unheard(start: Starter) -> Running:
    """A gateway that has logged more than fits into its standard error."""
    gateway = start(pack(), "--decision-log", "none")
    assert gateway.process.stderr is not None
    fcntl.fcntl(gateway.process.stderr, fcntl.F_SETPIPE_SZ, _PAGE_BYTES)
    for number in range(_LINES):
        put(gateway, pack(more=f"# {number}"))
    return gateway


def test_it_delays_no_request(unheard: Running) -> None:
    """And whoever reads again finds all of it."""
    began = time.monotonic()
    assert unheard.get("/keeptrusts/config").status == 200
    assert time.monotonic() - began < 2

    status, _, said = unheard.stop()

    assert status == 0
    assert said.count("now enforcing") == _LINES


def test_it_holds_up_no_end(unheard: Running) -> None:
    """What nobody reads is lost in the end."""
    unheard.process.send_signal(signal.SIGTERM)

    assert unheard.process.wait(timeout=20) == 0


def test_a_decision_log_that_nobody_reads_holds_up_no_end(start: Starter) -> None:
    """Nor any request."""
    gateway = start(pack(), "--mock-upstream", "--decision-log", "-")
    assert gateway.process.stdout is not None
    fcntl.fcntl(gateway.process.stdout, fcntl.F_SETPIPE_SZ, _PAGE_BYTES)
    for _ in range(_LINES):
        assert gateway.post(chat()).status == 200

    gateway.process.send_signal(signal.SIGTERM)

    assert gateway.process.wait(timeout=20) == 0
