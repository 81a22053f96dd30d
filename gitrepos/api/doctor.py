"""Findings of `manage.py doctor` about forges, credentials, polls and syncs."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from gitrepos.api import overview
from gitrepos.links import client_certificates
from gitrepos.models import GitCredential
from keeptrusts import times
from keeptrusts.doctor.findings import Finding, Level

_LATE_SECONDS = 60


def findings() -> Iterator[Finding]:
    """What is found."""
    yield from _forges()
    yield from _credentials()


def _forges() -> Iterator[Finding]:
    now = overview.read()
    total = sum(now.statuses.values())
    for one in now.cooling:
        yield Finding("forge", "warning", one["message"], "is it up, and reached from here?")
    for status, advice in (
        ("stalled", "`kt repos list --status stalled` says why; mend it, then `kt repos sync ID`"),
        ("held", "`kt repos list --status held` says which; look at them and confirm"),
    ):
        if count := now.statuses[status]:
            yield Finding("repositories", "warning", f"{count} of {total} are {status}", advice)
    if now.oldest_failure:
        oldest = now.oldest_failure
        since = times.to_the_second(oldest["since"])
        words = f"{oldest['url']} fails since {since}: {oldest['code']}"
        advice = "docs/operating.md, When a sync fails, says what helps"
        yield Finding("repositories", "warning", words, advice)
    elif total:
        yield Finding("repositories", "ok", f"none of {total} fails")
    if now.due_seconds > _LATE_SECONDS:
        words = f"{now.due} repositories are due, for up to {now.due_seconds:.0f} s"
        yield Finding("polls", "warning", words, "add pollers, unless a forge rests")
    if now.syncs_wait_seconds > _LATE_SECONDS:
        words = f"{now.syncs_waiting} wait, for up to {now.syncs_wait_seconds:.0f} s"
        yield Finding("syncs", "warning", words, "add syncers")


def _credentials() -> Iterator[Finding]:
    now = timezone.now()
    soon = now + timedelta(days=1)
    rows = GitCredential.objects.filter(Q(expires_at__lte=soon) | Q(expiring=True))
    for row in rows.order_by("expires_at"):
        assert row.expires_at is not None
        is_over = row.expires_at <= now
        words = f"{row.name} {'expired' if is_over else 'expires'} at {row.expires_at:%Y-%m-%d}"
        level: Level = "wrong" if is_over else "warning"
        advice = "`kt credentials edit` gives it a new secret"
        yield Finding("credential", level, words, advice)
    for row in GitCredential.objects.exclude(client_certificate=""):
        ends_at = client_certificates.ends_at(row.client_certificate)
        if ends_at <= soon:
            words = f"the client certificate of {row.name} ends at {times.to_the_second(ends_at)}"
            yield Finding("certificate", "wrong", words, "`kt credentials edit` gives a new one")
