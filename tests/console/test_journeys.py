"""Journeys of versions, as steps and a bar."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.journeys import journey

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_MEMBERS = ("committed_at", "polled_at", "published_at", "first_enforced_at", "half_enforced_at",
            "all_enforced_at")  # fmt: skip


def _rollout(*seconds: int | None, gateways: int = 4, enforcing: int = 1) -> dict[str, Any]:
    times = [
        None if one is None else (_BEGIN + timedelta(seconds=one)).isoformat() for one in seconds
    ]
    return {**dict(zip(_MEMBERS, times, strict=True)), "gateways": gateways, "enforcing": enforcing}


def test_each_step_says_how_long_it_took() -> None:
    """Since the one before; those to come have no time."""
    found = journey(_rollout(0, 10, 12, 20, None, None))

    assert [(one.name, one.seconds) for one in found.steps] == [
        ("committed", None), ("polled", 10), ("published", 2), ("first gateway", 8),
        ("half of those bound then", None), ("all of those bound then", None),
    ]  # fmt: skip
    assert found.share == 25


def test_what_the_api_made_begins_when_it_was_published() -> None:
    """It has no commit."""
    found = journey(_rollout(None, None, 0, None, None, None, gateways=0, enforcing=0))

    assert next(one.name for one in found.steps) == "published"
    assert (found.pieces, found.share) == ((), 0)


@pytest.mark.parametrize(
    "seconds", [(0, 10, 12, 20, 30, 40), (0, 0, 0, 0, 0, 0),
                (0, 1_000_000, 1_000_001, None, None, None),
                (5, 0, 10, 11, None, None)],
)  # fmt: skip
def test_the_pieces_fill_the_bar(seconds: tuple[int | None, ...]) -> None:
    """However long and short they are, each is seen."""
    pieces = journey(_rollout(*seconds)).pieces

    assert sum(one.width for one in pieces) == pytest.approx(100, abs=0.1)
    assert all(one.width >= 3.99 for one in pieces)
    assert all(
        one.x + one.width == pytest.approx(other.x, abs=0.1)
        for one, other in itertools.pairwise(pieces)
    )


def test_gateways_that_were_bound_later_wait_for_nothing() -> None:
    """They began with the version, so no step of theirs is still to come."""
    later = _rollout(0, 10, 12, None, None, None, gateways=2, enforcing=2)

    assert [one.name for one in journey(later).steps] == ["committed", "polled", "published"]
    assert len(journey({**later, "enforcing": 1}).steps) == len(_MEMBERS)
