"""Reading requests: rows as plain dicts, newest first."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from configurations.models import ChangeRequest
from configurations.requests.kinds import KINDS
from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.lists.filters import between, equal
from keeptrusts.api.lists.listing import MOST_OF_LOG, PAGE_OF_LOG, Filter
from keeptrusts.api.lists.table import Table
from keeptrusts.api.parameters import words

Shown = Mapping[str, Any]

STATES = (*ChangeRequest.State.values, "expired")
_COLUMNS = (
    "id", "kind", "target", "upon", "state", "broken", "reason", "shows", "details", "asker_kind",
    "asker_id", "asker_name", "created_at", "expires_at", "decider_kind", "decider_id",
    "decider_name", "decided_at",
)  # fmt: skip
_MOST_COMMITS = 50
_OVERLAID = {"expired", "void"}


def whole(row: ChangeRequest) -> Shown:
    """One request, with the body that was asked for while it waits, but for its content."""
    [shown] = shown_of([{name: getattr(row, name) for name in _COLUMNS}])
    asked = json.loads(row.change)
    return {**shown, "change": {name: asked[name] for name in asked if name != "content"}}


def content(row: ChangeRequest) -> bytes:
    """The exact bytes that were asked for.

    Raises:
        NotFoundError: it has none, or is decided.
    """
    text = json.loads(row.change).get("content")
    if text is None:
        raise NotFoundError("content of this request, or it is decided")
    encoded: bytes = text.encode()
    return encoded


def shown_of(rows: Sequence[Shown]) -> list[Shown]:
    """Requests as the API shows them, by their columns; one whose target changed since is void."""
    void = _void(row for row in rows if row["state"] == "waiting" and row["broken"] is None)
    return [_shown(row, void) for row in rows]


def _in_states(rows: Sequence[Shown], states: Collection[str]) -> list[Shown | None]:
    """Requests as the API shows them; None for those in another state by now."""
    return [one if one["state"] in states else None for one in shown_of(rows)]


def _stored(states: Collection[str]) -> set[str]:
    """The states that requests have in the database while they are shown in these."""
    return set(states) - {"expired"} | ({"waiting"} if _OVERLAID & set(states) else set())


def broken(family: str) -> QuerySet[ChangeRequest]:
    """What an admin did alone and nobody else has confirmed; `family` begins their kinds."""
    rows = ChangeRequest.objects.filter(broken__isnull=False, state="waiting")
    return rows.filter(kind__startswith=f"{family}.").order_by()


def people_since(kind: str, target: str, since: datetime | None) -> list[Any]:
    """The people of the commits of a target that asked after a moment, whatever became of them."""
    rows = ChangeRequest.objects.filter(kind=kind, target=target, asker_kind="commit")
    if since is not None:
        rows = rows.filter(created_at__gt=since)
    newest = rows.order_by("-pk").values_list("details", flat=True)[:_MOST_COMMITS]
    return [details["people"] for details in newest]


def _void(waiting: Iterable[Shown]) -> set[int]:
    """Those whose target is not what it was."""
    groups: dict[str, list[Shown]] = defaultdict(list)
    for row in waiting:
        groups[row["kind"]].append(row)
    void: set[int] = set()
    for name, rows in groups.items():
        kind = KINDS.get(name)
        if kind is not None and kind.standings is not None:
            now = kind.standings({row["target"] for row in rows})
            void |= {row["id"] for row in rows if now.get(row["target"]) != row["upon"]}
    return void


def _shown(row: Shown, void: Collection[int]) -> Shown:
    state, expires_at = "void" if row["id"] in void else row["state"], row["expires_at"]
    if state == "waiting" and expires_at is not None and expires_at <= timezone.now():
        state = "expired"
    asker, decider = (
        {name: row[f"{who}_{name}"] for name in ("kind", "id", "name")}
        for who in ("asker", "decider")
    )
    return {
        "id": row["id"],
        "kind": row["kind"],
        "target": row["target"],
        "state": state,
        "break_glass": row["broken"] is not None,
        "reason": row["reason"],
        "shows": row["shows"],
        "details": row["details"],
        "asker": asker,
        "created_at": row["created_at"],
        "expires_at": expires_at,
        "decided_by": decider if row["decider_kind"] else None,
        "decided_at": row["decided_at"],
    }


STATE = words("state", "Requests in these states.", known=STATES, default=STATES)

# The scope are the states asked for: what is shown as void or expired is stored as waiting.
REQUESTS: Table[Collection[str]] = Table(
    name="requests",
    members=(
        "id", "kind", "target", "state", "break_glass", "reason", "shows", "details", "asker",
        "created_at", "expires_at", "decided_by", "decided_at",
    ),
    rows=lambda states: ChangeRequest.objects.filter(state__in=_stored(states)),
    values=lambda rows: rows.values(*_COLUMNS),
    shown=_in_states,
    drops=lambda states: "waiting" in _stored(states) and not {"waiting", *_OVERLAID} <= {*states},
    sorts={"created_at": "pk"},
    sort="-created_at",
    page_size=PAGE_OF_LOG,
    most=MOST_OF_LOG,
    searched=("target", "asker_name", "reason"),
    filters=(
        Filter(STATE, lambda _, states: Q(state__in=_stored(states))),
        equal("target", "Requests for changes of what has this id."),
        equal("kind", "Requests of this kind."),
        equal("actor_id", "Requests of this actor.", column="asker_id"),
        *between("created_at"),
    ),
)  # fmt: skip
