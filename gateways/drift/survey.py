"""The drift of the whole fleet: git against what is desired, handed out and running."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone

from configurations import checks
from configurations.models import Configuration, Version
from configurations.seen import ALL, Seen
from gateways.drift import feeds, judge, reported
from gateways.drift.feeds import Current, File
from gateways.drift.judge import Clock, ConfigurationFacts, GatewayFacts, Successor, Verdict
from gateways.drift.reported import HIDDEN, Pairs, Stored
from gateways.models import Gateway
from gateways.reports import live, reports
from gateways.reports.reports import Claim
from gitrepos.models import LinkedFile
from keeptrusts.api.errors import ConflictError
from keeptrusts.database import compiled_columns

log = structlog.get_logger(__name__)

Row = dict[str, Any]

MEMBERS = (
    "gateway", "configuration", "state", "since", "why", "configuration_state", "held", "git_hash",
    "git_commit", "desired_hash", "desired_version", "published_hash", "running_hash",
    "running_version", "last_seen_at", "successor", "problem", "client_keys",
)  # fmt: skip
_MOST_COMPARED = 50
_NO_CLAIM: Claim = (None, None, None)
_LOST_FOR = timedelta(days=1)
# A file that is there and feeds nothing; in a conflict another file has the same id.
_REFUSED = (LinkedFile.Outcome.QUARANTINED, LinkedFile.Outcome.CONFLICT)


@dataclass(frozen=True, slots=True)
class Part:
    """The configurations that are seen, and the gateways that are then shown as ambiguous."""

    seen: Seen = ALL
    ambiguous: Collection[str] = ()


WHOLE = Part()


def rows(
    *, gateway: str = "", configuration: str = "", labels: Pairs = (), part: Part = WHOLE
) -> list[Row]:
    """A row for each gateway by id, then one for each active configuration without gateways.

    `gateway` and `configuration` limit the rows to those with this id, `labels` to those of
    gateways that have these, `part` to what is seen.
    """
    seen = part.seen
    # Before the rows: a report says nothing newer than those that are read after it.
    last, handed = _live()
    is_part = bool(gateway or configuration or labels or seen.is_narrowed)
    stored = (
        reported.chosen(gateway, configuration, labels, seen) if is_part else reported.everybody()
    )
    gateways = [row.after(last.get(row.pk)) for row in stored]
    if seen.is_narrowed:
        ambiguous = part.ambiguous
        gateways = [row.narrowed(seen, ambiguous=row.pk in ambiguous) for row in gateways]
    bound = {row.bound_id for row in gateways}
    unbound = [] if gateway or labels else _unbound(bound, configuration, seen)
    sources = _sources({*bound, *unbound} if is_part else None, bound, seen)
    published = _published({row.claim for row in gateways}, sources)
    clock = Clock(
        timezone.now(),
        # It tells how many gateways there are.
        reports.MOST_INTERVAL_SECONDS
        if seen.is_narrowed
        else reports.interval_seconds(reported.gateways().count() if is_part else len(stored)),
        settings.ENV.gateway_offline_seconds,
    )
    verdicts = {pk: judge.source_verdict(source) for pk, source in sources.items()}
    answer = []
    for row in gateways:
        other = handed.other(row.pk, row.state__handed_hash)
        if seen.is_narrowed and other and other.content_hash != row.bound__content_hash:
            other = None  # It may be of what is not seen.
        facts = _facts(row, other, published)
        pk = row.bound_id or ""
        source, verdict = sources.get(pk), verdicts.get(pk)
        state = judge.judged(facts, source, verdict, clock)
        answer.append(_row(row.pk, row.bound_id, state, source, verdict, facts, row))
    # Nobody knows what one that was lost is bound to.
    is_whole = not configuration and not labels and not seen.is_narrowed
    lost = _lost(last, {row.pk for row in stored}, gateway) if is_whole else {}
    for pk, lost_facts in lost.items():
        state = judge.judged(lost_facts, None, None, clock)
        answer.append(_row(pk, None, state, None, None, lost_facts))
    for pk in unbound:
        if pk in sources:
            answer.append(_row(None, pk, verdicts[pk], sources[pk], verdicts[pk], None))
    return answer


def _unbound(bound: Collection[str | None], configuration: str, seen: Seen) -> list[str]:
    """Ids of active configurations (or of this one, if active) that are not in `bound`."""
    if not configuration and not seen.is_narrowed:
        return [pk for pk in _all_active()["pk"] if pk not in bound]
    active = _active().filter(seen.where())
    if configuration:
        active = active.filter(pk=configuration)
    return [row["pk"] for row in active if row["pk"] not in bound]


def _active() -> QuerySet[Any, Any]:
    active = Configuration.objects.filter(status=Configuration.Status.ACTIVE)
    return active.order_by("pk").values("pk")


_all_active = compiled_columns(_active)


def summary(listed: Iterable[Row]) -> dict[str, int]:
    """The number of rows in each state, zeros included."""
    counts = Counter(row["state"] for row in listed)
    return {state: counts[state] for state in judge.STATES}


def _live() -> tuple[Mapping[str, live.LastReport], live.HandedRows]:
    """Last reports and handed contents in Redis; empty, while Redis is away."""
    try:
        return live.seen(), live.handed_rows()
    except redis.RedisError as exc:
        log.warning("last reports come from the database: no Redis", error=str(exc))
        return {}, live.HandedRows({})


def _sources(
    wanted: Collection[str | None] | None, bound: Collection[str | None], seen: Seen
) -> dict[str, ConfigurationFacts]:
    """The current versions of all configurations, or of those wanted, compared with git.

    Those of `bound` are compared with what became of them.
    """
    files, held = feeds.read(wanted, seen), feeds.held(seen)
    sources = {}
    for row in feeds.current(wanted):
        key = row.owner, row.pk
        sources[row.pk] = _source(row, files.get(key), held.get(key))
    renamed = {
        pk: source
        for pk, source in sources.items()
        if pk in bound and source.successor and source.orphaned_since
    }
    return sources | _compared(dict(list(renamed.items())[:_MOST_COMPARED]))


def _compared(renamed: Mapping[str, ConfigurationFacts]) -> dict[str, ConfigurationFacts]:
    """The same with the changes from each configuration to its successor."""
    after = {pk: source.successor for pk, source in renamed.items() if source.successor}
    if not after:
        return {}
    ids = {*after, *(successor.configuration for successor in after.values())}
    current = Version.objects.filter(configuration__in=ids, number=F("configuration__version"))
    contents = {
        pk: bytes(content) for pk, content in current.values_list("configuration", "content")
    }
    compared = {}
    for pk, successor in after.items():
        try:
            changes = checks.compared(contents[pk], contents[successor.configuration])
        except ConflictError:
            continue  # The present rules refuse one of the two.
        compared[pk] = renamed[pk]._replace(successor=replace(successor, changes=changes))
    return compared


def _source(row: Current, file: File | None, held: Mapping[str, str] | None) -> ConfigurationFacts:
    orphaned_since, orphaned_why = feeds.orphaned(row, file) or (None, "")
    refused = file is not None and file.outcome in _REFUSED
    overridden = bool(row.owner) and row.git_hash != row.content_hash
    since = (row.pinned_at or row.published_at) if overridden else None
    return ConfigurationFacts(
        content_hash=row.content_hash,
        version=row.version,
        published_at=row.published_at,
        git_hash=file.content_hash if file and not file.gone else "",
        git_commit=file.commit if file else "",
        orphaned_since=orphaned_since,
        orphaned_why=orphaned_why,
        successor=Successor(file.renamed, file.moved_to) if file and file.renamed else None,
        quarantined_since=file.since if file and refused else None,
        overridden_since=since,
        overridden_why=f"pinned by {row.pin_actor}: {row.pin_reason}"
        if row.pinned_at
        else f"version {row.version}, made by the API, is in force instead of the file in git",
        held=held,
    )


def _published(claims: Collection[Claim], sources: Mapping[str, ConfigurationFacts]) -> set[Claim]:
    """The claims that name a published version; most name that of one of the sources."""
    current: set[Claim] = {
        (pk, source.version, source.content_hash) for pk, source in sources.items()
    }
    known, claims = current.intersection(claims), {*claims} - current - {_NO_CLAIM}
    if not claims:  # As on most days.
        return known
    named = Version.objects.filter(configuration__in={name for name, _, _ in claims})
    numbers = {number for _, number, _ in claims if number is not None}
    versions = named.filter(number__in=numbers)
    return known | set(versions.values_list("configuration_id", "number", "content_hash"))


def _lost(
    last: Mapping[str, live.LastReport], listed: Collection[str], gateway: str
) -> dict[str, GatewayFacts]:
    """Gateways of the last day's reports that have no row; only this one, if it is named."""
    since = timezone.now() - _LOST_FOR
    recent = {pk for pk, report in last.items() if report.at > since and gateway in ("", pk)}
    absent = recent.difference(listed)
    if not absent:
        return {}
    deleted = Gateway.objects.filter(pk__in=absent).values_list("pk", flat=True)
    return {
        pk: GatewayFacts(last[pk].at, None, False, last_seen_at=last[pk].at, is_lost=True)
        for pk in sorted(absent.difference(deleted))
    }


