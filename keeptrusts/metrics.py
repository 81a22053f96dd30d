"""Metrics of all processes, added up in Redis, and the page for Prometheus.

A process counts in memory, and `flush` adds its counts in one round trip. Labels come from small
closed sets, never from input.
"""

import math
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import redis
import structlog
from django.conf import settings
from django.utils.module_loading import import_string
from prometheus_client import core, exposition

from keeptrusts.redis_client import client

log = structlog.get_logger(__name__)

CONTENT_TYPE = exposition.CONTENT_TYPE_LATEST

Field = tuple[str, ...]

_KEY = "keeptrusts:metrics"
_SINCE = "since"
_SLOT_SECONDS = 300
_SLOTS = 12
_SEPARATOR = "\x1f"

_pending: dict[Field, float] = defaultdict(float)
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Totals:
    """Numbers by field, and the seconds during which they were counted."""

    values: Mapping[Field, float]
    seconds: float


class CounterMetric:
    """A counter for each combination of its labels' values."""

    def __init__(self, name: str, text: str, labels: Sequence[str] = ()) -> None:
        self.name, self._text, self._labels = name, text, labels

    def add(self, *labels: str, amount: float = 1) -> None:
        """Add `amount` to the counter with these values of the labels."""
        _add({(self.name, *labels): amount})

    def sum(self, totals: Totals, *labels: str) -> float:
        """The sum over all fields whose labels begin with these values."""
        start = (self.name, *labels)
        return sum(n for field, n in totals.values.items() if field[: len(start)] == start)

    def family(self, totals: Totals) -> core.Metric:
        """The counters as a metric family for Prometheus."""
        family = core.CounterMetricFamily(self.name, self._text, labels=self._labels)
        for field, number in totals.values.items():
            if field[0] == self.name:
                family.add_metric(field[1:], number)
        if not self._labels and not family.samples:
            # The first count is an increase for Prometheus if there was a zero before.
            family.add_metric([], 0)
        return family


class HistogramMetric:
    """A histogram, whose last bucket has no upper bound."""

    def __init__(self, name: str, text: str, bounds: Sequence[float]) -> None:
        self.name, self._text, self._bounds = name, text, bounds

    def observe(self, *values: float) -> None:
        """Count each value in its bucket."""
        amounts: dict[Field, float] = defaultdict(float)
        for value in values:
            amounts[self.name, str(bisect_left(self._bounds, value))] += 1
            amounts[self.name, "sum"] += value
        _add(amounts)

    def quantile(self, totals: Totals, share: float) -> float | None:
        """The value below which `share` of all are, interpolated; None without values."""
        counts = self._counts(totals)
        rank, below, low = share * sum(counts), 0.0, 0.0
        if not rank:
            return None
        for bound, count in zip(self._bounds, counts, strict=False):
            if below + count >= rank:
                return low + (bound - low) * (rank - below) / count
            below, low = below + count, bound
        return low

    def family(self, totals: Totals) -> core.Metric:
        """The histogram as a metric family for Prometheus, with cumulative buckets."""
        family = core.HistogramMetricFamily(self.name, self._text)
        total, buckets = 0.0, []
        for bound, count in zip((*self._bounds, "+Inf"), self._counts(totals), strict=True):
            total += count
            buckets.append((str(bound), total))
        family.add_metric([], buckets, totals.values.get((self.name, "sum"), 0.0))
        return family

    def _counts(self, totals: Totals) -> list[float]:
        places = range(len(self._bounds) + 1)
        return [totals.values.get((self.name, str(place)), 0.0) for place in places]


SPANS = CounterMetric(
    "keeptrusts_spans_total", "Spans of traces, by what became of them.", ("outcome",)
)


def count_spans(outcome: str, spans: int) -> None:
    """Count spans that were `sent` or `dropped`."""
    SPANS.add(outcome, amount=spans)


def gauge(
    name: str, text: str, values: float | Mapping[str, float], label: str = ""
) -> core.GaugeMetricFamily:
    """A number of this moment as a metric family, or with `label` one for each of its values."""
    if not isinstance(values, Mapping):
        return core.GaugeMetricFamily(name, text, value=values)
    family = core.GaugeMetricFamily(name, text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def flush() -> None:
    """Add what was counted since the last call to Redis; kept while Redis is away."""
    with _lock:
        taken = dict(_pending)
        _pending.clear()
    if not taken:
        return
    slot = _slot(time.time())
    pipe = broker().pipeline(transaction=False)
    pipe.hsetnx(_KEY, _SINCE, time.time())
    for field, amount in taken.items():
        for key in (_KEY, slot):
            pipe.hincrbyfloat(key, _SEPARATOR.join(field), amount)
    pipe.expire(slot, _SLOT_SECONDS * (_SLOTS + 1))
    try:
        results = pipe.execute(raise_on_error=False)
    except redis.RedisError as exc:
        log.warning("metrics kept until the broker answers", error=str(exc))
        _add(taken)
        return
    if failed := [result for result in results if isinstance(result, redis.RedisError)]:
        log.warning("some metrics were not counted", error=str(failed[0]), fields=len(failed))


def totals() -> Totals:
    """The totals since the broker began to count."""
    return _totals([_KEY], float("inf"))


def recent() -> Totals:
    """The totals of the last hour."""
    now = time.time()
    slots = [_slot(now - _SLOT_SECONDS * number) for number in range(_SLOTS + 1)]
    return _totals(slots, _SLOT_SECONDS * _SLOTS + now % _SLOT_SECONDS)


def render() -> bytes:
    """Write the page; while the broker is away without what is counted there."""
    return exposition.generate_latest(_Page())


def broker() -> redis.Redis:
    """A client of the broker, one for each process."""
    return client()


class _Page(core.CollectorRegistry):
    def collect(self) -> Iterator[core.Metric]:
        for name in settings.METRICS:
            try:
                yield from import_string(name)()
            except redis.RedisError as exc:
                log.warning("metrics left out: the broker fails", of=name, error=str(exc))


def _slot(now: float) -> str:
    return f"{_KEY}:{int(now // _SLOT_SECONDS)}"


def _totals(keys: Sequence[str], seconds: float) -> Totals:
    pipe = broker().pipeline(transaction=False)
    pipe.hget(_KEY, _SINCE)
    for key in keys:
        pipe.hgetall(key)
    since, *hashes = pipe.execute()
    values: dict[Field, float] = defaultdict(float)
    for numbers in hashes:
        for field, number in numbers.items():
            values[_field(field)] += _number(number)
    values.pop((_SINCE,), None)
    return Totals(values, min(seconds, time.time() - (_number(since) or time.time())))


def _field(name: bytes) -> Field:
    return tuple(name.decode(errors="replace").split(_SEPARATOR))


def _number(text: bytes | None) -> float:
    """A stored number; 0 for a value that no process can have counted."""
    try:
        number = float(text or 0)
    except ValueError:
        return 0.0
    return number if math.isfinite(number) and number >= 0 else 0.0


def _add(amounts: Mapping[Field, float]) -> None:
    with _lock:
        for field, amount in amounts.items():
            _pending[field] += amount
