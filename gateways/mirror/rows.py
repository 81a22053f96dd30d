"""Rows of the fleet as they were last read, and what each gateway is to have by them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from access.tokens import digest
from configurations import publish
from configurations.models import Configuration, Version
from gateways.models import Gateway
from gateways.signing.statements import Desired, DesiredKeys

TABLES = (Configuration, Version, Gateway)
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


class Rows:
    """Gateways by id, ids by the digests of tokens, and configurations' current versions."""

    def __init__(self) -> None:
        self.gateways: dict[str, Known] = {}
        self.tokens: dict[str, str] = {}
        self.current: dict[str, _Current] = {}

    def read(self, *, since: Mapping[str, int]) -> None:
        """Read the rows that changed since the counters were so; all, if there are none."""
        versions: Any = Version.objects.filter(
            configuration__publish_seq__gt=since.get(publish.COUNTER, 0),
            number=F("configuration__version"),
        ).values_list(
            "configuration_id", "number", "content_hash", "commit", "configuration__publish_seq"
        )
        gateways: Any = Gateway.objects.filter(
            changed_seq__gt=since.get(Gateway.COUNTER, 0)
        ).values_list(*_COLUMNS)
        # Both before either is taken: a reading that fails leaves all as it was.
        newer, changed = list(versions), list(gateways)
        for configuration_id, *facts in newer:
            self.current[configuration_id] = _Current(*facts)
        for row in changed:
            self._take(Known(*row))

    def _take(self, gateway: Known) -> None:
        if older := self.gateways.get(gateway.id):
            self.tokens.pop(older.digest, None)
            self.tokens.pop(older.previous_digest, None)
        self.gateways[gateway.id] = gateway
        for token_digest in filter(None, (gateway.digest, gateway.previous_digest)):
            self.tokens[token_digest] = gateway.id

    def named(self, gateway_id: str) -> Known | None:
        """The gateway with this id, unless it was deleted."""
        gateway = self.gateways.get(gateway_id)
        return None if gateway is None or gateway.deleted_at is not None else gateway

    def desired(self, gateway_id: str) -> Desired | None:
        """The version that a gateway is to enforce; None when nothing binds it."""
        gateway = self.named(gateway_id)
        current = self.current.get(gateway.bound) if gateway and gateway.bound else None
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

    def desired_keys(self, gateway_id: str) -> DesiredKeys | None:
        """The list of client keys of a gateway; None when it never had any from here."""
        gateway = self.named(gateway_id)
        if gateway is None or not gateway.keys_hash:
            return None
        return DesiredKeys(gateway_id, gateway.keys_hash, gateway.keys_seq)


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Gateways that were told what a database does not know, each with the sequence of that."""

    policies: Mapping[str, int]
    keys: Mapping[str, int]

    @classmethod
    def between(cls, before: Rows, after: Rows) -> "Overtaken":
        """The gateways whose statements `before` are not older than those `after`, and differ."""
        policies, keys = {}, {}
        for gateway_id in before.gateways:
            told, desired = before.desired(gateway_id), after.desired(gateway_id)
            if told and desired and told != desired and told.publish_seq >= desired.publish_seq:
                policies[gateway_id] = told.publish_seq
            listed, wanted = before.desired_keys(gateway_id), after.desired_keys(gateway_id)
            if listed and wanted and listed != wanted and listed.keys_seq >= wanted.keys_seq:
                keys[gateway_id] = listed.keys_seq
        return cls(policies, keys)
