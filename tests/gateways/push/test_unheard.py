"""The hub while no gateway holds a stream: it reads what changed less often."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import cast

import pytest

from gateways.push import hub as hubs
from gateways.push.hub import Hub
from gateways.push.stream import Stream


class _Open:
    """A stream that takes all it is told."""

    gateway_id = "edge"

    def deliver(self) -> None:
        """Take it."""

    def close(self) -> None:
        """Nothing is open."""


def test_many_changes_are_read_seldom_while_no_gateway_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thousand new links are as many changes, and nobody is to be told of them at once."""
    rests: list[float] = []

    async def heard(
        *_: str, seconds: float, rest_seconds: Callable[[], float]
    ) -> AsyncGenerator[list[tuple[str, bytes]], None]:
        while True:
            rests.append(rest_seconds())
            yield []
            await asyncio.sleep(seconds / 1000)

    async def refresh() -> None:
        """Nothing changed."""

    async def follow() -> list[float]:
        hub = Hub()
        monkeypatch.setattr(hub, "refresh", refresh)
        following = asyncio.create_task(hub._follow())
        found = []
        for is_held in (False, True, False):
            with hub.holding(cast(Stream, _Open())) if is_held else contextlib.nullcontext():
                rests.clear()
                while not rests:
                    await asyncio.sleep(0.001)
                found.append(rests[-1])
        following.cancel()
        return found

    monkeypatch.setattr(hubs, "heard", heard)
    unheard, held, again = asyncio.run(follow())

    assert unheard == again > held
