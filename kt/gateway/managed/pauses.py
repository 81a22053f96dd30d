"""Random pauses, so that the gateways of a fleet do not all call at the same time."""

from __future__ import annotations

import random

LONGEST_SECONDS = 60.0
# The report interval of a small fleet; larger fleets are given a longer one.
_SMALL_FLEET_SECONDS = 3.0
_SPREAD = 0.3


def backoff(failures: int, first_seconds: float = 1.0) -> float:
    """Seconds to wait after failures: random, up to a bound that doubles, at most a minute."""
    most = min(LONGEST_SECONDS, first_seconds * 2 ** min(failures, 16))
    return random.uniform(0, most)  # noqa: S311  Nothing secret.


def around(seconds: float, share: float = 0.2) -> float:
    """A random time near `seconds`."""
    return seconds * random.uniform(1 - share, 1 + share)  # noqa: S311  Nothing secret.


def spread(interval_seconds: float) -> float:
    """Seconds that news waits to be reported; 0 in a small fleet.

    `interval_seconds` is the interval that the control plane asks for, which grows with the fleet.
    """
    most = max(0.0, interval_seconds - _SMALL_FLEET_SECONDS) * _SPREAD
    return random.uniform(0, most)  # noqa: S311  Nothing secret.
