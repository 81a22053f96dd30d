"""The list of drift: what may be asked of it, and the last survey of the whole fleet."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis
from django.conf import settings
from django.utils import timezone

from configurations.publish import COUNTER
from gateways.drift import judge, survey
from gateways.drift.survey import WHOLE, Part, Row
from gateways.models import Gateway
from gateways.reports import live
from gitrepos.models import Link
from keeptrusts.api import parameters
from keeptrusts.api.lists.gathered import Gathered
from keeptrusts.api.lists.listing import Filter
from keeptrusts.api.parameters import Asked

_Rows = Sequence[Row]

# Whatever a survey stands on is counted, but for the time that passes, and what a process that was
# killed did not count any more.
_COUNTERS = (COUNTER, Gateway.COUNTER, Link.EDITS, Link.SYNCS)
_GOOD_FOR = timedelta(seconds=2)

# By these a survey gathers no more than it must.
_GATEWAY = parameters.text("gateway", "The row of this gateway.")
_CONFIGURATION = parameters.text("configuration", "Rows about this configuration.")
_LABELS = parameters.labels("labels", "Rows of gateways that have these labels.")
_HAS_GATEWAY = parameters.flag(
    "has_gateway", "Rows of gateways, or of configurations that none is bound to.", default=None
)

_NARROWING = (_GATEWAY, _CONFIGURATION, _LABELS)
_STATES = ("in_sync", "orphaned", "quarantined", "overridden")


@dataclass(frozen=True, slots=True)
class Survey:
    """Rows of drift, and their number in each state; with `upon` alike, they are the same.

    `gateways` are the numbers of the rows of gateways alone.
    """

    rows: _Rows
    summary: Mapping[str, int]
    gateways: Mapping[str, int]
    upon: object = None

    def of(self, has_gateway: bool | None) -> "Survey":
        """The rows with a gateway, or with False the others; None for all."""
        if has_gateway is None:
            return self
        rows = [row for row in self.rows if (row["gateway"] is not None) is has_gateway]
        upon = None if self.upon is None else (self.upon, has_gateway)
        return _surveyed(rows, upon=upon)


class _Last:
    """The last survey of the whole fleet, for as long as it is good; one is made at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._facts: object = None
        self._found: Survey | None = None
        self._made_at = datetime.min

    def survey(self, counts: Mapping[str, int]) -> Survey:
        facts = _facts(counts)
        if facts is None:
            return _surveyed(survey.rows())
        with self._lock:
            now = timezone.now()
            is_good = facts == self._facts and timedelta() <= now - self._made_at < _GOOD_FOR
            if self._found is None or not is_good:
                self._found = _surveyed(survey.rows(), upon=(facts, now))
                self._facts, self._made_at = facts, now
            return self._found


def _facts(counts: Mapping[str, int]) -> object:
    """What a survey of the whole fleet stands on, as counted; None where that cannot be told."""
    try:
        change = live.change()
    except redis.RedisError:
        return None  # What is read of it then says so, too.
    if change is None:
        return None
    offline = settings.ENV.gateway_offline_seconds
    return change, offline, *(counts.get(name) for name in _COUNTERS)


_last = _Last()


def whole(counts: Mapping[str, int]) -> Survey:
    """The drift of the whole fleet; `counts` are the change counters as they stood before."""
    return _last.survey(counts)


def surveyed(asked: Asked, part: Part, counts: Mapping[str, int]) -> Survey:
    """The drift of a part, of a gateway or a configuration where one is asked for.

    `counts` are the change counters as they stood before.
    """
    if part is WHOLE and not any(one in asked for one in _NARROWING):
        return whole(counts).of(asked[_HAS_GATEWAY])
    rows = survey.rows(
        gateway=asked[_GATEWAY], configuration=asked[_CONFIGURATION], labels=asked[_LABELS],
        part=part,
    )  # fmt: skip
    return _surveyed(rows).of(asked[_HAS_GATEWAY])


def _surveyed(rows: _Rows, *, upon: object = None) -> Survey:
    of_gateways = [row for row in rows if row["gateway"] is not None]
    return Survey(rows, survey.summary(rows), survey.summary(of_gateways), upon)


def _among(member: str, known: Sequence[str], about: str) -> Filter[_Rows]:
    words = parameters.words(member, about, known=known, default=None)
    return Filter(words, lambda value, _: lambda row: row[member] in value)


def _gathered(parameter: parameters.Parameter[Any]) -> Filter[_Rows]:
    return Filter(parameter, lambda _value, _: lambda _row: True)


DRIFT: Gathered[_Rows] = Gathered(
    name="drift",
    members=survey.MEMBERS,
    rows=lambda listed: listed,
    key=lambda row: f"{row['gateway'] or ''}/{row['configuration'] or ''}",
    sorts={name: name for name in ("gateway", "configuration", "state", "since", "last_seen_at")},
    sort="gateway",
    searched=("gateway", "configuration"),
    filters=(
        _among("state", judge.STATES, "Rows in these states."),
        _among("configuration_state", _STATES, "Rows whose configuration is in these."),
        _gathered(_GATEWAY),
        _gathered(_HAS_GATEWAY),
        _gathered(_CONFIGURATION),
        _gathered(_LABELS),
    ),
)
