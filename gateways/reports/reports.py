"""Reports of gateways: the only writer of `State`.

Most reports equal the one before. Those are kept in Redis and reach the database in bulk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import orjson
import redis
import structlog
from django.db import transaction
from django.utils import timezone

from evidence import log as evidence
from evidence.log import Fact
from gateways.mirror.mirror import fleet
from gateways.models import Gateway, State
from gateways.reports import ahead, live, measures
from gateways.reports.live import LastReport

log = structlog.get_logger(__name__)

_REPORTS_PER_SECOND = 15
_LEAST_INTERVAL_SECONDS = 3
MOST_INTERVAL_SECONDS = 100
_LATE_FIELDS = ["last_seen_at", "counters", "stream", "handed_hash", "handed_at"]

Claim = tuple[str | None, int | None, str | None]
_Rest = tuple[int | None, str, bool, str, str, int | None]
_PLAIN_FIELDS = ("health", "stopping", "stream", "kt_version", "started_at", "counters")

Report = Mapping[str, Any]


class Essence(NamedTuple):
    """The fields of a report whose change is written to the database at once.

    `running` is configuration, version and hash; `problem` a code; `rest` the other fields:
    sequence, health, whether it stops, release, start, sequence of its client keys.
    """

    running: Claim
    problem: str
    rest: _Rest

    @classmethod
    def of_report(cls, report: Report) -> Essence:
        running, problem = report["running"] or {}, report["problem"] or {}
        claim = running.get("configuration"), running.get("version"), running.get("content_hash")
        rest = (
            running.get("publish_seq"), report["health"], report["stopping"],
            report["kt_version"], _utc(report["started_at"]),
            (report["client_keys"] or {}).get("keys_seq"),
        )  # fmt: skip
        return cls(claim, problem.get("code", ""), rest)

    @classmethod
    def of_row(cls, row: State) -> Essence:
        """The essence of a stored report."""
        running: Claim = (None, None, None)
        if row.running_hash:
            running = (row.running_configuration, row.running_version, row.running_hash)
        rest = (
            row.running_seq if row.running_hash else None, row.health, row.stopping,
            row.kt_version, _utc(row.started_at) if row.started_at else "", row.keys_seq,
        )  # fmt: skip
        return cls(running, row.problem_code, rest)

    @classmethod
    def read(cls, text: str) -> Essence | None:
        """Undo `text`; None for anything that it did not write."""
        try:
            return _essence.decode(text)
        except msgspec.DecodeError:
            return None

    def text(self) -> str:
        return orjson.dumps([self.running, self.problem, self.rest]).decode()


# Made once, for the making takes thirty times as long as the reading.
_essence = msgspec.json.Decoder(Essence)


def interval_seconds(count: int) -> int:
    """The interval between two reports of a gateway, for a fleet of `count`.

    It grows with the fleet, so that all together send few reports a second, and stays between
    3 and 100 seconds, so that a gateway that stops is noticed.
    """
    wished = count // _REPORTS_PER_SECOND
    return min(max(_LEAST_INTERVAL_SECONDS, wished), MOST_INTERVAL_SECONDS)


def take(gateway_id: str, report: Report) -> None:
    """Record a report, which has the fields of `ReportInput`."""
    for failure in take_all({gateway_id: report}).values():
        raise failure


def take_all(reports: Mapping[str, Report]) -> dict[str, Exception]:
    """Record reports by gateway; returns the failures of those that could not be recorded."""
    now = timezone.now()
    failures: dict[str, Exception] = {}
    seen: dict[str, LastReport] = {}
    for name, report in reports.items():
        try:
            essence = Essence.of_report(report).text()
        except Exception as exc:  # noqa: BLE001
            failures[name] = exc  # As below.
        else:
            seen[name] = LastReport(now, essence, report["counters"], report["stream"])
    if not seen:
        return failures
    try:
        before = live.swap_seen(seen)
    except redis.RedisError as exc:
        log.warning("Redis is away; reports are written to the database one by one", error=str(exc))
        before = {}
    for name in seen:
        try:
            _take(name, reports[name], seen[name], before.get(name))
        except Exception as exc:  # noqa: BLE001
            failures[name] = exc  # It is this gateway's; the reports of others are taken.
    _forget(failures)
    live.mark_change()
    return failures


def _take(gateway_id: str, report: Report, seen: LastReport, before: LastReport | None) -> None:
    ahead.tell_again(gateway_id, report)
    if before is not None and before.essence == seen.essence:
        return
    last = Essence.read(before.essence) if before else None
    if last is None:
        _write_anew(gateway_id, report, seen.at)
    else:
        _write(gateway_id, report, seen.at, last)


def _forget(gateway_ids: Iterable[str]) -> None:
    """Have the next reports of these written, whatever they say: the last ones were not."""
    try:
        live.forget_seen(*gateway_ids)
    except redis.RedisError as exc:
        log.warning("reports that failed are taken for written until they change", error=str(exc))


def answer(gateway_id: str) -> dict[str, Any]:
    """The answer to a report: when to send the next one, and what the gateway is to have."""
    signed, keys = fleet.signed(gateway_id), fleet.signed_keys(gateway_id)
    return {
        "report_interval_seconds": interval_seconds(fleet.size),
        "etag": signed.etag if signed else None,
        # Its presence says that a report may tell of client keys.
        "client_keys": keys.etag if keys else None,
        "confirmation": _confirmation(gateway_id),
    }


def _confirmation(gateway_id: str) -> dict[str, Any] | None:
    signed, signer = fleet.confirmation(gateway_id), fleet.signer
    if signed is None or signer is None:
        return None
    return {
        "statement": signed.statement,
        "signature": signed.signature,
        "key": signer.public_key,
        "chain": list(signer.chain),
    }


def flush() -> int:
    """Write the reports in Redis to the database, and return for how many gateways.

    A row of Redis of another essence than the database has was not written to the end, or is an
    older one that Redis shows again: the next report is written whole.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    seen, handed = live.seen(), live.handed()
    changed, written = [], set()
    handed_out = []
    for row in State.objects.filter(gateway__deleted_at=None):
        late, handed_before = _late(row), row.handed_hash
        report = seen.get(row.pk)
        # Another essence is an older one that Redis shows again, or the row one of a restored
        # database: the next report is written whole.
        if report and report.essence == Essence.of_row(row).text():
            written.add(row.pk)
            row.last_seen_at = max(row.last_seen_at, report.at)
            row.counters, row.stream = report.counters, report.stream
        if content := handed.get(row.pk):
            row.handed_hash, row.handed_at = content.content_hash, content.at
            if row.handed_hash != handed_before:
                handed_out.append((row.pk, content))
        if _late(row) != late:
            changed.append(row)
    with transaction.atomic():
        State.objects.bulk_create(
            changed,
            batch_size=500,
            update_conflicts=True,
            unique_fields=["gateway"],
            update_fields=_LATE_FIELDS,
        )
        evidence.append(_handed(*one) for one in handed_out)
    # Reports of gateways that the database does not know at all stay: drift names those.
    lost = Gateway.objects.filter(pk__in=seen.keys() - written).values_list("pk", flat=True)
    live.forget_seen(*lost)
    return len(changed)


