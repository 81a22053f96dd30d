"""Gauges of the log: how long entries wait for their place, and for the signature of a witness."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.utils import timezone
from prometheus_client import core

from evidence.models import Entry, Epoch, WitnessState
from keeptrusts import metrics


def families() -> Iterator[core.Metric]:
    """The families of the log for `/metrics`."""
    unsealed = Entry.objects.filter(index=None).order_by("pk").values_list("at", flat=True)
    yield metrics.gauge(
        "keeptrusts_evidence_unsealed_seconds",
        "Seconds since the first entry that is not sealed; 0 without one.",
        _since(unsealed.first()),
    )
    yield metrics.gauge(
        "keeptrusts_evidence_unwitnessed_seconds",
        "Seconds since the first sealed entry that a witness did not sign; 0 without one.",
        _unwitnessed(),
        "witness",
    )


def _unwitnessed() -> dict[str, float]:
    """By the name of each witness that is set."""
    epoch = Epoch.objects.order_by("-number").first()
    if epoch is None or not settings.ENV.witnesses:
        return {}
    signed = WitnessState.objects.filter(epoch=epoch.number).values_list("key", "size")
    sizes = dict(signed)
    sealed = Entry.objects.filter(epoch=epoch.number).order_by("index")
    return {
        one.key.name: _since(
            sealed.filter(index__gte=sizes.get(one.key.text(), 0))
            .values_list("at", flat=True)
            .first()
        )
        for one in settings.ENV.witnesses
    }


def _since(at: datetime | None) -> float:
    return max(0.0, (timezone.now() - at).total_seconds()) if at else 0.0
