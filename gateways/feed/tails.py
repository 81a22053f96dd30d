"""The ends of tables that only grow: what was added lately, in the order in which it is seen.

Numbers are given before a transaction ends, so that a lower one may be seen after a higher one: a
number that was passed over is looked for until its transaction must have ended.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone

from keeptrusts import sealing

Row = Mapping[str, Any]

# Of each table, for listeners that come back.
KEPT = 2000
# Seen at once; of more nobody hears one by one.
MOST_AT_ONCE = 2000
# Longer than any transaction of ours lasts.
_LATE = timedelta(seconds=120)
_MOST_GAPS = 10_000
_MARK_DIGITS = 16


class LostError(Exception):
    """What follows the last row that was seen cannot be told: it is much, or that row is gone."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its rows, with `pk` and `columns`, of which `moment` never changes.

    `is_kept`: a row is there as long as the database is the same.
    """

    model: type[models.Model]
    moment: str
    columns: tuple[str, ...]
    is_kept: bool = True


class Tail:
    """The end of one table, of which `mark` stands for the last row with none missing below it.

    Whoever has a mark learns nothing from it, and each process makes the same of a row.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._kept: OrderedDict[str, Row] = OrderedDict()
        self._is_whole = False
        self._top, self._top_mark = 0, ""
        self._gaps: dict[int, float] = {}
        self.mark = ""

    def begin(self) -> None:
        """Take the end of the table as it is now; nothing of it is new."""
        self._kept.clear()
        self._gaps.clear()
        self._top, self._top_mark, self.mark = 0, "", ""
        rows = list(self._rows().order_by("-pk")[:KEPT])
        self._is_whole = len(rows) < KEPT
        if rows:
            self._top = rows[-1]["pk"]  # Below it, nothing is missing.
        self._add(rows[::-1])

    def read(self) -> Sequence[Row]:
        """The rows that are seen for the first time.

        Raises:
            LostError: they are too many, or the last one is gone.
        """
        wanted = Q(pk__gte=self._top) | Q(pk__in=list(self._gaps))
        rows = list(self._rows().filter(wanted).order_by("pk")[: MOST_AT_ONCE + 1])
        there = [self._mark(row) for row in rows if row["pk"] == self._top]
        if self._table.is_kept and self._top and there != [self._top_mark]:
            raise LostError
        if len(rows) > MOST_AT_ONCE:
            raise LostError
        new = [row for row in rows if row["pk"] != self._top]
        self._add(new)
        return new

    def since(self, mark: str) -> Sequence[Row]:
        """The rows that were seen after the one of a mark, and those with higher numbers.

        The mark of a table without rows is empty.

        Raises:
            LostError: nobody here knows it any more.
        """
        if mark not in self._kept and (mark or not self._is_whole):
            raise LostError
        number, is_after, found = self._kept[mark]["pk"] if mark else 0, not mark, []
        for name, row in self._kept.items():
            if is_after or row["pk"] > number:
                found.append(row)
            is_after = is_after or name == mark
        return found

    def _add(self, rows: Sequence[Row]) -> None:
        now = time.monotonic()
        for row in rows:
            number, name = row["pk"], self._mark(row)
            self._gaps.pop(number, None)
            if timezone.now() - row[self._table.moment] < _LATE:
                missing = range(max(self._top + 1, number - _MOST_GAPS), number)
                self._gaps.update(dict.fromkeys(missing, now))
            if number >= self._top:
                self._top, self._top_mark = number, name
            self._kept[name] = row
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
            self._is_whole = False
        self._gaps = {n: at for n, at in self._gaps.items() if now - at < _LATE.total_seconds()}
        self.mark = self._settled()

    def _settled(self) -> str:
        """The mark of the last row below which none is missing; the one before, if that is gone."""
        if not self._gaps:
            return self._top_mark
        lowest = min(self._gaps)
        below = [(row["pk"], name) for name, row in self._kept.items() if row["pk"] < lowest]
        return max(below, default=(0, self.mark))[1]

    def _mark(self, row: Row) -> str:
        moment = row[self._table.moment].isoformat()
        name = f"{self._table.model.__name__} {row['pk']} {moment}"
        return sealing.fingerprint(name)[:_MARK_DIGITS]

    def _rows(self) -> QuerySet[Any, Any]:
        columns = ("pk", self._table.moment, *self._table.columns)
        return self._table.model._default_manager.values(*columns)
