"""Reading requests: rows as plain dicts, newest first."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from configurations.models import ChangeRequest
from configurations.requests.kinds import KINDS
from keeptrusts.api.errors import NotFoundError

Shown = Mapping[str, Any]

STATES = (*ChangeRequest.State.values, "expired")
_MOST_COMMITS = 50
_OVERLAID = {"expired", "void"}


def page(
    states: Collection[str], *, target: str, before: int | None, limit: int
) -> tuple[list[Shown], int | None]:
    """Requests in these states, newest first, and where the next page begins; None at the end.

    A page may have fewer than `limit`.
    """
    kept = set(states) - {"expired"} | ({"waiting"} if _OVERLAID & set(states) else set())
    rows = ChangeRequest.objects.filter(state__in=kept).order_by("-pk").defer("change")
    if target:
        rows = rows.filter(target=target)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: limit + 1])
    shown = [one for one in shown_of(found[:limit]) if one["state"] in states]
    return shown, found[limit - 1].pk if len(found) > limit else None


def whole(row: ChangeRequest) -> Shown:
    """One request, with the body that was asked for while it waits, but for its content."""
    [shown] = shown_of([row])
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


def shown_of(rows: Sequence[ChangeRequest]) -> list[Shown]:
    """Requests as the API shows them; one whose target changed since is void."""
    void = _void(row for row in rows if row.state == "waiting" and row.broken is None)
    return [_shown(row, void) for row in rows]


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


def _void(waiting: Iterable[ChangeRequest]) -> set[int]:
    """Those whose target is not what it was."""
    groups: dict[str, list[ChangeRequest]] = defaultdict(list)
    for row in waiting:
        groups[row.kind].append(row)
    void: set[int] = set()
    for name, rows in groups.items():
        kind = KINDS.get(name)
        if kind is not None and kind.standings is not None:
            now = kind.standings({row.target for row in rows})
            void |= {row.pk for row in rows if now.get(row.target) != row.upon}
    return void


def _shown(row: ChangeRequest, void: Collection[int]) -> Shown:
    state = "void" if row.pk in void else row.state
    if state == "waiting" and row.expires_at is not None and row.expires_at <= timezone.now():
        state = "expired"
    decider = {"kind": row.decider_kind, "id": row.decider_id, "name": row.decider_name}
    return {
        "id": row.pk,
        "kind": row.kind,
        "target": row.target,
        "state": state,
        "break_glass": row.broken is not None,
        "reason": row.reason,
        "shows": row.shows,
        "details": row.details,
        "asker": {"kind": row.asker_kind, "id": row.asker_id, "name": row.asker_name},
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "decided_by": decider if row.decider_kind else None,
        "decided_at": row.decided_at,
    }
