"""Lines of the log."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace

import pytest

from kt.gateway.process import log
from kt.gateway.process.log import LogLines
from tests.kt.gateway.support import until

_MOST = 10


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The other end of a standard error that is full."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"." * 4096)
    os.set_blocking(writer, True)
    monkeypatch.setattr(log.sys, "__stderr__", SimpleNamespace(fileno=lambda: writer))
    yield reader
    os.close(reader)


def _record(text: str) -> logging.LogRecord:
    return logging.LogRecord("kt", logging.WARNING, "", 0, text, None, None)


def test_lines_that_do_not_fit_are_counted(reader: int) -> None:
    """And told of as soon as others fit again."""
    handler = LogLines(most=_MOST)
    handler.handle(_record("first"))
    until(lambda: handler._waiting.empty())  # It is with the thread, which waits.
    for number in range(_MOST + 5):
        handler.handle(_record(f"line {number}"))

    said = b""
    while b"line 9\n" not in said:
        said += os.read(reader, 65536)
    handler.handle(_record("last"))
    handler.flush()
    said += os.read(reader, 65536)

    lines = said.decode().lstrip(".").splitlines()
    expected = ["first", *(f"line {n}" for n in range(_MOST)), "kt: 5 lines of this log are lost"]
    assert lines == [*expected, "last"]
