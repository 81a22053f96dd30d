"""Pauses of a managed gateway between requests."""

from __future__ import annotations

from kt.gateway.managed.pauses import spread


def test_a_small_fleet_reports_at_once() -> None:
    """All of it together is few."""
    assert {spread(interval) for interval in (1.0, 3.0)} == {0.0}


def test_a_large_fleet_reports_one_by_one() -> None:
    """Over a span that grows with it, well within the minute after which it counts as drifted."""
    waits = sorted(spread(100.0) for _ in range(1000))

    assert 0 <= waits[0] < 3
    assert 26 < waits[-1] <= 29.1
