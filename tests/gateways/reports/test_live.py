"""Last reports in Redis, of which a row that stayed the same is read once."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pytest_django.fixtures import Settings

from gateways.reports import live
from gateways.reports.live import LastReport
from keeptrusts.redis_client import client

AT = datetime(2031, 1, 2, tzinfo=UTC)
OLD, NEW = LastReport(AT, "old", {}, stream=True), LastReport(AT, "new", {}, stream=True)


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    """Redis without rows, before and after."""
    client().flushdb()
    yield
    client().flushdb()


def test_what_was_written_since_is_read() -> None:
    """A row of before, a new one, and one that went."""
    live.swap_seen({"same": OLD, "changed": OLD, "gone": OLD})
    live.seen()

    live.swap_seen({"changed": NEW, "added": NEW})
    live.forget_seen("gone")

    assert live.seen() == {"same": OLD, "changed": NEW, "added": NEW}


def test_a_row_is_vouched_for_where_it_lies() -> None:
    """One that was read for another gateway is none here, and what was read of it does not stay."""
    live.swap_seen({"a": OLD, "b": NEW})
    live.seen()
    stored = client().hget("keeptrusts:fleet:seen", "b")
    assert isinstance(stored, bytes)

    client().hset("keeptrusts:fleet:seen", "a", stored)

    assert live.seen() == {"b": NEW}


def test_what_was_read_by_other_keys_is_read_again(settings: Settings) -> None:
    """Keys that went vouch for nothing."""
    live.swap_seen({"a": OLD})
    assert live.seen() == {"a": OLD}

    settings.ENV = dataclasses.replace(
        settings.ENV, secret_keys=("another-key-0123456789-01234567",)
    )

    assert live.seen() == {}
