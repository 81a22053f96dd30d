"""Forms of the gateway's log."""

import json
import logging
import sys

import pytest

from kt.gateway.process.lines import FORMATS
from kt.tracing import context, present

TRACE = context.new()


@pytest.fixture(autouse=True)
def _outside() -> None:
    present.enter(None)


def _record(*, failed: bool = False) -> logging.LogRecord:
    exc_info = None
    if failed:
        try:
            int("no")
        except ValueError:
            exc_info = sys.exc_info()
    return logging.LogRecord(
        "kt.gateway", logging.WARNING, "x.py", 1, "now %s", ("enforcing",), exc_info
    )


def test_a_line_for_people_is_short() -> None:
    """With the trace, where the line is of one."""
    line = FORMATS["text"]().format
    assert line(_record()) == "kt: now enforcing"

    present.enter(TRACE)

    assert line(_record()) == f"kt: now enforcing trace_id={TRACE.trace_id}"
    assert line(_record(failed=True)).startswith("kt: now enforcing\nTraceback")


def test_a_line_of_json_is_one_object() -> None:
    """With the names of the control plane's."""
    present.enter(TRACE)
    text = FORMATS["json"]().format(_record(failed=True))
    line = json.loads(text)

    assert "\n" not in text
    assert line.pop("timestamp").endswith("Z")
    assert "ValueError" in line.pop("exception")
    assert line == {
        "level": "warning", "event": "now enforcing", "logger": "kt.gateway",
        "trace_id": TRACE.trace_id,
    }  # fmt: skip
