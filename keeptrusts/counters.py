"""Change counters, which give readers an ETag and writers an order.

Each value that a counter was given is kept for a day. So a reader can ask whether what it read
before is in this database's past: after a restore it may not be, though the counters are higher.
"""

import secrets
import time
from collections.abc import Mapping, Sequence

from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from keeptrusts import statements
from keeptrusts.asking import ask
from keeptrusts.database import compiled
from keeptrusts.models import Count, Counter
from keeptrusts.statements import BoundQuery

# Without a clock that went on, a restored database would give the numbers that it lost again.
_MOST_STEP_US = 1000
_KEPT_US = 86_400_000_000


# The value before is locked, and read as it is by then; it is kept already, unless an older release
# counted it.
_BUMP = """
WITH before AS (
  SELECT name, value FROM keeptrusts_counter WHERE name = %s FOR UPDATE
), now AS (
  UPDATE keeptrusts_counter AS counter
  SET value = greatest(greatest(before.value, %s) + %s, %s)
  FROM before WHERE counter.name = before.name RETURNING counter.name, counter.value
), kept AS (
  INSERT INTO keeptrusts_count (counter, value) SELECT name, value FROM before WHERE value > 0
  ON CONFLICT DO NOTHING
)
INSERT INTO keeptrusts_count (counter, value) SELECT name, value FROM now RETURNING value
"""

_counters = compiled(lambda: Counter.objects.values("name", "value"))


def read() -> Mapping[str, int]:
    """All counters by name, in one query. A resource that never changed has none."""
    return {row["name"]: row["value"] for row in _counters()}


def bump(name: str, *, above: int = 0) -> int:
    """Count a change and return the new value. Called in the transaction that makes the change.

    The row stays locked until that transaction ends, so writers of one resource that call
    this first follow one another, and no reader sees a new count before the change it counts.
    The value is above `above`, which the database may not know.
    """
    with transaction.atomic(savepoint=False):
        if connection.vendor == "postgresql":
            return _at_once(name, above)
        before, is_kept = _locked(name)
        if before and not is_kept:  # Counted by an older release.
            Count.objects.bulk_create([Count(counter=name, value=before)], ignore_conflicts=True)
        value = max(max(before, above) + _step(), _now_us())
        Counter.objects.filter(pk=name).update(value=value)
        Count.objects.create(counter=name, value=value)
    return value


def hold(name: str) -> None:
    """Lock a counter until the transaction ends, and count nothing.

    For whoever must read, before anybody else writes, to know whether there is a change.
    """
    _locked(name)


def holding(name: str) -> BoundQuery[Sequence[object]]:
    """The question that locks a counter; where it has no row yet, `hold` makes one."""
    return _of_name.of(name=name)


def read_after(before: Mapping[str, int]) -> tuple[Mapping[str, int], bool]:
    """All counters, and whether the database once had the values `before`, 0 for none; one query.

    If it had not, it lost changes since those were read, or it is another one.
    """
    given = Q(pk__in=())
    for name, value in before.items():
        given |= Q(counter=name, value=value)
    past = Count.objects.filter(given, counter=OuterRef("name"), value__lte=OuterRef("value"))
    rows = Counter.objects.annotate(past=Exists(past)).values_list("name", "value", "past")
    found = {name: (value, is_past) for name, value, is_past in rows}
    is_past = True
    for name, value in before.items():
        now, was_given = found.get(name, (0, False))
        is_past = is_past and (value in (0, now) or was_given)
    return {name: value for name, (value, _) in found.items()}, is_past


def prune() -> None:
    """Forget what was followed by another value more than a day ago."""
    over = time.time_ns() // 1000 - _KEPT_US
    newest = Count.objects.filter(value__lt=over).values_list("counter").annotate(Max("value"))
    for name, value in list(newest):
        Count.objects.filter(counter=name, value__lt=value).delete()


def _locked(name: str) -> tuple[int, bool]:
    """The value of a counter, locked until the transaction ends, and whether it is kept."""
    found = _of_name(name=name)
    if not found:
        Counter.objects.bulk_create([Counter(pk=name)], ignore_conflicts=True)
        found = _of_name(name=name)
    [(value, is_kept)] = found
    return value, is_kept


def _one(name: str) -> QuerySet[Counter, tuple[int, bool]]:
    kept = Count.objects.filter(counter=OuterRef("name"), value=OuterRef("value"))
    rows = Counter.objects.select_for_update(of=("self",)).filter(pk=name)
    return rows.annotate(kept=Exists(kept)).values_list("value", "kept")


_of_name = statements.tuples(_one, name=str)


def _at_once(name: str, above: int) -> int:
    """The same in one trip: all other writers wait for each."""
    while True:
        found = ask(connection, _BUMP, (name, above, _step(), _now_us())).rows
        if found:
            return int(found[0][0])
        Counter.objects.bulk_create([Counter(pk=name)], ignore_conflicts=True)


# Never a value that was used before, also after a backup was restored or the data folder made anew:
# what a reader kept for an old value would pass for the new one's.
def _step() -> int:
    return 1 + secrets.randbelow(_MOST_STEP_US)


def _now_us() -> int:
    return time.time_ns() // 1000
