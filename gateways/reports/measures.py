"""Metrics of rollouts: seconds from a commit to the gateways that enforce it."""

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import redis
import structlog
from prometheus_client import core

from configurations.models import Version
from gateways.mirror.mirror import fleet
from gateways.reports import live
from keeptrusts import metrics
from keeptrusts.observed import traces
from kt.tracing.otlp import Value

log = structlog.get_logger(__name__)

_FLUSH_SECONDS = 1.0
_flushed_at = 0.0
_BOUNDS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600)
_COMMITTED = metrics.HistogramMetric(
    "keeptrusts_rollout_commit_to_poll_seconds",
    "From a commit to the start of the poll that found it.",
    _BOUNDS,
)
_POLLED = metrics.HistogramMetric(
    "keeptrusts_rollout_poll_to_publish_seconds",
    "From the start of the poll that found a commit to its version.",
    _BOUNDS,
)
_ENFORCED = metrics.HistogramMetric(
    "keeptrusts_rollout_publish_to_enforce_seconds",
    "From a version to the first report of each gateway that enforces it.",
    _BOUNDS,
)


def enforced(gateway_id: str, running: Mapping[str, Any], now: datetime) -> None:
    """Measure the rollout to a gateway, at the first report of what it runs."""
    version = _version(running["configuration"], running["version"], running["content_hash"])
    gateway = fleet.named(gateway_id)
    if version is None or gateway is None or gateway.bound_at is None:
        return
    if gateway.bound_at > version.created_at:
        return  # It was bound after the version, so it is no part of a rollout.
    log.info(
        "enforced", gateway=gateway_id, configuration=version.configuration_id,
        version=version.number, trace_id=version.trace_id,
    )  # fmt: skip
    attributes: dict[str, Value] = {
        "keeptrusts.gateway": gateway_id,
        "keeptrusts.configuration": version.configuration_id,
        "keeptrusts.version": version.number,
    }
    traces.told("rollout", version.trace_id, version.created_at, attributes)
    _ENFORCED.observe((now - version.created_at).total_seconds())
    try:
        if live.is_first(version.configuration_id, version.number):
            _begun(version)
    except redis.RedisError as exc:
        log.warning("rollout not measured", error=str(exc))
    _flush_now_and_then()


@lru_cache(maxsize=64)
def _version(configuration_id: str, number: int, content_hash: str) -> Version | None:
    """The version that a gateway runs, cached; None when it was never published."""
    versions = Version.objects.filter(
        configuration=configuration_id, number=number, content_hash=content_hash
    )
    return versions.defer("content").first()


def _flush_now_and_then() -> None:
    global _flushed_at
    if time.monotonic() - _flushed_at > _FLUSH_SECONDS:
        _flushed_at = time.monotonic()
        metrics.flush()


def families() -> Iterator[core.Metric]:
    """The families of rollouts for `/metrics`."""
    metrics.flush()
    counted = metrics.totals()
    yield from (measure.family(counted) for measure in (_COMMITTED, _POLLED, _ENFORCED))


def _begun(version: Version) -> None:
    if version.committed_at is not None and version.polled_at is not None:
        _COMMITTED.observe(max(0.0, (version.polled_at - version.committed_at).total_seconds()))
    if version.polled_at is not None:
        _POLLED.observe((version.created_at - version.polled_at).total_seconds())
