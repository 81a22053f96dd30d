"""Limits on calls and tokens, counted in this process and kept over reloads."""

from __future__ import annotations

import time
from collections.abc import Sequence

from kt.gateway.clients.charges import Charge, Origin, of_request, of_tokens
from kt.gateway.clients.windows import Window
from kt.gateway.errors import LimitError


class Limits:
    """The counters of all limits; what is limited is read anew at each call.

    A process has one policy at a time, and the counters go on when that is replaced by another.
    """

    def __init__(self) -> None:
        self._windows: dict[tuple[str, int], Window] = {}

    def admit(self, origin: Origin) -> None:
        """Count a call. One that is refused counts nowhere.

        Raises:
            LimitError: over a limit.
        """
        self._take(of_request(origin))

    def reserve_tokens(self, origin: Origin, tokens: int) -> None:
        """Count the tokens that a call is estimated to take.

        Raises:
            LimitError: over a limit.
        """
        self._take(of_tokens(origin, tokens))

    def settle_tokens(self, origin: Origin, tokens: int) -> None:
        """Correct the estimate by `tokens`, which may be negative."""
        self._add(of_tokens(origin, tokens), time.monotonic())

    def _take(self, charges: Sequence[Charge]) -> None:
        now = time.monotonic()
        for one in charges:
            window = self._window(one)
            wait = window.wait(one.payer, now, limit=one.most, amount=one.amount)
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
