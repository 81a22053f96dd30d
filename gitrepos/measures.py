"""What polls and syncs are measured by."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from django.utils import timezone
from prometheus_client import core

from gitrepos import standing
from gitrepos.errors import RemoteError, TimedOutError
from keeptrusts import metrics

# Whose fault a failure is: the installation's own, its users', or (all others) the forge's.
_FAULTS = {
    "internal": "ours",
    "unavailable": "ours",
    "credential_unreadable": "ours",
    "auth_failed": "user",
    "branch_not_found": "user",
    "host_not_allowed": "user",
    "moved": "user",
    "path_not_found": "user",
    "repo_not_found": "user",
    "too_large": "user",
}
_FORGES = ("bitbucket.org", "codeberg.org", "dev.azure.com", "github.com", "gitlab.com")
_OTHER = "other"

_POLLS = metrics.Counter(
    "keeptrusts_polls_total",
    "Answers of remotes to polls, by outcome and by whose fault a failure is.",
    ("outcome", "fault"),
)
_CALLS = metrics.Counter(
    "keeptrusts_forge_calls_total",
    "Checks (one request each) and fetches (git's requests) by forge.",
    ("forge", "call"),
)
_LATENESS = metrics.Histogram(
    "keeptrusts_poll_lateness_seconds",
    "From the moment a remote was due to its answer, of those that answered.",
    (0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 60, 120, 300, 900, 3600),
)
_CLAIM = metrics.Histogram(
    "keeptrusts_claim_seconds",
    "What it took to claim a batch of remotes that are due.",
    (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
_BATCH = metrics.Histogram(
    "keeptrusts_poll_batch_remotes", "Remotes in a batch.", (1, 2, 5, 10, 20, 50, 100, 200, 499)
)
_SYNC = metrics.Histogram(
    "keeptrusts_sync_seconds",
    "From the start of a sync of a remote to its end.",
    (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 150),
)


def claimed(remotes: int, seconds: float) -> None:
    """A batch was claimed."""
    _BATCH.observe(remotes)
    _CLAIM.observe(seconds)


def polled(host: str, due_at: datetime | None, error: RemoteError | None, *, changed: bool) -> None:
    """A remote answered a poll, or failed to."""
    _CALLS.add(_forge(host), "check")
    if error is not None:
        _POLLS.add(error.code, _FAULTS.get(error.code, "forge"))
    else:
        _POLLS.add("changed" if changed else "unchanged", "none")
    # Who never answers is late by its own doing.
    if due_at is not None and not isinstance(error, TimedOutError):
        _LATENESS.observe((timezone.now() - due_at).total_seconds())


def fetched(host: str) -> None:
    """A fetch was made."""
    _CALLS.add(_forge(host), "fetch")


def synced(seconds: float) -> None:
    """A sync of a remote ended, whatever came of it."""
    _SYNC.observe(seconds)


def summary() -> dict[str, Any]:
    """How all links stand now, and how the last hour went. Raises: `redis.RedisError`."""
    now, hour = standing.read(), metrics.recent()
    links = sum(now.statuses.values()) - now.statuses["suspended"]
    checks = sum(_CALLS.sum(hour, forge, "check") for forge in (*_FORGES, _OTHER))
    link_hours = links * hour.seconds / 3600
    return {
        "statuses": now.statuses,
        "in_flight": now.claimed,
        "due": now.due,
        "due_for_seconds": now.due_seconds,
        "lateness_seconds": {
            "p50": _LATENESS.quantile(hour, 0.5),
            "p99": _LATENESS.quantile(hour, 0.99),
        },
        "forge_calls_per_repo_hour": checks / link_hours if link_hours else None,
        "hosts_cooling": [{"host": host, **trouble} for host, trouble in now.cooling.items()],
        "oldest_failure": now.oldest_failure,
    }


def families() -> Iterator[core.Metric]:
    """Everything of repositories that `/metrics` shows."""
    counted = metrics.totals()
    measures: Collection[metrics.Counter | metrics.Histogram] = (
        _POLLS, _CALLS, _LATENESS, _CLAIM, _BATCH, _SYNC,
    )  # fmt: skip
    yield from (measure.family(counted) for measure in measures)
    now = standing.read()
    yield _gauge("keeptrusts_git_repos", "Links by status.", "status", now.statuses)
    yield _gauge("keeptrusts_queue_depth", "Messages that wait, by queue.", "queue", now.queues)
    for name, text, number in (
        ("keeptrusts_polls_in_flight", "Remotes that are claimed now.", now.claimed),
        ("keeptrusts_remotes_due", "Remotes that are due and not claimed.", now.due),
        ("keeptrusts_due_for_seconds", "How long the first of them has been.", now.due_seconds),
        ("keeptrusts_hosts_cooling", "Hosts that are left alone for now.", len(now.cooling)),
    ):
        yield core.GaugeMetricFamily(name, text, value=number)


def _gauge(name: str, text: str, label: str, values: dict[str, int]) -> core.Metric:
    family = core.GaugeMetricFamily(name, text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _forge(host: str) -> str:
    return host if host in _FORGES else _OTHER
