"""The order of notifications: at an endpoint, each waits for the earlier ones of its subjects.

The first of all its subjects has `next_attempt_at`, the others have none. Whoever changes what
waits holds the endpoint's row.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from notifications.models import Notification

Subjects = frozenset[tuple[str, str]]
_WAITING = Notification.Status.WAITING


def subjects(row: Notification) -> Subjects:
    """What a notification is about: columns and values."""
    named = ((name, getattr(row, name)) for name in Notification.SUBJECTS)
    return frozenset((name, value) for name, value in named if value)


def waiting(endpoint_id: UUID) -> QuerySet[Notification]:
    """What is to be sent to an endpoint, held up or not."""
    return Notification.objects.filter(endpoint=endpoint_id, status=_WAITING)


def busy(endpoint_id: UUID, rows: Iterable[Notification]) -> set[tuple[str, str]]:
    """Those subjects of rows that something waits for already."""
    asked = frozenset().union(*map(subjects, rows))
    found: set[tuple[str, str]] = set()
    for name in Notification.SUBJECTS:
        values = [value for column, value in asked if column == name]
        held = waiting(endpoint_id).filter(**{f"{name}__in": values})
        found |= {(name, value) for value in held.values_list(name, flat=True).distinct()}
    return found


def follow(settled: Sequence[Notification], now: datetime) -> None:
    """Let those be sent that waited for notifications alone, of one endpoint, which are settled."""
    about = frozenset[tuple[str, str]]().union(*map(subjects, settled))
    if not about:
        return
    held, firsts = waiting(settled[0].endpoint_id), set[int]()
    for name in {name for name, _ in about}:
        values = [value for column, value in about if column == name]
        same = held.filter(**{f"{name}__in": values}).values_list(name)
        firsts |= {first for _, first in same.annotate(Min("number"))}
    rows = held.filter(~_is_held_up(), number__in=firsts, next_attempt_at=None)
    rows.update(next_attempt_at=now)


def mend(endpoint_id: UUID, now: datetime) -> int:
    """Put all that waits at an endpoint in order again; returns how many can be sent anew."""
    columns = ("number", "claim", "next_attempt_at", *Notification.SUBJECTS)
    seen: set[tuple[str, str]] = set()
    held_up, free = [], []
    # Looked through once here: a statement would look for the earlier ones of each.
    for number, claim, at, *values in waiting(endpoint_id).order_by("number").values_list(*columns):
        own = {one for one in zip(Notification.SUBJECTS, values, strict=True) if one[1]}
        if own & seen and at is not None and claim is None:
            held_up.append(number)
        elif not own & seen and at is None:
            free.append(number)
        seen |= own
    Notification.objects.filter(number__in=held_up).update(next_attempt_at=None)
    Notification.objects.filter(number__in=free).update(next_attempt_at=now)
    return len(free)


def _is_held_up() -> Q:
    """Whether an earlier one of a subject waits at the same endpoint."""
    held = Q()
    for name in Notification.SUBJECTS:
        earlier = Notification.objects.filter(
            endpoint=OuterRef("endpoint"), status=_WAITING, number__lt=OuterRef("number")
        )
        same = earlier.filter(**{name: OuterRef(name)})
        held |= ~Q(**{name: ""}) & Q(Exists(same))
    return held
