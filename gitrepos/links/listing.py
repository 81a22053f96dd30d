"""The list of links: by status, whole or in pages."""

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import Q

from configurations.seen import ALL, Seen
from gitrepos import refs
from gitrepos.links import narrowing
from gitrepos.links.conditions import LinkWithStatus, with_status, with_warning
from gitrepos.models import Link

_MOMENT = "%Y%m%dT%H%M%S.%f"
_CURSOR = re.compile(r"(\d{8}T\d{6}\.\d{6})-([0-9a-f]{32})", re.ASCII)


class BadCursorError(ValueError):
    """The cursor is none that an answer had."""


def page(
    statuses: Sequence[str],
    *,
    cursor: str,
    limit: int | None,
    warned: bool | None = None,
    forms: Collection[str] = refs.FORMS,
    seen: Seen = ALL,
) -> tuple[list[LinkWithStatus], str | None]:
    """A page of links in the order of their creation, and the cursor of the next page.

    `warned` chooses those with a warning, or without; `forms` those that follow one of these.

    Raises:
        BadCursorError: `cursor` is malformed.
    """
    listed_links = Link.objects.filter(narrowing.links(seen)).order_by("created_at", "id")
    rows = with_status(listed_links, statuses)
    if warned is not None:
        rows = with_warning(rows, warned, seen)
    for form in set(refs.FORMS).difference(forms):
        rows = rows.exclude(_follows(form))
    if cursor:
        rows = rows.filter(_after(cursor))
    if limit is None:
        return list(rows), None
    links = list(rows[: limit + 1])
    listed = links[:limit]
    return listed, _cursor(listed[-1]) if len(links) > limit else None


def _follows(form: str) -> Q:
    if form != "branch":
        return ~Q(**{form: ""})
    return Q(tag="", commit="", semver="")


def _cursor(row: Link) -> str:
    return f"{row.created_at.astimezone(UTC):{_MOMENT}}-{row.pk.hex}"


def _after(cursor: str) -> Q:
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise BadCursorError
    try:
        moment = datetime.strptime(match[1], _MOMENT).replace(tzinfo=UTC)
    except ValueError as exc:
        raise BadCursorError from exc
    later = Q(created_at__gt=moment) | Q(pk__gt=UUID(match[2]))
    return Q(created_at__gte=moment) & later  # In this form an index leads to the page.
