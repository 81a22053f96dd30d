"""The list of rollouts: how far the version in force of each configuration has come."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import (
    Case,
    Count,
    DateTimeField,
    F,
    FilteredRelation,
    Max,
    Min,
    Q,
    QuerySet,
    Value,
    When,
)

from configurations.models import Configuration
from configurations.queries import in_force
from configurations.seen import Seen
from gateways.models import Gateway
from keeptrusts.api import parameters
from keeptrusts.api.lists.listing import Filter
from keeptrusts.api.lists.table import Table

_VERSION = (
    "source", "commit", "author", "actor", "message", "note", "committed_at", "polled_at",
)  # fmt: skip
_SHOWN = {name: F(f"current__{name}") for name in _VERSION}
MEMBERS = (
    "configuration", "version", "content_hash", "source", "commit", "author", "actor", "message",
    "note", "committed_at", "polled_at", "published_at", "gateways", "enforcing",
    "first_enforced_at", "all_enforced_at",
)  # fmt: skip
_NOBODY: Mapping[str, Any] = {
    "gateways": 0, "enforcing": 0, "first_enforced_at": None, "all_enforced_at": None,
}  # fmt: skip


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
    came = _progress({raw["configuration"]: raw["published_at"] for raw in raws})
    rows: list[Mapping[str, Any]] = []
    for raw in raws:
        row = {name: raw[f"of_{name}"] if name in _SHOWN else raw.get(name) for name in MEMBERS}
        rows.append({**row, **came.get(raw["configuration"], _NOBODY)})
    return rows


def _progress(published: Mapping[str, datetime]) -> Mapping[str, Mapping[str, Any]]:
    """For configurations by when they were published: how many run them, since when.

    A gateway that was bound later counts, but not in the times, as in the rollout of one.
    """
    if not published:
        return {}
    at = Case(
        *(When(bound=name, then=Value(moment)) for name, moment in published.items()),
        output_field=DateTimeField(),
    )
    runs = Q(state__running_hash=F("bound__content_hash"))
    waited = Q(bound_at__lte=F("at"))
    arrived = runs & waited & Q(state__enforced_at__gte=F("at"))
    rows = Gateway.objects.filter(deleted_at=None, bound__in=published).annotate(at=at)
    found = rows.values("bound").annotate(
        gateways=Count("pk"),
        enforcing=Count("pk", filter=runs),
        expected=Count("pk", filter=waited),
        arrived=Count("pk", filter=arrived),
        first_enforced_at=Min("state__enforced_at", filter=arrived),
        last=Max("state__enforced_at", filter=arrived),
    )
    return {
        row["bound"]: {
            **{name: row[name] for name in ("gateways", "enforcing", "first_enforced_at")},
            "all_enforced_at": row["last"] if row["arrived"] >= row["expected"] else None,
        }
        for row in found.order_by()
    }


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
