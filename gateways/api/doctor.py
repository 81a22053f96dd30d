"""Findings of `manage.py doctor` about the signing key, and the releases of gateways."""

from collections.abc import Iterator

from django.db.models import Count

from gateways.models import State
from gateways.signing import keys
from keeptrusts.doctor.findings import Finding
from kt import __version__


def findings() -> Iterator[Finding]:
    """What is found."""
    if problem := keys.problem():
        yield Finding("signing_key", "wrong", problem, 'see "Signing keys" in docs/operating.md')
    else:
        yield Finding("signing_key", "ok", "it can sign, so this is the database's secret key")
    known = State.objects.filter(gateway__deleted_at=None).exclude(kt_version="")
    counts = known.values_list("kt_version").annotate(Count("pk"))
    for release, count in sorted(counts, key=lambda one: one[1], reverse=True):
        if _line_of(release) == _line_of(__version__):
            yield Finding("gateways", "ok", f"{count} run {release}")
        else:
            words = f"{count} run {release}, and this control plane is {__version__}"
            yield Finding("gateways", "warning", words, "upgrade them once the control plane is")


def _line_of(release: str) -> list[str]:
    """The first two numbers of a release: what changes after them is alike on the wire."""
    return release.split(".")[:2]
