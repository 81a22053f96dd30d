"""Where the whole fleet stands: what git says, what is desired, handed out and running."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db.models import F
from django.utils import timezone

from configurations.models import Configuration, Version
from gateways import drift, live, reports
from gateways.drift import Clock, Seen, Source, Verdict
from gateways.models import Gateway, State
from gitrepos.models import LinkedFile

log = structlog.get_logger(__name__)

Row = dict[str, Any]


def rows() -> list[Row]:
    """A row for each gateway by id, then one for each active configuration that nobody runs."""
    gateways = list(Gateway.objects.filter(deleted_at=None).order_by("pk"))
    states = {state.pk: state for state in State.objects.filter(gateway__deleted_at=None)}
    seen, handed = _live()
    sources = _sources()
    known = _published(states.values())
    clock = Clock(
        timezone.now(),
        reports.interval_seconds(len(gateways)),
        settings.ENV.gateway_offline_seconds,
    )
    found = []
    for gateway in gateways:
        state = states.get(gateway.pk)
        facts = _facts(gateway, state, seen.get(gateway.pk), handed.get(gateway.pk), known)
        source = sources.get(gateway.bound_id or "")
        found.append(_row(gateway.pk, gateway.bound_id, source, facts, state, clock))
    bound = {gateway.bound_id for gateway in gateways}
    active = Configuration.objects.filter(status=Configuration.Status.ACTIVE)
    for pk in active.order_by("pk").values_list("pk", flat=True):
        if pk not in bound and pk in sources:
            found.append(_row(None, pk, sources[pk], None, None, clock))
    return found


def summary(found: Iterable[Row]) -> dict[str, int]:
    """How many rows are in each state; every state has its number."""
    counts = Counter(row["state"] for row in found)
    return {state: counts[state] for state in drift.STATES}


def _live() -> tuple[Mapping[str, live.Seen], Mapping[str, live.Handed]]:
    """What Redis has; without it the database's minute-old answer must do."""
    try:
        return live.seen(), live.handed()
    except redis.RedisError as exc:
        log.warning("what was seen last comes from the database", error=str(exc))
        return {}, {}


def _sources() -> dict[str, Source]:
    """Every configuration's current version against what git says."""
    current = Version.objects.filter(number=F("configuration__version")).select_related(
        "configuration"
    )
    files = {
        (file["repo_id"], file["configuration"]): file
        for file in LinkedFile.objects.exclude(configuration="").values(
            "repo_id", "configuration", "content_hash", "outcome", "updated_at",
            "repo__last_commit",
        )
    }  # fmt: skip
    by_owner = {(str(repo), configuration): file for (repo, configuration), file in files.items()}
    return {
        version.configuration_id: _source(
            version, by_owner.get((version.configuration.owner, version.configuration_id))
        )
        for version in current.defer("content")
    }


def _source(version: Version, file: Mapping[str, Any] | None) -> Source:
    row = version.configuration
    quarantined = file is not None and file["outcome"] == LinkedFile.Outcome.QUARANTINED
    overridden = bool(row.owner) and row.git_hash != row.content_hash
    since = (row.pinned_at or version.created_at) if overridden else None
    return Source(
        content_hash=version.content_hash,
        version=version.number,
        published_at=version.created_at,
        git_hash=file["content_hash"] if file else row.git_hash,
        git_commit=file["repo__last_commit"] if file else version.commit,
        quarantined_since=file["updated_at"] if file and quarantined else None,
        overridden_since=since,
        overridden_why=f"pinned by {row.pin_actor}: {row.pin_reason}"
        if row.pinned_at
        else f"the API put version {version.number} over what git says",
    )


def _published(states: Iterable[State]) -> set[tuple[str, int | None, str]]:
    """Which of the contents that gateways run were ever published as they say."""
    claims = {(s.running_configuration, s.running_version, s.running_hash) for s in states}
    named = Version.objects.filter(configuration__in={name for name, _, _ in claims})
    numbers = {number for _, number, _ in claims if number is not None}
    found = named.filter(number__in=numbers)
    return set(found.values_list("configuration_id", "number", "content_hash"))


def _facts(
    gateway: Gateway,
    state: State | None,
    seen: live.Seen | None,
    handed: live.Handed | None,
    known: set[tuple[str, int | None, str]],
) -> Seen:
    new = Seen(
        registered_at=gateway.created_at,
        bound_at=gateway.bound_at,
        ambiguous=gateway.ambiguous,
        handed_hash=handed.content_hash if handed else "",
    )
    if state is None:
        return new
    return replace(
        new,
        last_seen_at=max(state.last_seen_at, seen.at) if seen else state.last_seen_at,
        stopping=state.stopping,
        running_hash=state.running_hash,
        running_since=state.running_since,
        known=(state.running_configuration, state.running_version, state.running_hash) in known,
        handed_hash=handed.content_hash if handed else state.handed_hash,
        problem_code=state.problem_code,
        problem_message=state.problem_message,
        problem_since=state.problem_since,
    )


def _row(
    gateway: str | None,
    configuration: str | None,
    source: Source | None,
    facts: Seen | None,
    state: State | None,
    clock: Clock,
) -> Row:
    verdict = _verdict(source, facts, clock)
    code = facts.problem_code if facts else ""
    return {
        "gateway": gateway,
        "configuration": configuration,
        "state": verdict.state,
        "since": verdict.since,
        "why": verdict.why,
        "git_hash": source.git_hash or None if source else None,
        "git_commit": source.git_commit or None if source else None,
        "desired_hash": source.content_hash if source else None,
        "desired_version": source.version if source else None,
        "published_hash": facts.handed_hash or None if facts else None,
        "running_hash": facts.running_hash or None if facts else None,
        "running_version": state.running_version if state else None,
        "last_seen_at": facts.last_seen_at if facts else None,
        "problem": {"code": code, "message": facts.problem_message} if facts and code else None,
    }


def _verdict(source: Source | None, facts: Seen | None, clock: Clock) -> Verdict:
    if facts is not None:
        return drift.judge(facts, source, clock)
    assert source is not None  # A row without a gateway is a configuration's.
    return drift.source_verdict(source)
