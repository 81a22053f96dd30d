"""Outcomes of an attempt: delivered, once more later, or never again. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from keeptrusts import times

GIVEN_UP_AFTER = timedelta(days=3)
"""How long a notification is tried."""
SILENT_MOST = 5
"""Notifications in a row whose first attempt failed, after which an endpoint rests."""
FAILURES_TOLD = 5
"""Attempts in a row that failed, after which an event tells of it."""
LONGEST_WAIT_SECONDS = 3600
"""The longest wait, where a receiver asks for it."""
_FIRST_SECONDS = 5
_LONGEST_SECONDS = 900
_GONE = 410
_JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt: what was answered, and how long it took.

    `error` is empty where it was delivered. `status` is that of HTTP, or the code of SMTP; None
    without an answer. `answer` are its first characters, printable.
    """

    at: datetime
    seconds: float
    error: str = ""
    status: int | None = None
    answer: str = ""
    retry_after_seconds: int | None = None

    @property
    def is_gone(self) -> bool:
        """Whether the receiver says that it wants nothing more, ever."""
        return self.error == NOT_ACCEPTED and self.status == _GONE

    def stored(self) -> dict[str, object]:
        """The attempt as the log of a notification has it."""
        return {
            "at": times.exact(self.at),
            "seconds": round(self.seconds, 3),
            "status": self.status,
            "error": self.error,
            "answer": self.answer,
        }


NOT_ACCEPTED = "not_accepted"
"""The error of an answer that is no success."""


def accepted(status: int) -> bool:
    """Whether a status of HTTP says that a notification was taken."""
    return 200 <= status < 300


def wait_seconds(attempts: int, asked: int | None, chance: float) -> float:
    """The time until the next attempt after so many: doubled each time, up to a quarter of an hour.

    `asked` is what the receiver asks for; it is heard up to an hour, and never makes it sooner.
    `chance`, from 0 to 1, spreads what failed together.
    """
    usual: float = min(_FIRST_SECONDS * 2 ** min(attempts - 1, 30), _LONGEST_SECONDS)
    usual *= 1 + _JITTER * (2 * chance - 1)
    return max(usual, min(asked or 0, LONGEST_WAIT_SECONDS))
