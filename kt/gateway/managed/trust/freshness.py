"""Freshness: when the control plane last confirmed what is in force, and how old that may get."""

from __future__ import annotations

import logging
import time
from typing import Any

from kt.gateway.gateway import timestamp_of
from kt.gateway.managed.contact import Problem
from kt.gateway.managed.files import Shelf
from kt.gateway.managed.keys.store import KeyStore
from kt.gateway.managed.statement import StatementError, check_ahead, parse
from kt.gateway.managed.stored import Stored
from kt.gateway.managed.trust.confirmation import (
    Confirmation,
    genuine_confirmation,
    verify_newest,
)
from kt.gateway.policy.source import SourceError

COPIES = ("confirmation", "confirmation.copy")
SEQ = "confirmation-seq"
_MOST_BYTES = 1 << 17
_SAVED_EACH_SECONDS = 60
_LOOK_SECONDS = 1.0
_LOG = logging.getLogger("kt.gateway")


def shelf(folder: str) -> Shelf[Confirmation]:
    """The files of the last confirmation in a state folder."""
    return Shelf(folder, COPIES, SEQ, genuine_confirmation, most_bytes=_MOST_BYTES)


class Freshness:
    """The last confirmation of what is in force, in each process of a managed gateway.

    `confirmed_at` is its time in seconds, 0 without any. `max_age_seconds` is how old it may get
    before calls are refused, 0 for ever.

    Raises:
        OSError: the folder cannot be read.
        SourceError: the stored identity was edited (`state_edited`).
    """

    def __init__(self, stored: Stored, keys: KeyStore, *, max_age_seconds: float) -> None:
        self._stored = stored
        self._keys = keys
        self._max_age_seconds = max_age_seconds
        self._shelf = shelf(stored.state.folder)
        self._saved: Confirmation | None = None
        self._unsaved: Confirmation | None = None
        self._looked_at = 0.0
        self.confirmed_at = 0
        self.look()

    def look(self) -> None:
        """Read the confirmation that is stored, whose key is trusted from then on.

        Raises:
            OSError: the folder cannot be read.
            SourceError: the stored identity was edited (`state_edited`).
        """
        self._looked_at = time.monotonic()
        identity = self._stored.identity()
        if identity is None:
            return
        found, _ = self._shelf.find(pin=identity.pin, gateway=self._stored.gateway)
        if found is not None and self._stored.trust.follow(found.signed):
            self._saved = found
            self._note(found)

    def offer(self, fields: Any) -> Problem | None:
        """Take a confirmation as the control plane sends it; returns why it is refused."""
        gateway, trust = self._stored.gateway, self._stored.trust
        try:
            signed = parse(fields if isinstance(fields, dict) else {})
            one = Confirmation(signed, trust.believe(verify_newest, signed, gateway))
            check_ahead("a confirmation", one.newest.issued_at * 1_000_000, time.time())
        except StatementError as exc:
            return None if trust.is_overtaken(exc) else Problem(exc.code, f"a confirmation: {exc}")
        is_covered = self._note(one)
        if self._is_due(one, is_covered=is_covered):
            self._unsaved = one
        return None

    def save(self) -> None:
        """Store what `offer` took, now and then.

        Raises:
            OSError: the disk is full or fails; it counts all the same.
        """
        one, self._unsaved = self._unsaved, None
        if one is not None:
            self._shelf.keep(one)
            self._saved = one

    def _note(self, one: Confirmation) -> bool:
        policy, keys = self._stored.kept, self._keys.kept
        is_covered = one.covers(policy.seq if policy else 0, keys.seq if keys else 0)
        if is_covered and policy is not None:
            self.confirmed_at = max(self.confirmed_at, one.newest.issued_at)
        return is_covered

    def _is_due(self, one: Confirmation, *, is_covered: bool) -> bool:
        """Whether to store it: when a newer key signed it, and else now and then."""
        before = self._saved
        if before is None or before.signed.key != one.signed.key:
            return True
        pause = min(_SAVED_EACH_SECONDS, self._max_age_seconds / 4 or _SAVED_EACH_SECONDS)
        return is_covered and one.seq >= before.seq + pause

    @property
    def shown_at(self) -> str | None:
        """The time of the last confirmation for people, None without any."""
        return timestamp_of(self.confirmed_at) if self.confirmed_at else None

    @property
    def is_over(self) -> bool:
        """Whether calls are to be refused."""
        if self._is_past() and time.monotonic() - self._looked_at > _LOOK_SECONDS:
            try:
                self.look()  # Another process of this gateway may have heard.
            except (OSError, SourceError) as exc:
                _LOG.error("the last confirmation cannot be read: %s", exc)
        return self._is_past()

    def _is_past(self) -> bool:
        age_seconds = time.time() - self.confirmed_at
        return self._max_age_seconds > 0 and age_seconds > self._max_age_seconds

    def problem(self) -> Problem | None:
        """The reason to refuse calls, None while the policy is new enough."""
        if not self.is_over:
            return None
        last = f"was last confirmed at {self.shown_at}" if self.shown_at else "was never confirmed"
        message = (
            f"calls are refused: the policy {last}, which may be {self._max_age_seconds:g} s ago"
            f" (--max-policy-age), and this clock says {timestamp_of(time.time())}"
        )
        return Problem("policy_expired", message)
