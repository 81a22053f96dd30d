"""What gateways say of themselves: the only writer of `State`.

Most reports say what the one before said. Those end in Redis; the database hears of them in bulk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import orjson
import redis
import structlog
from django.db import transaction
from django.utils import timezone

from gateways.mirror import fleet
from gateways.models import Gateway, State
from gateways.registry import gateways
from gateways.reports import live, measures
from gateways.reports.live import LastReport
from keeptrusts import counters

log = structlog.get_logger(__name__)

_REPORTS_PER_SECOND = 25
_LEAST_INTERVAL_SECONDS = 3
_MOST_INTERVAL_SECONDS = 100
_LATE_FIELDS = ["last_seen_at", "counters", "stream", "handed_hash", "handed_at"]

_Plain = str | int | bool | None
_ESSENCE = tuple[tuple[_Plain, ...], str, tuple[_Plain, ...]]
_PLAIN_FIELDS = ("health", "stopping", "stream", "kt_version", "started_at", "counters")

Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Essence:
    """What must reach the database at once when it changes.

    `running` is configuration, version and hash; `rest` whatever else is told apart.
    """

    running: tuple[Any, ...]
    problem: str
    rest: tuple[Any, ...]

    @classmethod
    def of_report(cls, report: Report) -> Essence:
        running, problem = report["running"] or {}, report["problem"] or {}
        names = ("configuration", "version", "content_hash")
        rest = (
            running.get("publish_seq"), report["health"], report["stopping"],
            report["kt_version"], report["started_at"].isoformat(),
        )  # fmt: skip
        return cls(tuple(running.get(name) for name in names), problem.get("code", ""), rest)

    @classmethod
    def of_row(cls, row: State) -> Essence:
        """As far as a row tells: what runs, and what is wrong."""
        none = (None, None, None)
        runs = (row.running_configuration, row.running_version, row.running_hash)
        return cls(runs if row.running_hash else none, row.problem_code, ())

    @classmethod
    def read(cls, text: str) -> Essence | None:
        """What `text` wrote; None for anything else."""
        try:
            return cls(*msgspec.json.decode(text, type=_ESSENCE))
        except msgspec.DecodeError:
            return None

    def text(self) -> str:
        return orjson.dumps([self.running, self.problem, self.rest]).decode()


def interval_seconds(count: int) -> int:
    """Seconds between two reports of one of `count` gateways.

    Rare enough for all of them together, often enough that one which stops is missed soon.
    """
    wished = count // _REPORTS_PER_SECOND
    return min(max(_LEAST_INTERVAL_SECONDS, wished), _MOST_INTERVAL_SECONDS)


def take(gateway_id: str, report: Report) -> None:
    """Note a report, which is shaped as `ReportInput` says."""
    now = timezone.now()
    _tell_again(gateway_id, report["running"])
    essence = Essence.of_report(report).text()
    seen = LastReport(now, essence, report["counters"], report["stream"])
    try:
        before = live.swap_seen(gateway_id, seen)
    except redis.RedisError as exc:
        log.warning("reports go to the database, one by one", error=str(exc))
        before = None
    if before is not None and before.essence == essence:
        return
    known = Essence.read(before.essence) if before else None
    if known is None:
        _write_anew(gateway_id, report, now)
    else:
        _write(gateway_id, report, now, known)


def flush() -> int:
    """Bring what came since to the database, in bulk; returns of how many gateways.

    Raises: `redis.RedisError`.
    """
    seen, handed = live.seen(), live.handed()
    changed = []
    for row in State.objects.filter(gateway__deleted_at=None):
        late = _late(row)
        if report := seen.get(row.pk):
            row.last_seen_at = max(row.last_seen_at, report.at)
            row.counters, row.stream = report.counters, report.stream
        if told := handed.get(row.pk):
            row.handed_hash, row.handed_at = told.content_hash, told.at
        if _late(row) != late:
            changed.append(row)
    State.objects.bulk_create(
        changed,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["gateway"],
        update_fields=_LATE_FIELDS,
    )
    return len(changed)


def _tell_again(gateway_id: str, running: Mapping[str, Any] | None) -> None:
    """A gateway that was told more than this database knows of is told all again."""
    desired = fleet.desired(gateway_id)
    if running is None or desired is None or running["publish_seq"] <= desired.publish_seq:
        return
    if gateways.reissue(gateway_id, above=running["publish_seq"]):
        log.warning("a gateway knew more than the database; told it all again", gateway=gateway_id)
        fleet.refresh(counters.read())


def _write(gateway_id: str, report: Report, now: datetime, before: Essence) -> None:
    """One statement. Of two reports that overtake one another the later one stands."""
    fields = _fields(report, now, before)
    written = State.objects.filter(pk=gateway_id, last_seen_at__lt=now).update(**fields)
    if not written and not State.objects.filter(pk=gateway_id).exists():
        _write_anew(gateway_id, report, now)
    elif not written:
        # By a clock that is ahead of this one another report is newer: the next settles it.
        live.forget_seen(gateway_id)
    elif fields.get("enforced_at"):
        measures.enforced(gateway_id, report["running"], now)


def _write_anew(gateway_id: str, report: Report, now: datetime) -> None:
    """What was said before is not in Redis: the row knows it, if there is one."""
    with transaction.atomic():
        # Locked first, so that two reports of one gateway follow one another.
        Gateway.objects.select_for_update(of=("self",)).get(pk=gateway_id)
        row = State.objects.filter(pk=gateway_id).first() or State(pk=gateway_id)
        fields = _fields(report, now, Essence.of_row(row))
        for name, value in fields.items():
            setattr(row, name, value)
        row.save()
    if fields.get("enforced_at"):
        measures.enforced(gateway_id, report["running"], now)


def _fields(report: Report, now: datetime, before: Essence) -> dict[str, Any]:
    """The columns of a report; moments only where they begin or end."""
    running, problem = report["running"] or {}, report["problem"] or {}
    essence = Essence.of_report(report)
    fields = {
        "running_configuration": running.get("configuration", ""),
        "running_version": running.get("version"),
        "running_hash": running.get("content_hash", ""),
        "running_seq": running.get("publish_seq", 0),
        "running_since": running.get("since"),
        "problem_code": problem.get("code", ""),
        "problem_message": problem.get("message", ""),
        "last_seen_at": now,
        **{name: report[name] for name in _PLAIN_FIELDS},
    }
    if essence.running != before.running:
        fields["enforced_at"] = now if running else None
    if essence.problem != before.problem:
        fields["problem_since"] = now if problem else None
    return fields


def _late(row: State) -> list[Any]:
    return [getattr(row, name) for name in _LATE_FIELDS]
