"""Troubles of gateways: events when one does not do what it should, and when it does again.

A trouble is told once it was seen at two looks in a row, and is over once the gateway was well for
some minutes: one that comes and goes is one trouble.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from events import log as events
from events.log import Kind
from gateways.drift import judge, listing
from gateways.models import Trouble
from keeptrusts import counters

WELL_FOR = timedelta(minutes=5)
"""How long a gateway is well before its trouble is over."""
MOST_SINGLE = 20
"""Events of a kind at a look; where there would be more, there is one that counts them."""
_MOST_NAMED = 100
KINDS: Mapping[str, Kind] = {
    judge.OFFLINE: Kind.GATEWAY_OFFLINE,
    judge.DRIFTED: Kind.GATEWAY_DRIFTED,
    judge.STALE: Kind.GATEWAY_STALE,
}
"""The kind of event of each state that is a trouble."""
_WORDS: Mapping[Kind, str] = {
    Kind.GATEWAY_OFFLINE: "offline",
    Kind.GATEWAY_DRIFTED: "drifted",
    Kind.GATEWAY_STALE: "stale",
    Kind.GATEWAY_RECOVERED: "well again",
}


@dataclass(frozen=True, slots=True)
class News:
    """Something to be told of a gateway."""

    kind: Kind
    gateway: str
    configuration: str
    since: datetime
    why: str


@dataclass(slots=True)
class Look:
    """What comes of a look: rows to be written and to be removed, and what is told."""

    new: list[Trouble] = field(default_factory=list)
    changed: list[Trouble] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    news: list[News] = field(default_factory=list)


def look(now: datetime) -> None:
    """Look at all gateways, and record an event of each whose trouble began or ended."""
    rows = listing.whole(counters.read()).rows
    with transaction.atomic():
        known = {row.pk: row for row in Trouble.objects.select_for_update()}
        found = compared(known, rows, now)
        # Another process that looks now made them first.
        Trouble.objects.bulk_create(found.new, ignore_conflicts=True)
        Trouble.objects.bulk_update(found.changed, ["state", "since", "told", "well_since"])
        Trouble.objects.filter(pk__in=found.over).delete()
        _tell(found.news)


def compared(
    known: Mapping[str, Trouble], rows: Iterable[Mapping[str, Any]], now: datetime
) -> Look:
    """What comes of a look, by the troubles that are known and the rows of drift.

    One that never reported has no trouble: it is not set up yet.
    """
    found = Look()
    here = {row["gateway"]: row for row in rows if row["gateway"] and row["last_seen_at"]}
    for name, row in here.items():
        if row["state"] not in KINDS:
            continue
        trouble = known.get(name)
        if trouble is None:
            found.new.append(Trouble(pk=name, state=row["state"], since=now))
        else:
            _goes_on(found, trouble, row)
    for name, trouble in known.items():
        row = here.get(name, {})
        if row.get("state") not in KINDS:
            _is_well(found, trouble, row, now, is_here=name in here)
    return found


def _goes_on(found: Look, trouble: Trouble, row: Mapping[str, Any]) -> None:
    kind, before = KINDS[row["state"]], (trouble.state, trouble.well_since)
    is_news = trouble.state == row["state"] and kind not in trouble.told
    trouble.state, trouble.well_since = row["state"], None
    if is_news:
        trouble.told = [*trouble.told, kind.value]
        found.news.append(_news(kind, trouble, row, row["since"], row["why"]))
    if is_news or before != (trouble.state, None):
        found.changed.append(trouble)


def _is_well(
    found: Look, trouble: Trouble, row: Mapping[str, Any], now: datetime, *, is_here: bool
) -> None:
    # A clock that was set back leaves a time ahead.
    well_since = trouble.well_since if trouble.well_since and trouble.well_since <= now else now
    if trouble.told and is_here and now - well_since < WELL_FOR:
        if (trouble.state, trouble.well_since) != ("", well_since):
            # The next trouble is one of two looks in a row, too.
            trouble.state, trouble.well_since = "", well_since
            found.changed.append(trouble)
        return
    found.over.append(trouble.pk)
    if trouble.told:
        why = "it does what it should" if is_here else "it was removed"
        found.news.append(_news(Kind.GATEWAY_RECOVERED, trouble, row, trouble.since, why))


def _news(kind: Kind, trouble: Trouble, row: Mapping[str, Any], since: datetime, why: str) -> News:
    return News(kind, trouble.pk, row.get("configuration") or "", since, why)


def _tell(news: Sequence[News]) -> None:
    by_kind: dict[Kind, list[News]] = defaultdict(list)
    for one in news:
        by_kind[one.kind].append(one)
    for kind, ones in by_kind.items():
        if len(ones) > MOST_SINGLE:
            _tell_together(kind, ones)
            continue
        for one in ones:
            message = f"The gateway {one.gateway} is {_WORDS[kind]}: {one.why}."
            details = {"gateway": one.gateway, "since": one.since, "why": one.why}
            events.record(kind, message, configuration=one.configuration, details=details)


def _tell_together(kind: Kind, ones: Collection[News]) -> None:
    """One event of many: a network that fails is no thousand of them."""
    names = sorted(one.gateway for one in ones)
    message = f"{len(names)} gateways are {_WORDS[kind]}, {names[0]} among them."
    details = {"gateways": names[:_MOST_NAMED], "gateway_count": len(names)}
    events.record(kind, message, details=details)
