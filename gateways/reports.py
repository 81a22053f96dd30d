"""What gateways say of themselves: the only writer of `State`.

Most reports say what the one before said. Those end in Redis; the database hears of them in bulk.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import redis
import structlog
from django.db import transaction
from django.utils import timezone

from gateways import live, measures, registry
from gateways.live import Seen
from gateways.mirror import fleet
from gateways.models import Gateway, State
from keeptrusts import counters

log = structlog.get_logger(__name__)

REPORTS_PER_SECOND = 50
_LEAST_INTERVAL_SECONDS = 3
_LATE_FIELDS = ["last_seen_at", "counters", "stream", "handed_hash", "handed_at"]

_PLAIN_FIELDS = ("health", "stopping", "stream", "kt_version", "started_at", "counters")

Report = Mapping[str, Any]


def interval_seconds(gateways: int) -> int:
    """How often each gateway reports, so that all together stay bearable."""
    return max(_LEAST_INTERVAL_SECONDS, gateways // REPORTS_PER_SECOND)


def take(gateway_id: str, report: Report) -> None:
    """Note a report, which is shaped as `ReportInput` says."""
    now = timezone.now()
    _tell_again(gateway_id, report["running"])
    seen = Seen(now, _essence(report), report["counters"], report["stream"])
    try:
        before = live.swap_seen(gateway_id, seen)
    except redis.RedisError as exc:
        log.warning("reports go to the database, one by one", error=str(exc))
        before = None
    if before is None or before.essence != seen.essence:
        _write(gateway_id, report, now)


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
    if registry.reissue(gateway_id, above=running["publish_seq"]):
        log.warning("a gateway knew more than the database; told it all again", gateway=gateway_id)
        fleet.refresh(counters.read())


def _essence(report: Report) -> str:
    """What must reach the database at once when it changes."""
    running, problem = report["running"] or {}, report["problem"] or {}
    names = ("configuration", "version", "content_hash", "publish_seq")
    facts = [running.get(name) for name in names]
    more = [report["health"], problem.get("code"), report["stopping"], report["kt_version"]]
    return orjson.dumps([*facts, *more, report["started_at"]]).decode()


def _write(gateway_id: str, report: Report, now: datetime) -> None:
    running = report["running"]
    with transaction.atomic():
        # Locked first, so that two reports of one gateway follow one another.
        Gateway.objects.select_for_update(of=("self",)).get(pk=gateway_id)
        row = State.objects.filter(pk=gateway_id).first() or State(pk=gateway_id)
        is_new = _take_running(row, running, now)
        _take_problem(row, report["problem"], now)
        for name in _PLAIN_FIELDS:
            setattr(row, name, report[name])
        row.last_seen_at = now
        row.save()
    if is_new:
        measures.enforced(gateway_id, running, now)


def _take_running(row: State, running: Report | None, now: datetime) -> bool:
    """Whether it runs something else than before."""
    said = running or {}
    before = _running(row)
    row.running_configuration = said.get("configuration", "")
    row.running_hash = said.get("content_hash", "")
    row.running_version, row.running_since = said.get("version"), said.get("since")
    row.running_seq = said.get("publish_seq", 0)
    if before == _running(row):
        return False
    row.enforced_at = now if running else None
    return running is not None


def _running(row: State) -> tuple[str, int | None, str]:
    return row.running_configuration, row.running_version, row.running_hash


def _take_problem(row: State, problem: Report | None, now: datetime) -> None:
    said = problem or {"code": "", "message": ""}
    if said["code"] != row.problem_code:
        row.problem_since = now if problem else None
    row.problem_code, row.problem_message = said["code"], said["message"]


def _late(row: State) -> list[Any]:
    return [getattr(row, name) for name in _LATE_FIELDS]
