"""When the feed reads the database."""

import time
from typing import Any

import pytest

from gateways.feed.feed import LOOK_SECONDS, Feed
from keeptrusts.messaging import hints, progress

_HINT, _STAGE = (hints.CHANNEL, b""), (progress.CHANNEL, b"told")


@pytest.mark.parametrize(
    ("published", "is_heard", "is_due"),
    [
        ([_HINT], True, True),
        ([_STAGE, _HINT], True, True),
        ([_STAGE], True, False),  # It is in no table.
        ([_HINT], False, False),  # Nobody would be told.
        ([], True, True),
        ([], False, False),
    ],
)
def test_it_reads_what_somebody_would_be_told(
    published: list[tuple[str, bytes]], is_heard: bool, is_due: bool
) -> None:
    """After each hint it would read five tables, also while a thousand links are made."""
    feed, listener = Feed(), object()
    feed._looked_at = time.monotonic()
    if is_heard:
        feed._listeners = {listener: None}  # type: ignore[dict-item]

    assert feed._is_due(published) is is_due


@pytest.mark.parametrize("published", [[], [_HINT], [_STAGE]])
@pytest.mark.parametrize(("is_heard", "seconds"), [(True, LOOK_SECONDS), (False, 30.0)])
def test_it_reads_now_and_then_whatever_comes(
    published: Any, is_heard: bool, seconds: float
) -> None:
    """Who comes back is told what it missed, of which there is little."""
    feed, listener = Feed(), object()
    feed._looked_at = time.monotonic() - seconds
    if is_heard:
        feed._listeners = {listener: None}  # type: ignore[dict-item]

    assert feed._is_due(published)
