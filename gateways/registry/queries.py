"""Reading gateways, selectors, client keys and enrolment tokens: rows as plain dicts, and lists."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from configurations.publish import COUNTER
from configurations.seen import ALL, Seen
from gateways.models import Binding, ClientKey, EnrolmentToken, Gateway
from gateways.registry import clientkeys, narrowing
from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.lists.filters import equal, labelled
from keeptrusts.api.lists.listing import Filter
from keeptrusts.api.lists.table import Table
from keeptrusts.api.parameters import flag, identifier, text

Row = Mapping[str, Any]
Raw = dict[str, Any]

# Of a gateway and of an enrolment token never the token, never its digest.
_GATEWAY = (
    "id", "name", "labels", "configuration", "bound", "bound_at", "ambiguous", "client_keys",
    "enrolled_by", "created_at", "updated_at",
)  # fmt: skip
_BINDING = ("id", "configuration", "selector", "created_at")
_TOKEN = (
    "id", "name", "labels", "configuration", "uses", "max_uses", "created_at", "expires_at",
    "revoked_at",
)  # fmt: skip
# Never the key, never its digest; `has_previous` is whether the one before it is valid, too.
_KEY = (
    "name", "models", "rate_limit", "token_budget", "gateways", "selector", "has_previous",
    "created_at", "updated_at", "revoked_at",
)  # fmt: skip
_STORED_KEY = (
    "name", "model_globs", "rate_limit", "token_budget", "gateways", "selector", "previous_digest",
    "created_at", "updated_at", "revoked_at",
)  # fmt: skip


def gateway(gateway_id: str, seen: Seen = ALL, *, is_deleted: bool = False) -> Row:
    """One gateway; with `is_deleted` one that is deleted, too.

    Raises:
        NotFoundError: there is none that is seen.
    """
    rows = Gateway.objects.filter(seen.where("bound__pk"), pk=gateway_id)
    if not is_deleted:
        rows = rows.filter(deleted_at=None)
    return _one(_gateways(rows.values(*_GATEWAY), seen), f"gateway {gateway_id!r}")


def binding(binding_id: UUID, seen: Seen = ALL) -> Row:
    """One selector.

    Raises:
        NotFoundError: there is none that is seen.
    """
    rows = _bindings(seen).filter(pk=binding_id).values(*_BINDING)
    return _one(rows, "gateway binding with this id")


def enrolment_token(token_id: UUID) -> Row:
    """One enrolment token.

    Raises:
        NotFoundError: there is none with this id.
    """
    rows = EnrolmentToken.objects.filter(pk=token_id).values(*_TOKEN)
    return _one(rows, "enrolment token with this id")


def client_key(name: str, seen: Seen = ALL) -> Row:
    """One client key, revoked or not.

    Raises:
        NotFoundError: there is none that is seen.
    """
    rows = list(ClientKey.objects.filter(pk=name).values(*_STORED_KEY))
    return _one(filter(None, _keys(rows, seen)), f"client key {name!r}")


def _one(rows: Iterable[Row], what: str) -> Row:
    for row in rows:
        return row
    raise NotFoundError(what)


def _gateways(raws: Iterable[Raw], seen: Seen) -> list[Row]:
    found = list(raws)
    disagreed = narrowing.ambiguous(seen) if seen.is_narrowed else None
    for raw in found:
        # Empty as long as no client key was ever for it.
        raw["client_keys"] = raw["client_keys"] or None
        if disagreed is not None:
            raw["ambiguous"] = raw["id"] in disagreed
    return list(found)


def _bindings(seen: Seen) -> QuerySet[Binding]:
    return Binding.objects.filter(seen.where("configuration__pk"))


def _keys(raws: Sequence[Raw], seen: Seen) -> list[Row | None]:
    return [raw and _key(raw) for raw in narrowing.client_keys(raws, seen)]


def _key(raw: Raw) -> Row:
    shown = {"models": raw["model_globs"], "has_previous": raw["previous_digest"] is not None}
    return {name: shown[name] if name in shown else raw[name] for name in _KEY}


def _of_gateway(gateway_id: str, seen: Seen) -> Q:
    if seen.is_narrowed:
        gateway(gateway_id, seen)
    return Q(pk__in=[row.pk for row in clientkeys.of_gateway(gateway_id)])


_REVOKED: Filter[Any] = Filter(
    flag("revoked", "Those that are revoked, or the others.", default=None),
    lambda value, _: Q(revoked_at__isnull=not value),
)
_CONFIGURATION: Filter[Any] = equal("configuration", "Those that are for this configuration.")
_LABELLED = labelled("Those that have these labels.")

GATEWAYS: Table[Seen] = Table(
    name="gateways",
    is_constant=lambda seen: not seen.is_narrowed,
    counter=Gateway.COUNTER,
    members=_GATEWAY,
    rows=lambda seen: Gateway.objects.filter(seen.where("bound__pk"), deleted_at=None),
    values=lambda rows: rows.values(*_GATEWAY),
    shown=_gateways,
    sorts={"id": "pk", "name": "name", "created_at": "created_at", "updated_at": "updated_at"},
    sort="id",
    searched=("id", "name"),
    labels="labels",
    filters=(
        Filter(
            identifier("enrolled_by", "Those that this token enrolled.", of="an enrolment token"),
            lambda value, _: Q(enrolled_by=value),
        ),
        equal("configuration", "Those that are to enforce this configuration.", column="bound"),
        _LABELLED,
    ),
)

BINDINGS: Table[Seen] = Table(
    name="gateway-bindings",
    is_constant=lambda seen: not seen.is_narrowed,
    counter=COUNTER,
    members=_BINDING,
    rows=_bindings,
    values=lambda rows: rows.values(*_BINDING),
    sorts={"created_at": "created_at", "configuration": "configuration_id"},
    sort="created_at",
    searched=("configuration__id",),
    labels="selector",
    filters=(_CONFIGURATION,),
)

ENROLMENT_TOKENS: Table[None] = Table(
    name="enrolment-tokens",
    members=_TOKEN,
    rows=lambda _: EnrolmentToken.objects.all(),
    values=lambda rows: rows.values(*_TOKEN),
    sorts={"created_at": "created_at", "name": "name", "expires_at": "expires_at"},
    nullable=("expires_at",),
    sort="created_at",
    searched=("id", "name"),
    labels="labels",
    filters=(_CONFIGURATION, _REVOKED, _LABELLED),
)

CLIENT_KEYS: Table[Seen] = Table(
    name="client-keys",
    is_constant=lambda seen: not seen.is_narrowed,
    counter=Gateway.COUNTER,
    members=_KEY,
    rows=lambda _: ClientKey.objects.all(),
    values=lambda rows: rows.values(*_STORED_KEY),
    shown=_keys,
    drops=lambda seen: seen.is_narrowed,
    sorts={"name": "pk", "created_at": "created_at", "updated_at": "updated_at"},
    sort="name",
    searched=("name",),
    filters=(
        Filter(text("gateway", "Keys that hold at this gateway."), _of_gateway),
        _REVOKED,
    ),
)
