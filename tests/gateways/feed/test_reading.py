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
        ([], False, True),
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


@pytest.mark.parametrize("published", [[_HINT], [_STAGE]])
def test_it_reads_every_two_seconds_whatever_comes(published: Any) -> None:
    """Who comes back is told what it missed."""
    feed = Feed()
    feed._looked_at = time.monotonic() - LOOK_SECONDS

    assert feed._is_due(published)
