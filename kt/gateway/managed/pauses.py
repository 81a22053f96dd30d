"""How long to wait, so that a fleet that lost its control plane does not come back as one."""

from __future__ import annotations

import random

LONGEST_SECONDS = 60.0


def backoff(failures: int, first_seconds: float = 1.0) -> float:
    """Anything up to twice what it was after the failure before, and up to a minute."""
    most = min(LONGEST_SECONDS, first_seconds * 2 ** min(failures, 16))
    return random.uniform(0, most)  # noqa: S311  Nothing secret.


def around(seconds: float, share: float = 0.2) -> float:
    """A time near `seconds`, no two gateways the same."""
    return seconds * random.uniform(1 - share, 1 + share)  # noqa: S311  Nothing secret.
