"""How long it takes from a commit to what a gateway enforces, as Prometheus reads it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import redis
import structlog
from prometheus_client import core

from configurations.models import Version
from gateways import live
from gateways.models import Gateway
from keeptrusts import metrics

log = structlog.get_logger(__name__)

_BOUNDS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600)
_COMMITTED = metrics.Histogram(
    "keeptrusts_rollout_commit_to_poll_seconds",
    "From a commit to the start of the poll that found it.",
    _BOUNDS,
)
_POLLED = metrics.Histogram(
    "keeptrusts_rollout_poll_to_publish_seconds",
    "From the start of the poll that found a commit to its version.",
    _BOUNDS,
)
_ENFORCED = metrics.Histogram(
    "keeptrusts_rollout_publish_to_enforce_seconds",
    "From a version to the first report of each gateway that enforces it.",
    _BOUNDS,
)


def enforced(gateway_id: str, running: Mapping[str, Any], now: datetime) -> None:
    """A gateway said for the first time that it runs this."""
    version = (
        Version.objects.filter(
            configuration=running["configuration"],
            number=running["version"],
            content_hash=running["content_hash"],
        )
        .defer("content")
        .first()
    )
    bound_at = Gateway.objects.values_list("bound_at", flat=True).get(pk=gateway_id)
    if version is None or bound_at is None or bound_at > version.created_at:
        return  # It came later than the version, and says nothing of a rollout.
    _ENFORCED.observe((now - version.created_at).total_seconds())
    try:
        if live.is_first(version.configuration_id, version.number):
            _begun(version)
    except redis.RedisError as exc:
        log.warning("a rollout is not measured", error=str(exc))
    metrics.flush()


def families() -> Iterator[core.Metric]:
    """What `/metrics` shows of rollouts."""
    counted = metrics.totals()
    yield from (measure.family(counted) for measure in (_COMMITTED, _POLLED, _ENFORCED))


def _begun(version: Version) -> None:
    if version.committed_at is not None and version.polled_at is not None:
        _COMMITTED.observe(max(0.0, (version.polled_at - version.committed_at).total_seconds()))
    if version.polled_at is not None:
        _POLLED.observe((version.created_at - version.polled_at).total_seconds())
