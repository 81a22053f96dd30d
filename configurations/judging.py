"""Judging configurations in force by the rules of this release.

Nothing that is enforced changes: what the rules would refuse stays in force, with a warning.
Only stored bytes are read.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from redis.exceptions import LockError

from configurations import queries
from configurations.models import Configuration
from configurations.publish import publish
from keeptrusts.judge.asking import Asker
from keeptrusts.judge.policies import verify
from keeptrusts.redis_client import client
from kt.policy.findings import Finding
from kt.policy.storable import storable
from kt.policy.verify import VERIFY_VERSION

log = structlog.get_logger(__name__)

_NEWEST, _LOCK = "keeptrusts:rules", "keeptrusts:judging"
_LEASE_SECONDS = 60.0
_BATCH = 50
_BATCH_SECONDS = 5.0
_MAX_FINDINGS = 20
# Nobody waits, and all else goes before it.
_ASKER = Asker(patience=100)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The errors of a content as they are stored, and since when it has any."""

    findings: Sequence[dict[str, Any]]
    refused_since: datetime | None


def judged(errors: Sequence[Finding], before: Judgement, now: datetime) -> Judgement:
    """The judgement to store for a content with these errors; `before` is the one stored now."""
    if not errors:
        return Judgement([], None)
    findings = [asdict(finding) for finding in storable(errors, _MAX_FINDINGS)]
    return Judgement(findings, before.refused_since or now)


def announce() -> None:
    """Make the rules of this release those that judge, also while another release runs."""
    client().set(_NEWEST, VERIFY_VERSION)


def is_due() -> bool:
    """True when a configuration waits to be judged by these rules and no process is judging."""
    client().setnx(_NEWEST, VERIFY_VERSION)
    newest = client().get(_NEWEST) == VERIFY_VERSION.encode()
    return newest and not client().exists(_LOCK) and _waiting().exists()


def judge_all() -> int:
    """Judge all configurations that wait, in batches; returns how many.

    One process of an installation does so at a time. One that is killed loses its last batch;
    another goes on when the lease ends.
    """
    lock = client().lock(_LOCK, timeout=_LEASE_SECONDS, blocking=False)
    if not lock.acquire():
        return 0
    count = 0
    try:
        while batch := _judge_batch():
            count += batch
            lock.reacquire()
        lock.release()
    except LockError:
        # A frozen process may wake in another's turn. It did no harm: see `_put`.
        log.warning("judging goes on in another process", judged=count)
    return count


def _waiting() -> QuerySet[Configuration]:
    others = Q(judged_rules__lt=VERIFY_VERSION) | Q(judged_rules__gt=VERIFY_VERSION)
    return queries.in_force().filter(others)  # In this form an index says that nothing waits.


def _judge_batch() -> int:
    """Judge a batch, for a few seconds at most; returns how many."""
    until = time.monotonic() + _BATCH_SECONDS
    count, news = 0, []
    for row, after in _judgements():
        count += 1
        if after == Judgement(row.findings, row.refused_since):
            _put(row, after)
        else:
            news.append((row, after))
        if time.monotonic() > until:
            break
    if news:
        _tell(news)
    return count


def _judgements() -> Iterator[tuple[Configuration, Judgement]]:
    for row in list(_waiting()[:_BATCH]):
        content, _ = queries.content(row.pk, row.version)
        before = Judgement(row.findings, row.refused_since)
        report = verify(content, asker=_ASKER)
        yield row, judged(report.errors, before, timezone.now())


def _tell(news: Sequence[tuple[Configuration, Judgement]]) -> None:
    """Store judgements that readers see, and count the change."""
    with transaction.atomic():
        publish()
        for row, after in news:
            _put(row, after)
            if after.refused_since is not None:
                log.warning("in force, but the present rules refuse it", configuration=row.pk)


def _put(row: Configuration, after: Judgement) -> None:
    """Store a judgement, unless another version came into force meanwhile."""
    Configuration.objects.filter(pk=row.pk, version=row.version).update(
        judged_rules=VERIFY_VERSION,
        findings=after.findings,
        refused_since=after.refused_since,
    )
