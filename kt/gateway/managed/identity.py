"""A gateway's identity: its token, the key that the token pins, and the keys that followed it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from kt.gateway.managed.statement import Signed, StatementError, fingerprint, lead

_TOKEN = re.compile(r"kt[ge]_([A-Za-z0-9_-]{43})\.[\x21-\x7e]{16,512}")
GATEWAY = "ktg_"
ENROLMENT = "kte_"
_Fields = TypeVar("_Fields")
# A process of the control plane may sign with the key before for a few seconds.
_TURNING_SECONDS = 5.0


class TokenError(Exception):
    """A text that is not a token of a control plane."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A token and its `pin`, the fingerprint of the signing key that is trusted first."""

    token: str
    pin: str


def identity(token: str, prefix: str) -> Identity:
    """An identity from a token that begins with `prefix`.

    Raises:
        TokenError: it is not such a token.
    """
    match = _TOKEN.fullmatch(token)
    if match is None or not token.startswith(prefix):
        raise TokenError(f"is not a token of a control plane: those begin with {prefix}")
    return Identity(token, match[1])


class Trust:
    """The key that signs for this gateway: that of the token, and each that was vouched for since.

    `newest` is the fingerprint of the last. The keys before it sign nothing here any more.
    """

    def __init__(self, pin: str) -> None:
        self.newest = pin
        self._retired: set[str] = set()
        self._turned_at = -_TURNING_SECONDS

    def believe(self, verify: Callable[..., _Fields], signed: Signed, gateway: str) -> _Fields:
        """What `verify` finds in a statement, whose key is the newest from now on.

        Raises:
            StatementError: as `verify`; or a key signed it that was replaced (`key_retired`).
        """
        try:
            found = verify(signed, pin=self.newest, gateway=gateway)
        except StatementError as exc:
            if exc.code == "key_not_pinned" and self.has_retired(signed):
                message = "the statement is signed by a key that was replaced since"
                raise StatementError("key_retired", message) from exc
            raise
        before = self.newest
        self.follow(signed)
        if self.newest != before:
            self._turned_at = time.monotonic()
        return found

    def follow(self, signed: Signed) -> bool:
        """Trust the key of a statement that was verified; False when the newest leads elsewhere."""
        if self.has_retired(signed):
            return True
        try:
            *before, newest = lead(signed, self.newest)
        except StatementError:
            return False
        if before:
            self._retired.update(before)
            self.newest = newest
        return True

    def has_retired(self, signed: Signed) -> bool:
        """Whether the key of a statement was replaced."""
        return fingerprint(signed.key) in self._retired

    def is_newest(self, signed: Signed) -> bool:
        """Whether the key of a statement is the one that signs now."""
        return fingerprint(signed.key) == self.newest

    def is_overtaken(self, exc: StatementError) -> bool:
        """Whether a refusal is only that of an answer which a new key has just overtaken."""
        is_turning = time.monotonic() - self._turned_at < _TURNING_SECONDS
        return exc.code == "key_retired" and is_turning
