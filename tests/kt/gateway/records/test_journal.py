"""Lines of the decision log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kt.gateway.records.journal import Journal


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "a", "status": 200, "stream": False, "policy": None, "found": [["EMAIL", 2]]},
        {"gateway_ms": 0.0, "upstream_ms": 123456.789, "least": 1e-05, "most": 2**70},
        {"model": "gemütlich 日本語 😀"},
        {"model": "half \ud83d of a pair"},
        {"model": 'quotes " \\ and \n ends \x00\u2028'},
    ],
)
def test_a_line_is_ascii_and_says_all(
    entry: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever a client writes: a log in any locale takes it, and JSON reads it back."""
    journal = Journal("-", max_bytes=1000)

    journal._put([entry, entry])

    said = capfd.readouterr().out
    assert said.isascii()
    assert [json.loads(line) for line in said.split("\n")[:-1]] == [entry, entry]