def _write(gateway_id: str, report: Report, now: datetime, before: Essence) -> None:
    """Write a report: in one SQL statement, and a leaf of evidence where it runs something else.

    Of two at the same time the later one wins.
    """
    fields = _fields(report, now, before)
    rows = State.objects.filter(pk=gateway_id, last_seen_at__lt=now)
    if "enforced_at" not in fields:
        written = rows.update(**fields)
    else:
        with transaction.atomic():
            if written := rows.update(**fields):
                _prove(gateway_id, report, now, before)
    if not written and not State.objects.filter(pk=gateway_id).exists():
        _write_anew(gateway_id, report, now)
    elif not written:
        # The stored report is newer, by a clock that is ahead: the next report is written.
        live.forget_seen(gateway_id)
    elif fields.get("enforced_at"):
        measures.enforced(gateway_id, report["running"], now)


def _write_anew(gateway_id: str, report: Report, now: datetime) -> None:
    """Write a report when Redis lacks the one before; the row has it, if there is one."""
    with transaction.atomic():
        # Locked first, so that two reports of one gateway follow one another.
        Gateway.objects.select_for_update(of=("self",)).get(pk=gateway_id)
        row = State.objects.filter(pk=gateway_id).first() or State(pk=gateway_id)
        before = Essence.of_row(row)
        fields = _fields(report, now, before)
        for name, value in fields.items():
            setattr(row, name, value)
        row.save()
        if "enforced_at" in fields:
            _prove(gateway_id, report, now, before)
    if fields.get("enforced_at"):
        measures.enforced(gateway_id, report["running"], now)


def _fields(report: Report, now: datetime, before: Essence) -> dict[str, Any]:
    """The columns of a report; times only where something began or ended."""
    running, problem = report["running"] or {}, report["problem"] or {}
    keys = report["client_keys"] or {}
    essence = Essence.of_report(report)
    fields = {
        "running_configuration": running.get("configuration", ""),
        "running_version": running.get("version"),
        "running_hash": running.get("content_hash", ""),
        "running_seq": running.get("publish_seq", 0),
        "running_since": running.get("since"),
        "keys_seq": keys.get("keys_seq"),
        "keys_since": keys.get("since"),
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


def _prove(gateway_id: str, report: Report, now: datetime, before: Essence) -> None:
    """Add a leaf of what a gateway says that it runs from now on, and of what it left."""
    running = report["running"] or {}
    given = {
        name: running.get(name)
        for name in ("configuration", "version", "content_hash", "publish_seq")
    }
    given |= {"gateway": gateway_id, "left_hash": before.running[2]}
    evidence.append([Fact("report", given)], at=now)


def _handed(gateway_id: str, content: live.Handed) -> Fact:
    told = {"content_hash": content.content_hash, "publish_seq": content.publish_seq}
    return Fact("handed", {"gateway": gateway_id, **told})


def _late(row: State) -> list[Any]:
    return [getattr(row, name) for name in _LATE_FIELDS]


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
