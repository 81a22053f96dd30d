"""Errors of a question to a judge."""


class TooCostlyError(Exception):
    """The question took more processor time or memory than it may; the message ends a sentence."""


class JudgeFailedError(Exception):
    """The judge ended, or was silent, for no fault of the question; a later try may succeed."""


class UnansweredError(JudgeFailedError):
    """Judges worked on the question, and were killed, or did not get their processor time."""


class CrashedError(Exception):
    """The function that was asked raised what it should not; the message is its traceback."""


class CrowdedError(Exception):
    """Too many questions wait for a judge. `own`: too many of this caller."""

    def __init__(self, *, own: bool) -> None:
        super().__init__(
            "Too many requests of this token wait to be judged; send fewer at a time."
            if own
            else "Too many requests wait to be judged; try again in a few seconds."
        )
        self.own = own
