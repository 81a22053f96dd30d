"""Findings of `manage.py doctor` about statuses of commits."""

from collections.abc import Iterator

from django.db.models import Count, Min, Q

from commitstatus.models import CommitStatus
from keeptrusts import times
from keeptrusts.doctor.findings import Finding

_CHECK = "commit statuses"


def findings() -> Iterator[Finding]:
    """What is found."""
    failing = CommitStatus.objects.exclude(error_code="")
    rows = failing.values("credential__name", "error_code").annotate(
        links=Count("pk"), since=Min("error_since")
    )
    for row in rows.order_by("credential__name", "error_code"):
        words = (
            f"{row['links']} links cannot be told of by {row['credential__name']} since"
            f" {times.to_the_second(row['since'])}: {row['error_code']}"
        )
        advice = "docs/commit-status.md, When it cannot be told, says what helps"
        yield Finding(_CHECK, "warning", words, advice)
    told = CommitStatus.objects.filter(~Q(told_at=None), error_code="").count()
    if told and not failing.exists():
        yield Finding(_CHECK, "ok", f"of {told} links it is told what became of their commits")
