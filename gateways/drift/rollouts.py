"""The list of rollouts: how far the version in force of each configuration has come."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count, F, FilteredRelation, Q, QuerySet

from configurations.models import Configuration
from configurations.queries import in_force
from configurations.seen import Seen
from gateways.models import Gateway
from keeptrusts.api import parameters
from keeptrusts.api.lists.listing import Filter
from keeptrusts.api.lists.table import Table

_VERSION = ("source", "commit", "author", "actor", "message", "note", "created_at")
_SHOWN = {name: F(f"current__{name}") for name in _VERSION if name != "created_at"}
MEMBERS = (
    "configuration", "version", "content_hash", "source", "commit", "author", "actor", "message",
    "note", "published_at", "gateways", "enforcing",
)  # fmt: skip


def _values(rows: QuerySet[Configuration]) -> QuerySet[Any, Any]:
    current = FilteredRelation("versions", condition=Q(versions__number=F("version")))
    found: QuerySet[Any, Any] = rows.annotate(current=current).values(
        "version",
        "content_hash",
        configuration=F("pk"),
        published_at=F("current__created_at"),
        **{f"of_{name}": value for name, value in _SHOWN.items()},
    )
    return found


def _shown(raws: Sequence[dict[str, Any]], _seen: Seen) -> list[Mapping[str, Any]]:
    counts = _counts([raw["configuration"] for raw in raws])
    rows: list[Mapping[str, Any]] = []
    for raw in raws:
        row = {name: raw[f"of_{name}"] if name in _SHOWN else raw.get(name) for name in MEMBERS}
        bound, enforcing = counts.get(raw["configuration"], (0, 0))
        rows.append(row | {"gateways": bound, "enforcing": enforcing})
    return rows


def _counts(configurations: Sequence[str]) -> Mapping[str, tuple[int, int]]:
    """For each configuration, how many gateways are bound to it and how many of these run it."""
    runs = Q(state__running_hash=F("bound__content_hash"))
    found = Gateway.objects.filter(deleted_at=None, bound__in=configurations).values("bound")
    rows = found.annotate(gateways=Count("pk"), enforcing=Count("pk", filter=runs)).order_by()
    return {row["bound"]: (row["gateways"], row["enforcing"]) for row in rows}


_CONFIGURATION: Filter[Any] = Filter(
    parameters.texts("configuration", "Those of these configurations."),
    lambda value, _: Q(pk__in=value),
)

ROLLOUTS: Table[Seen] = Table(
    name="rollouts",
    members=MEMBERS,
    is_constant=lambda seen: not seen.is_narrowed,
    rows=lambda seen: in_force().filter(seen.where()),
    values=_values,
    shown=_shown,
    sorts={"configuration": "pk"},
    sort="configuration",
    searched=("id", "name"),
    filters=(_CONFIGURATION,),
)