def _facts(row: Stored, handed: live.Handed | None, published: set[Claim]) -> GatewayFacts:
    """Facts of a gateway. `handed` is other than what the database has, or an earlier one's with
    its id."""
    content_hash = handed.content_hash if handed and handed.at >= row.created_at else ""
    if row.state__last_seen_at is None:
        return GatewayFacts(row.created_at, row.bound_at, row.ambiguous, handed_hash=content_hash)
    return GatewayFacts(
        registered_at=row.created_at,
        bound_at=row.bound_at,
        ambiguous=row.ambiguous,
        last_seen_at=row.state__last_seen_at,
        stopping=bool(row.state__stopping),
        running_hash=row.state__running_hash or "",
        running_since=row.state__running_since,
        known=row.claim in published or row.state__running_hash == HIDDEN,
        handed_hash=content_hash or row.state__handed_hash or "",
        problem_code=row.state__problem_code or "",
        problem_message=row.state__problem_message or "",
        problem_since=row.state__problem_since,
        gateway=row.pk,
        is_ahead=row.is_ahead,
    )


def _row(
    gateway: str | None,
    configuration: str | None,
    verdict: Verdict,
    source: ConfigurationFacts | None,
    of_source: Verdict | None,
    facts: GatewayFacts | None,
    stored: Stored | None = None,
) -> Row:
    code = facts.problem_code if facts else ""
    running = facts.running_hash or None if facts else None
    return {
        "gateway": gateway,
        "configuration": configuration,
        "state": verdict.state,
        "since": verdict.since,
        "why": verdict.why,
        "configuration_state": of_source.state if of_source else None,
        "held": source.held if source else None,
        "git_hash": source.git_hash or None if source else None,
        "git_commit": source.git_commit or None if source else None,
        "desired_hash": source.content_hash if source else None,
        "desired_version": source.version if source else None,
        "published_hash": facts.handed_hash or None if facts else None,
        "running_hash": running if running != HIDDEN else None,
        "running_version": stored.state__running_version if stored else None,
        "last_seen_at": facts.last_seen_at if facts else None,
        "successor": asdict(source.successor) if source and source.successor else None,
        "problem": {"code": code, "message": facts.problem_message} if facts and code else None,
        "client_keys": stored.keys if stored else None,
    }
