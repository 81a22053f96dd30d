"""Gauges of the fleet: gateways and configurations by state, and the gateways that are offline."""

from collections import Counter
from collections.abc import Iterator

from django.utils import timezone
from prometheus_client import core

from gateways.drift import judge, listing
from keeptrusts import counters, metrics

# A fleet that is cut off has one alert, and no thousand.
MOST_NAMED = 100
_OF_SOURCES = (judge.IN_SYNC, judge.ORPHANED, judge.QUARANTINED, judge.OVERRIDDEN)


def families() -> Iterator[core.Metric]:
    """The families of the fleet for `/metrics`, of the survey that `/v1/drift` tells."""
    survey = listing.whole(counters.read())
    yield metrics.gauge(
        "keeptrusts_gateways", "Gateways by state of drift.", survey.gateways, "state"
    )
    sources = {row["configuration"]: row["configuration_state"] for row in survey.rows}
    counts = Counter(state for name, state in sources.items() if name and state)
    yield metrics.gauge(
        "keeptrusts_configurations", "Configurations by state against git.",
        {state: counts[state] for state in _OF_SOURCES}, "state",
    )  # fmt: skip
    yield metrics.gauge(
        "keeptrusts_gateway_offline_seconds",
        f"Seconds since an offline gateway was last seen; of {MOST_NAMED} at most, who went last.",
        _offline(survey), "gateway",
    )  # fmt: skip


def _offline(survey: listing.Survey) -> dict[str, float]:
    """The seconds since each gateway was last seen, or registered where it never was."""
    now = timezone.now()
    offline = {
        row["gateway"]: (now - row["since"]).total_seconds()
        for row in survey.rows
        if row["state"] == judge.OFFLINE
    }
    newest = sorted(offline, key=lambda name: offline[name])
    return {name: offline[name] for name in newest[:MOST_NAMED]}
