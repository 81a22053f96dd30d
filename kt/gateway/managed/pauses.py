"""How long to wait, so that a fleet that lost its control plane does not come back as one."""

from __future__ import annotations

import random

LONGEST_SECONDS = 60.0
# What a small fleet is asked to report in; a larger one is asked less often.
_SMALL_FLEET_SECONDS = 3.0
_SPREAD = 0.3


def backoff(failures: int, first_seconds: float = 1.0) -> float:
    """Anything up to twice what it was after the failure before, and up to a minute."""
    most = min(LONGEST_SECONDS, first_seconds * 2 ** min(failures, 16))
    return random.uniform(0, most)  # noqa: S311  Nothing secret.


def around(seconds: float, share: float = 0.2) -> float:
    """A time near `seconds`, no two gateways the same."""
    return seconds * random.uniform(1 - share, 1 + share)  # noqa: S311  Nothing secret.


def spread(interval_seconds: float) -> float:
    """How long news waits to be reported; nothing in a fleet so small that all may come at once.

    `interval_seconds` is what the control plane asks for, so it tells how large the fleet is.
    """
    most = max(0.0, interval_seconds - _SMALL_FLEET_SECONDS) * _SPREAD
    return random.uniform(0, most)  # noqa: S311  Nothing secret.
