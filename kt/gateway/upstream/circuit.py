"""A circuit breaker, which gives a failing target a pause."""

from __future__ import annotations

from dataclasses import dataclass

FAILURES = 5
OPEN_SECONDS = 10.0


@dataclass(slots=True)
class Circuit:
    """The circuit breaker of one target.

    Five failures in a row open it. After ten seconds one request may try: its success
    closes the circuit, its failure opens it for ten more.
    """

    failures: int = 0
    open_until: float = 0.0

    def admits(self, now: float) -> bool:
        """True when a request may be sent; after the pause, one at a time."""
        if self.failures < FAILURES:
            return True
        if now < self.open_until:
            return False
        self.open_until = now + OPEN_SECONDS
        return True

    def is_open(self, now: float) -> bool:
        """True when requests are being refused."""
        return self.failures >= FAILURES and now < self.open_until

    def succeeded(self) -> None:
        """Note that the target answered."""
        self.failures = 0

    def failed(self, now: float) -> None:
        """Note that the target gave no answer, or a server error."""
        self.failures += 1
        if self.failures >= FAILURES:
            self.open_until = now + OPEN_SECONDS
