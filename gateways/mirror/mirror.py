"""The fleet in memory: tokens of gateways, what each is to enforce, and its client keys.

A process reads the change counters (one query) and then only the rows that changed since it
last looked, so an answer costs no more than that, whatever the size of the fleet. Once a minute,
and when a database turns out to have lost changes, it reads all of them.
"""

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.utils import timezone

from access.tokens import digest
from configurations import publish
from gateways.mirror.rows import TABLES, Known, Overtaken, Rows
from gateways.models import Gateway, SigningKey
from gateways.signing import keys, statements
from gateways.signing.keys import Signer
from gateways.signing.statements import (
    Confirmation,
    Desired,
    DesiredKeys,
    DesiredKind,
    Signed,
)
from keeptrusts import counters, database
from keeptrusts.api.errors import NotFoundError
from keeptrusts.models import Count, Counter

_NAMES = (Gateway.COUNTER, publish.COUNTER, keys.COUNTER)
# A confirmation is signed once in so long: a gateway of a small fleet asks every three seconds.
_CONFIRMED_SECONDS = 30
# What is remembered is as old as this at most, whatever a restore does to counters and rows.
_WHOLE_SECONDS = 60


class Mirror:
    """Every gateway and every configuration, as of the last `refresh`. Safe among threads.

    Writers of a resource follow one another by its counter, so a row whose sequence is larger
    than the count read last is all that can be new, as long as that count is in the database's
    past. `overtaken` are gateways that were told what it lost, until somebody sees to them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._rows = Rows()
        self._signed: dict[str, Signed[Desired]] = {}
        self._signed_keys: dict[str, Signed[DesiredKeys]] = {}
        self._confirmed: dict[str, Signed[Confirmation]] = {}
        self._read_at = 0.0
        self._whole_at = -math.inf
        self.overtaken: Overtaken | None = None
        self.signer: Signer | None = None
        self.size = 0

    def refresh(self, counts: Mapping[str, int]) -> bool:
        """Read what changed since the last call; True if anything may have.

        `counts` are the change counters, read just now.

        Raises:
            SigningKeyError: the signing key is gone, or no configured key opens it.
        """
        if self._is_newest(counts):
            self._read_at = time.time()
            return False
        with self._lock, database.one_moment(Count, Counter, SigningKey, *TABLES):
            # Read again: another thread may have been here with newer ones, which would make
            # these look like another database's.
            counted, is_past = counters.read_after(self._counts)
            now, read_at = _ours(counted), time.time()
            if self._is_newest(now):
                self._read_at = read_at
                return False
            is_part = is_past and not self._is_due()
            before = self._counts if is_part else {}
            rows = self._rows if is_part else Rows()
            if now[keys.COUNTER] != before.get(keys.COUNTER, 0):
                self._sign_with(keys.load())
            rows.read(since=before)
            if not is_part:
                self._whole_at = time.monotonic()
                found = Overtaken.between(self._rows, rows)
                if found.policies or found.keys:
                    self.overtaken = found
            # Only now, so that a database that fails on the way leaves what was known.
            self._rows, self._counts, self._read_at = rows, now, read_at
            self.size = sum(one.deleted_at is None for one in rows.gateways.values())
            return True

    def _sign_with(self, signer: Signer | None) -> None:
        if signer is None or self.signer is None or not signer.is_same(self.signer):
            self._signed, self._signed_keys, self._confirmed = {}, {}, {}
        self.signer = signer

    def _is_newest(self, counts: Mapping[str, int]) -> bool:
        return _ours(counts) == self._counts and not self._is_due()

    def _is_due(self) -> bool:
        return time.monotonic() - self._whole_at > _WHOLE_SECONDS

    def gateway(self, token: str) -> Known | None:
        """The gateway of a token, also a deleted one; None for an unknown token."""
        return self._holder(digest(token))

    def opens(self, kept: str) -> bool:
        """Whether a token with this digest is still valid."""
        gateway = self._holder(kept)
        return gateway is not None and gateway.deleted_at is None

    def _holder(self, kept: str) -> Known | None:
        gateway = self._rows.gateways.get(self._rows.tokens.get(kept, ""))
        if gateway is None or kept == gateway.digest:
            return gateway
        in_time = gateway.previous_until is not None and gateway.previous_until > timezone.now()
        return gateway if kept == gateway.previous_digest and in_time else None

    def named(self, gateway_id: str) -> Known | None:
        """The gateway with this id, unless it was deleted."""
        return self._rows.named(gateway_id)

    def desired(self, gateway_id: str) -> Desired | None:
        """The version that a gateway is to enforce; None when nothing binds it."""
        return self._rows.desired(gateway_id)

    def signed(self, gateway_id: str) -> Signed[Desired] | None:
        """`desired` as the signed statement that the gateway is handed."""
        return _signed(self.signer, self.desired(gateway_id), self._signed)

    def desired_keys(self, gateway_id: str) -> DesiredKeys | None:
        """The list of client keys of a gateway; None when it never had any from here."""
        return self._rows.desired_keys(gateway_id)

    def signed_keys(self, gateway_id: str) -> Signed[DesiredKeys] | None:
        """`desired_keys` as the signed statement that the gateway is handed."""
        return _signed(self.signer, self.desired_keys(gateway_id), self._signed_keys)

    def confirmation(self, gateway_id: str) -> Signed[Confirmation] | None:
        """The signed word of what is newest for a gateway, with the time of the last `refresh`.

        A process that cannot read the database confirms nothing that is newer.
        """
        if self.named(gateway_id) is None:
            return None
        policy, listed = self.desired(gateway_id), self.desired_keys(gateway_id)
        newest = Confirmation(
            gateway=gateway_id,
            issued_at=int(self._read_at),
            keys_seq=listed.keys_seq if listed else 0,
            publish_seq=policy.publish_seq if policy else 0,
        )
        before = self._confirmed.get(gateway_id)
        if before is not None:
            age_seconds = newest.issued_at - before.desired.issued_at
            is_same = replace(before.desired, issued_at=newest.issued_at) == newest
            if is_same and 0 <= age_seconds < _CONFIRMED_SECONDS:
                return before
        return _signed(self.signer, newest, self._confirmed)

    def handed(self, gateway_id: str) -> Signed[Desired]:
        """`signed`, to be handed out.

        Raises:
            NotFoundError: nothing is bound to the gateway (`not_bound`).
        """
        signed = self.signed(gateway_id)
        if signed is None:
            raise NotFoundError("configuration bound to this gateway", code="not_bound")
        return signed

    def headers(self, signed: Signed[Any]) -> dict[str, str]:
        """The headers that carry a statement."""
        assert self.signer is not None  # It made the signature.
        return statements.headers(signed, self.signer.public_key, self.signer.chain)

    def news(self, gateway_id: str) -> dict[str, str]:
        """Headers that tell a gateway whom to call, and of the list of client keys that it has."""
        url, listed = settings.ENV.events_url, self.signed_keys(gateway_id)
        told = {"Keeptrusts-Events": url, "Keeptrusts-Gateway-Url": url}
        return {**told, "Keeptrusts-Client-Keys": listed.etag} if listed else told


def _signed(
    signer: Signer | None, desired: DesiredKind | None, cache: dict[str, Signed[DesiredKind]]
) -> Signed[DesiredKind] | None:
    if desired is None or signer is None:
        return None
    signed = cache.get(desired.gateway)
    if signed is not None and signed.desired.contradicts(desired):
        return None  # Of a restored database, which will say it again with another sequence.
    if signed is None or signed.desired != desired:
        signed = cache[desired.gateway] = signer.sign(desired)
    return signed


def _ours(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts.get(name, 0) for name in _NAMES}


fleet = Mirror()
