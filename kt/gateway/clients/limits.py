"""Limits on calls and tokens, counted in Redis or in this process, and kept over reloads."""

from __future__ import annotations

import time
from collections.abc import Sequence

from kt.gateway.clients.charges import Charge, Origin, of_request, of_tokens
from kt.gateway.clients.shared import AwayError, SharedCounters
from kt.gateway.clients.windows import Window
from kt.gateway.errors import LimitError


class Limits:
    """The counters of all limits; what is limited is read anew at each call.

    A process has one policy at a time, and its counters go on when that is replaced by another.
    `url` is that of the Redis that counts for all processes, "" where each counts alone.

    Raises:
        SettingError: the url cannot be used.
    """

    def __init__(self, url: str = "") -> None:
        self._windows: dict[tuple[str, int], Window] = {}
        self._shared = SharedCounters(url) if url else None

    @property
    def are_shared(self) -> bool:
        """True while all processes count together."""
        return self._shared is not None and not self._shared.problem

    @property
    def problem(self) -> str:
        """The reason why processes that should count together do not, "" when there is none."""
        return self._shared.problem if self._shared else ""

    async def admit(self, origin: Origin) -> None:
        """Count a call. One that is refused counts nowhere.

        Raises:
            LimitError: over a limit.
        """
        await self._take(of_request(origin))

    async def reserve_tokens(self, origin: Origin, tokens: int) -> None:
        """Count the tokens that a call is estimated to take.

        Raises:
            LimitError: over a limit.
        """
        await self._take(of_tokens(origin, tokens))

    async def settle_tokens(self, origin: Origin, tokens: int) -> None:
        """Correct the estimate by `tokens`, which may be negative."""
        charges = of_tokens(origin, tokens)
        if not charges:
            return
        self._add(charges, time.monotonic())
        if self._shared is not None:
            try:
                await self._shared.add(charges)
            except AwayError:
                # Noted where it happened; the process has counted for itself.
                return

    async def watch(self) -> None:
        """Find out when Redis is away and when it is back; until cancelled."""
        if self._shared is not None:
            await self._shared.watch()

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._shared is not None:
            await self._shared.close()

    async def _take(self, charges: Sequence[Charge]) -> None:
        if not charges:
            return
        if self._shared is None:
            self._take_alone(charges)
            return
        try:
            over = await self._shared.take(charges)
        except AwayError:
            self._take_alone(charges)
            return
        if over is not None:
            raise LimitError(over[0].limit, over[1])
        # Counted here too, so that a process that is left alone knows what it admitted.
        self._add(charges, time.monotonic())

    def _take_alone(self, charges: Sequence[Charge]) -> None:
        now = time.monotonic()
        for one in charges:
            wait = self._window(one).wait(one.payer, now, limit=one.most, amount=one.amount)
            if wait:
                raise LimitError(one.limit, wait)
        self._add(charges, now)

    def _add(self, charges: Sequence[Charge], now: float) -> None:
        for one in charges:
            self._window(one).add(one.payer, now, one.amount)

    def _window(self, charge: Charge) -> Window:
        key = (charge.limit, charge.window_seconds)
        if key not in self._windows:
            self._windows[key] = Window(charge.window_seconds)
        return self._windows[key]
