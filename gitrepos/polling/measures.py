"""The metrics of polls and syncs."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from gitrepos.errors import RemoteError, TimedOutError
from keeptrusts import metrics

FORGES = ("bitbucket.org", "codeberg.org", "dev.azure.com", "github.com", "gitlab.com")
OTHER = "other"

POLLS = metrics.CounterMetric(
    "keeptrusts_polls_total",
    "Answers of remotes to polls, by outcome and by whose fault a failure is.",
    ("outcome", "fault"),
)
CALLS = metrics.CounterMetric(
    "keeptrusts_forge_calls_total",
    "Checks (one request each) and fetches (git's requests) by forge.",
    ("forge", "call"),
)
LATENESS = metrics.HistogramMetric(
    "keeptrusts_poll_lateness_seconds",
    "From the moment a remote was due to its answer, of those that answered.",
    (0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 60, 120, 300, 900, 3600),
)
CLAIM = metrics.HistogramMetric(
    "keeptrusts_claim_seconds",
    "What it took to claim a batch of remotes that are due.",
    (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
BATCH = metrics.HistogramMetric(
    "keeptrusts_poll_batch_remotes", "Remotes in a batch.", (1, 2, 5, 10, 20, 50, 100, 200, 499)
)
SYNC = metrics.HistogramMetric(
    "keeptrusts_sync_seconds",
    "From the start of a sync of a remote to its end.",
    (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 150),
)
WAIT = metrics.HistogramMetric(
    "keeptrusts_sync_wait_seconds",
    "From a poll that found a change to the start of its sync.",
    (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900),
)
ALL: tuple[metrics.CounterMetric | metrics.HistogramMetric, ...] = (
    POLLS, CALLS, LATENESS, CLAIM, BATCH, WAIT, SYNC,
)  # fmt: skip


def claimed(remotes: int, seconds: float) -> None:
    """Count a claimed batch."""
    BATCH.observe(remotes)
    CLAIM.observe(seconds)


class Measured(NamedTuple):
    """A poll that was answered or failed; `due_at` is None where its lateness says nothing."""

    host: str
    due_at: datetime | None
    error: RemoteError | None
    changed: bool


def polled(polls: Iterable[Measured]) -> None:
    """Count polls that were answered or failed, together: each count takes a lock."""
    calls: Counter[str] = Counter()
    outcomes: Counter[tuple[str, str]] = Counter()
    late, now = [], timezone.now()
    for host, due_at, error, changed in polls:
        calls[_forge(host)] += 1
        if error is not None:
            outcomes[error.code, error.fault] += 1
        else:
            outcomes["changed" if changed else "unchanged", "none"] += 1
        # A remote that does not answer in time makes itself late.
        if due_at is not None and not isinstance(error, TimedOutError):
            late.append((now - due_at).total_seconds())
    for forge, number in calls.items():
        CALLS.add(forge, "check", amount=number)
    for outcome, number in outcomes.items():
        POLLS.add(*outcome, amount=number)
    LATENESS.observe(*late)


def fetched(host: str) -> None:
    """Count a fetch."""
    CALLS.add(_forge(host), "fetch")


def waited(seconds: float) -> None:
    """Count a sync that begins, by how long it waited for a worker."""
    WAIT.observe(seconds)


def synced(seconds: float) -> None:
    """Count a sync of a remote that ended, whatever its outcome."""
    SYNC.observe(seconds)


def _forge(host: str) -> str:
    return host if host in FORGES else OTHER
