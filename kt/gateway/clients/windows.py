"""A counter over a sliding window, in constant memory for each key."""

from __future__ import annotations

import math

_MOST_KEYS = 50_000


class Window:
    """The amount used in the last `seconds`, by key.

    Two counts a key: this slot's, and the last one's weighted by the share that the window still
    covers. A plain counter would let twice the limit through at a slot's edge.
    """

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self._counts: dict[str, tuple[int, int, int]] = {}

    def wait(self, key: str, now: float, *, limit: int, amount: int = 1) -> int:
        """Whole seconds until `amount` more fits under `limit`; 0 when it fits now."""
        slot, passed = divmod(now, self.seconds)
        current, previous = self._read(key, int(slot))
        return seconds_until(
            current, previous, passed, seconds=self.seconds, limit=limit, amount=amount
        )

    def add(self, key: str, now: float, amount: int = 1) -> None:
        """Count an amount as used."""
        slot = int(now // self.seconds)
        current, previous = self._read(key, slot)
        self._counts[key] = (slot, max(0, current + amount), previous)
        if len(self._counts) > _MOST_KEYS:
            self._forget(slot)

    def _read(self, key: str, slot: int) -> tuple[int, int]:
        seen, current, previous = self._counts.get(key, (slot, 0, 0))
        if seen == slot:
            return current, previous
        return 0, current if seen == slot - 1 else 0

    def _forget(self, slot: int) -> None:
        """Drop counts that are over and, when there are too many keys, the oldest half."""
        live = {key: count for key, count in self._counts.items() if count[0] >= slot - 1}
        if len(live) > _MOST_KEYS:
            live = dict(list(live.items())[_MOST_KEYS // 2 :])
        self._counts = live


def seconds_until(
    current: int, previous: int, passed: float, *, seconds: int, limit: int, amount: int
) -> int:
    """Whole seconds until `amount` more fits under `limit`; 0 when it fits now.

    `current` is the count of this slot, of which `passed` seconds are over, and `previous` that of
    the one before.
    """
    part = passed / seconds
    if current + previous * (1 - part) + amount <= limit:
        return 0
    if current + amount <= limit:
        wanted = 1 - (limit - amount - current) / previous
        return max(1, math.ceil((wanted - part) * seconds))
    wanted = 1 - max(0, limit - amount) / current if current else 0.0
    return max(1, math.ceil(seconds - passed + max(0.0, wanted) * seconds))
