"""What every process counts, added up in Redis, and the page that shows it.

A process adds to numbers of its own; `flush` hands them over in one round trip. Labels come from
small closed sets, never from what somebody typed.
"""

import math
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import redis
import structlog
from prometheus_client import core, exposition

from keeptrusts.redis_client import client

log = structlog.get_logger(__name__)

CONTENT_TYPE = exposition.CONTENT_TYPE_LATEST

Field = tuple[str, ...]
Source = Callable[[], Iterable[core.Metric]]

_KEY = "keeptrusts:metrics"
_SINCE = "since"
_SLOT_SECONDS = 300
_SLOTS = 12
_SEPARATOR = "\x1f"

_sources: list[Source] = []
_pending: dict[Field, float] = defaultdict(float)
_lock = threading.Lock()


def register(source: Source) -> None:
    """Have `source` asked for its families whenever the page is shown."""
    _sources.append(source)


@dataclass(frozen=True, slots=True)
class Totals:
    """Numbers by field, and over how many seconds they were counted."""

    values: Mapping[Field, float]
    seconds: float


class CounterMetric:
    """A number that grows, for each combination of its labels' values."""

    def __init__(self, name: str, text: str, labels: Sequence[str] = ()) -> None:
        self.name, self._text, self._labels = name, text, labels

    def add(self, *labels: str, amount: float = 1) -> None:
        """Count `amount` more under these values of the labels."""
        _add({(self.name, *labels): amount})

    def sum(self, totals: Totals, *labels: str) -> float:
        """Over all fields that begin with these values."""
        start = (self.name, *labels)
        return sum(n for field, n in totals.values.items() if field[: len(start)] == start)

    def family(self, totals: Totals) -> core.Metric:
        """As Prometheus reads it."""
        family = core.CounterMetricFamily(self.name, self._text, labels=self._labels)
        for field, number in totals.values.items():
            if field[0] == self.name:
                family.add_metric(field[1:], number)
        return family


class HistogramMetric:
    """How values spread over buckets, of which the last is open."""

    def __init__(self, name: str, text: str, bounds: Sequence[float]) -> None:
        self.name, self._text, self._bounds = name, text, bounds

    def observe(self, *values: float) -> None:
        """Count each value in its bucket."""
        found: dict[Field, float] = defaultdict(float)
        for value in values:
            found[self.name, str(bisect_left(self._bounds, value))] += 1
            found[self.name, "sum"] += value
        _add(found)

    def quantile(self, totals: Totals, share: float) -> float | None:
        """The value that `share` of all stay below, interpolated; None where none was seen."""
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
        """As Prometheus reads it: each bucket holds what is at most its bound."""
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


def flush() -> None:
    """Hand over what was counted since the last time; while Redis is away it is kept."""
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
        log.warning("metrics wait for the broker", error=str(exc))
        _add(taken)
        return
    if failed := [result for result in results if isinstance(result, redis.RedisError)]:
        log.warning("some metrics are not counted", error=str(failed[0]), fields=len(failed))


def totals() -> Totals:
    """Everything since the broker began to count."""
    return _totals([_KEY], float("inf"))


def recent() -> Totals:
    """The last hour."""
    now = time.time()
    slots = [_slot(now - _SLOT_SECONDS * number) for number in range(_SLOTS + 1)]
    return _totals(slots, _SLOT_SECONDS * _SLOTS + now % _SLOT_SECONDS)


def render() -> bytes:
    """The page. Raises: `redis.RedisError`."""
    return exposition.generate_latest(_Page())


def broker() -> redis.Redis:
    """A client of the broker, one for each process."""
    return client()


class _Page(core.CollectorRegistry):
    def collect(self) -> Iterator[core.Metric]:
        for source in _sources:
            yield from source()


def _slot(now: float) -> str:
    return f"{_KEY}:{int(now // _SLOT_SECONDS)}"


def _totals(keys: Sequence[str], seconds: float) -> Totals:
    pipe = broker().pipeline(transaction=False)
    pipe.hget(_KEY, _SINCE)
    for key in keys:
        pipe.hgetall(key)
    since, *found = pipe.execute()
    values: dict[Field, float] = defaultdict(float)
    for numbers in found:
        for field, number in numbers.items():
            values[_field(field)] += _number(number)
    values.pop((_SINCE,), None)
    return Totals(values, min(seconds, time.time() - (_number(since) or time.time())))


def _field(name: bytes) -> Field:
    return tuple(name.decode(errors="replace").split(_SEPARATOR))


def _number(text: bytes | None) -> float:
    """What was counted; nothing of what nobody here can have counted."""
    try:
        number = float(text or 0)
    except ValueError:
        return 0.0
    return number if math.isfinite(number) and number >= 0 else 0.0


def _add(amounts: Mapping[Field, float]) -> None:
    with _lock:
        for field, amount in amounts.items():
            _pending[field] += amount
