"""Requests of a token in a minute."""

import asyncio

import pytest

from keeptrusts.api.errors import LimitedError
from keeptrusts.serving import limits
from keeptrusts.serving.limits import Limits
from tests.keeptrusts.serving.asking import caught, run


async def _take(counted: Limits, credential: str = "a") -> str:
    async def take() -> None:
        window = counted.count(credential)
        assert window is not None
        window.check()

    return await caught(take())


def test_a_token_has_its_requests_a_minute() -> None:
    """Others have their own; after the minute it has them again."""

    async def work() -> None:
        counted = Limits(3)
        assert [await _take(counted) for _ in range(5)] == ["", "", "", *["rate_limited"] * 2]
        assert await _take(counted, "b") == ""
        await asyncio.sleep(61)
        assert [await _take(counted) for _ in range(4)] == ["", "", "", "rate_limited"]

    run(work())


def test_a_client_is_told_what_is_left() -> None:
    """In the form of the draft, also when nothing is."""

    async def work() -> None:
        counted = Limits(2)
        told = []
        for _ in range(3):
            window = counted.count("a")
            assert window is not None
            told.append(window.headers())
            await asyncio.sleep(10)
        policy = (b"ratelimit-policy", b'"token";q=2;w=60')
        assert told == [
            [policy, (b"ratelimit", b'"token";r=1;t=60')],
            [policy, (b"ratelimit", b'"token";r=0;t=50')],
            [policy, (b"ratelimit", b'"token";r=0;t=40')],
        ]
        window = counted.count("a")
        assert window is not None
        with pytest.raises(LimitedError, match="2 requests a minute") as refused:
            window.check()
        assert refused.value.headers == {"Retry-After": "30"}

    run(work())


def test_nobody_counts_without_a_limit_or_a_token() -> None:
    """An address is not a token: many may share it."""

    async def work() -> None:
        assert Limits(0).count("a") is None
        assert Limits(1).count("") is None

    run(work())


def test_what_is_counted_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever makes tokens up takes no more than that."""
    monkeypatch.setattr(limits, "_MOST_COUNTED", 10)

    async def work() -> None:
        counted = Limits(1)
        for number in range(100):
            counted.count(f"guess {number}")
        assert len(counted._windows) == 10

    run(work())
