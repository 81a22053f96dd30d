"""When the feed reads the database."""

import time

import pytest

from gateways.feed.feed import LOOK_SECONDS, Feed


@pytest.mark.parametrize(
    ("is_hinted", "is_heard", "is_due"),
    [
        (True, True, True),
        (False, True, False),
        (True, False, False),  # Nobody would be told.
        (False, False, False),
    ],
)
def test_it_reads_what_somebody_would_be_told(
    is_hinted: bool, is_heard: bool, is_due: bool
) -> None:
    """After each hint it would read five tables, also while a thousand links are made."""
    feed, listener = Feed(), object()
    feed._looked_at = time.monotonic()
    if is_heard:
        feed._listeners = {listener: None}  # type: ignore[dict-item]

    assert feed._is_due(is_hinted) is is_due


@pytest.mark.parametrize("is_hinted", [True, False])
@pytest.mark.parametrize(("is_heard", "seconds"), [(True, LOOK_SECONDS), (False, 30.0)])
def test_it_reads_now_and_then_whatever_comes(
    is_hinted: bool, is_heard: bool, seconds: float
) -> None:
    """Who comes back is told what it missed, of which there is little."""
    feed, listener = Feed(), object()
    feed._looked_at = time.monotonic() - seconds
    if is_heard:
        feed._listeners = {listener: None}  # type: ignore[dict-item]

    assert feed._is_due(is_hinted)
