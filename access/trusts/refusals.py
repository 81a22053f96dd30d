"""Refusals of JWTs, of which the log is told: a reason each, for nobody else."""

import time
from enum import StrEnum
from threading import Lock
from typing import Protocol

import structlog

from keeptrusts.api.printable import printable

log = structlog.get_logger(__name__)

_EACH_SECONDS = 60.0
_MOST_CHARACTERS = 300


class Reason(StrEnum):
    """Reasons, of which each is logged once a minute."""

    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    HEADER = "header"
    ALGORITHM = "algorithm"
    NO_TRUST = "no_trust"
    ISSUER_AWAY = "issuer_away"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    CLAIM = "claim"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    LIFETIME = "lifetime"
    AUDIENCE = "audience"
    ISSUER = "issuer"
    NONCE = "nonce"
    SOURCE = "source"
    REF = "ref"
    ENVIRONMENT = "environment"
    NETWORK = "network"
    REPLAY = "replay"


class JWTRefusedError(Exception):
    """A JWT is no bearer token. `detail` says why, and may hold words of the JWT."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Refusal(Protocol):
    """A refusal with a reason for the log, and with words that may be a stranger's."""

    @property
    def reason(self) -> StrEnum:
        """The reason, of which the log is told once a minute."""

    @property
    def detail(self) -> str:
        """The reason in words."""


class Told:
    """The log of refusals: each reason once a minute, with how many were left out since.

    `event` is what its lines are called.
    """

    def __init__(self, event: str = "JWT refused") -> None:
        self._event = event
        self._lock = Lock()
        self._last: dict[StrEnum, tuple[float, int]] = {}

    def tell(self, error: Refusal) -> None:
        """Log a refusal, or count it for the next of its reason."""
        now = time.monotonic()
        with self._lock:
            at, untold = self._last.get(error.reason, (now - _EACH_SECONDS, 0))
            if now - at < _EACH_SECONDS:
                self._last[error.reason] = at, untold + 1
                return
            self._last[error.reason] = now, 0
        detail = printable(error.detail, keeps_lines=False)[:_MOST_CHARACTERS]
        log.warning(self._event, reason=error.reason.value, detail=detail, untold=untold)


TOLD = Told()
