"""The fleet in memory: tokens of gateways, what each is to enforce, and its client keys.

A process reads the change counters (one query) and then only the rows that changed since it
last looked, so an answer costs no more than that, whatever the size of the fleet.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from access.tokens import digest
from configurations import publish, queries
from configurations.models import Version
from gateways.models import ClientKeyList, Gateway
from gateways.signing import keys, statements
from gateways.signing.keys import Signer
from gateways.signing.statements import Desired, DesiredKeys, DesiredKind, Signed
from keeptrusts import counters
from keeptrusts.api.errors import NotFoundError

_NAMES = (Gateway.COUNTER, publish.COUNTER, keys.COUNTER)
_KEPT_CONTENTS = 64
_KEPT_LISTS = 16
_COLUMNS = (
    "pk", "digest", "previous_digest", "previous_until", "bound_id", "bound_seq", "bound_at",
    "deleted_at", "keys_hash", "keys_seq",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """A gateway as its row was last read."""

    id: str
    digest: str
    previous_digest: str
    previous_until: datetime | None
    bound: str | None
    bound_seq: int
    bound_at: datetime | None
    deleted_at: datetime | None
    keys_hash: str
    keys_seq: int

    def is_newest(self, token: str) -> bool:
        """Whether a token is the one that was made last."""
        return digest(token) == self.digest


@dataclass(frozen=True, slots=True)
class _Current:
    """A configuration's version in force."""

    version: int
    content_hash: str
    commit: str
    publish_seq: int


class _Rows:
    """Gateways by id, ids by the digests of tokens, and configurations' current versions."""

    def __init__(self) -> None:
        self.gateways: dict[str, Known] = {}
        self.tokens: dict[str, str] = {}
        self.current: dict[str, _Current] = {}

    def read_configurations(self, *, since: int) -> None:
        rows: Any = Version.objects.filter(
            configuration__publish_seq__gt=since, number=F("configuration__version")
        ).values_list(
            "configuration_id", "number", "content_hash", "commit", "configuration__publish_seq"
        )
        for configuration_id, *facts in rows.iterator():
            self.current[configuration_id] = _Current(*facts)

    def read_gateways(self, *, since: int) -> None:
        rows: Any = Gateway.objects.filter(changed_seq__gt=since).values_list(*_COLUMNS)
        for row in rows.iterator():
            gateway = Known(*row)
            if older := self.gateways.get(gateway.id):
                self.tokens.pop(older.digest, None)
                self.tokens.pop(older.previous_digest, None)
            self.gateways[gateway.id] = gateway
            for token_digest in filter(None, (gateway.digest, gateway.previous_digest)):
                self.tokens[token_digest] = gateway.id


class Mirror:
    """Every gateway and every configuration, as of the last `refresh`. Safe among threads.

    Writers of a resource follow one another by its counter, so a row whose sequence is larger
    than the count read last is all that can be new.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._rows = _Rows()
        self._signed: dict[str, Signed[Desired]] = {}
        self._signed_keys: dict[str, Signed[DesiredKeys]] = {}
        self.signer: Signer | None = None
        self.size = 0

    def refresh(self, counts: Mapping[str, int]) -> bool:
        """Read what changed since the last call; True if anything did.

        `counts` are the change counters, read just now.

        Raises:
            KeyUnreadableError: no configured key opens the signing key.
        """
        if _ours(counts) == self._counts:
            return False
        with self._lock:
            # Read again: another thread may have been here with newer ones, which would make
            # these look like another database's.
            now = _ours(counters.read())
            if now == self._counts:
                return False
            # A count that went back is another database's: all is read anew.
            before = self._counts if all(now[n] >= v for n, v in self._counts.items()) else {}
            rows = self._rows if before else _Rows()
            if now[keys.COUNTER] != before.get(keys.COUNTER, 0) or not before:
                self.signer, self._signed, self._signed_keys = keys.load(), {}, {}
            rows.read_configurations(since=before.get(publish.COUNTER, 0))
            rows.read_gateways(since=before.get(Gateway.COUNTER, 0))
            # Only now, so that a database that fails on the way leaves what was known.
            self._rows, self._counts = rows, now
            self.size = sum(one.deleted_at is None for one in rows.gateways.values())
            return True

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
        gateway = self._rows.gateways.get(gateway_id)
        return None if gateway is None or gateway.deleted_at is not None else gateway

    def desired(self, gateway_id: str) -> Desired | None:
        """The version that a gateway is to enforce; None when nothing binds it."""
        gateway = self.named(gateway_id)
        current = self._rows.current.get(gateway.bound) if gateway and gateway.bound else None
        if gateway is None or gateway.bound is None or current is None:
            return None
        return Desired(
            gateway=gateway_id,
            configuration=gateway.bound,
            version=current.version,
            content_hash=current.content_hash,
            commit=current.commit,
            publish_seq=max(current.publish_seq, gateway.bound_seq),
        )

    def signed(self, gateway_id: str) -> Signed[Desired] | None:
        """`desired` as the signed statement that the gateway is handed."""
        return _signed(self.signer, self.desired(gateway_id), self._signed)

    def desired_keys(self, gateway_id: str) -> DesiredKeys | None:
        """The list of client keys of a gateway; None when it never had any from here."""
        gateway = self.named(gateway_id)
        if gateway is None or not gateway.keys_hash:
            return None
        return DesiredKeys(gateway_id, gateway.keys_hash, gateway.keys_seq)

    def signed_keys(self, gateway_id: str) -> Signed[DesiredKeys] | None:
        """`desired_keys` as the signed statement that the gateway is handed."""
        return _signed(self.signer, self.desired_keys(gateway_id), self._signed_keys)

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
    if signed is None or signed.desired != desired:
        signed = cache[desired.gateway] = signer.sign(desired)
    return signed


def _ours(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts.get(name, 0) for name in _NAMES}


@lru_cache(maxsize=_KEPT_CONTENTS)
def content(configuration_id: str, version: int, content_hash: str) -> bytes:
    """The bytes of a version, cached; versions never change."""
    return queries.content(configuration_id, version)[0]


@lru_cache(maxsize=_KEPT_LISTS)
def key_list(content_hash: str) -> bytes:
    """A list of client keys by its hash, cached.

    Raises:
        LookupError: no gateway has it any more.
    """
    row = ClientKeyList.objects.filter(pk=content_hash).first()
    if row is None:
        raise LookupError(content_hash)
    return bytes(row.content)


fleet = Mirror()
