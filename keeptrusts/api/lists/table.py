"""Lists of a database's rows, which sorts, chooses and pages them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import F, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from keeptrusts import counters, database
from keeptrusts.api.lists.cursors import Position
from keeptrusts.api.lists.labels import MentionsLabel
from keeptrusts.api.lists.listing import Listing, Page, Row, Scope, Selection, picked
from keeptrusts.database import Columns, Statement, as_rows
from keeptrusts.models import Counter

Raw = dict[str, Any]
# Value and key of a row in its order, and what is shown of it.
_Marked = tuple[tuple[Any, Any], Row | None]

_MARKS = ("sorted_by", "keyed_by")
_AT_ONCE, _LARGE_AT_ONCE = 200, 50
_MOST_STATEMENTS = 32


def _never(_scope: object) -> bool:
    return False


def _is_none(scope: object) -> bool:
    return scope is None


def _as_they_are(raws: Sequence[Raw], _scope: object) -> Iterable[Row | None]:
    return raws


@dataclass(frozen=True, kw_only=True)
class Table(Listing[Scope]):
    """A list of rows of a database.

    `rows(scope)` are those that there are for a reader, the same query each time where
    `is_constant(scope)`; `values(rows)` reads the columns of each,
    and `shown(raws, scope)` makes of these, one by one, what the API shows; None where a reader
    does not see the row after all, which happens where `drops(scope)`. A list with neither that nor
    a `size` may have `formed(columns, scope)`: rows are made at once, with one dictionary for each.
    `sorts` has the column of each name, of which those of `nullable` may be null; `key` is a column
    that no two rows have alike. `searched` are the columns of `q`, `labels` the one with labels.

    A page that was asked for ends early where its rows have `most_bytes` by `size(row)`.
    """

    rows: Callable[[Scope], QuerySet[Any, Any]]
    values: Callable[[QuerySet[Any, Any]], QuerySet[Any, Raw]]
    shown: Callable[[Sequence[Raw], Scope], Iterable[Row | None]] = _as_they_are
    formed: Callable[[Columns, Scope], Sequence[Row]] | None = None
    drops: Callable[[Scope], bool] = _never
    is_constant: Callable[[Scope], bool] = _is_none
    key: str = "pk"
    nullable: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    labels: str = ""
    size: Callable[[Row], int] | None = None
    most_bytes: int = 0
    _statements: dict[object, Statement] = field(default_factory=dict, init=False)

    def page(self, selection: Selection[Scope], scope: Scope) -> Page:
        """The rows that are asked for, and how many match."""
        count = None
        if selection.wants_count:
            count = self._count(self._matches(selection, scope), scope)
        if selection.limit is None:
            columns, counted = self._read(selection, scope)
            shown = (row for row in self._rows(columns, scope) if row is not None)
            rows = (
                shown if selection.fields is None else (picked(r, selection.fields) for r in shown)
            )
            return Page(list(rows), None, count, counted)
        return self._part(selection, selection.limit, scope, count)

    def _matches(self, selection: Selection[Scope], scope: Scope) -> QuerySet[Any, Any]:
        matches = self.rows(scope)
        for one, value in selection.chosen:
            matches = matches.filter(one.where(value, scope))
        if selection.searched:
            matches = matches.filter(self._mentioning(selection.searched))
        return matches

    def _found(self, selection: Selection[Scope], scope: Scope) -> QuerySet[Any, Raw]:
        """The columns of what matches, in its order, from where the page begins."""
        matches = self._matches(selection, scope)
        if selection.after is not None:
            matches = matches.filter(self._behind(selection, selection.after))
        found = self.values(matches.order_by(*self._order_by(selection)))
        if selection.limit is not None:
            found = self._marked(found, selection)
        if self.counter:
            counted = Counter.objects.filter(pk=self.counter).values("value")
            found = found.annotate(counted=Coalesce(Subquery(counted), 0))
        return found[: None if selection.limit is None else selection.limit + 1]

    def _marked(self, found: QuerySet[Any, Any], selection: Selection[Scope]) -> QuerySet[Any, Any]:
        marks = zip(_MARKS, (F(self.sorts[selection.sort]), F(self.key)), strict=True)
        marked: QuerySet[Any, Any] = found.annotate(**dict(marks))
        return marked

    def _statement(self, selection: Selection[Scope], scope: Scope) -> Statement:
        """The SQL of a selection; it is kept where it is the same each time."""
        if not self.is_constant(scope) or not selection.is_plain:
            return Statement(self._found(selection, scope))
        key = selection.sort, selection.is_descending, selection.limit
        if key not in self._statements:
            if len(self._statements) >= _MOST_STATEMENTS:
                self._statements.clear()
            self._statements[key] = Statement(self._found(selection, scope))
        return self._statements[key]

    def _read(self, selection: Selection[Scope], scope: Scope) -> tuple[Columns, int]:
        """Columns, and the change counter of the same moment."""
        try:
            statement = self._statement(selection, scope)
        except EmptyResultSet:  # What it chooses by chooses nothing.
            return {}, counters.read().get(self.counter, 0)
        columns = statement.columns()
        if not self.counter:
            return columns, 0
        if not columns["counted"]:  # No row tells the counter.
            with database.one_moment(Counter, self.rows(scope).model):
                counted, columns = counters.read().get(self.counter, 0), statement.columns()
        for one in columns.pop("counted"):
            counted = one
        return columns, counted

    def _rows(self, columns: Columns, scope: Scope) -> Iterable[Row | None]:
        if self.formed is not None:
            return self.formed(columns, scope) if columns else ()
        return self.shown(as_rows(columns), scope)

    def _part(
        self, selection: Selection[Scope], limit: int, scope: Scope, count: int | None
    ) -> Page:
        counted = 0
        if self.drops(scope):  # How many it takes is not known.
            unbounded = replace(selection, limit=None)
            found = self._found(unbounded, scope)
            raws = self._marked(found, selection).iterator(chunk_size=_AT_ONCE)
            pairs = self._pairs(raws, scope, _AT_ONCE)
        elif self.size is not None:
            pairs = self._pairs(
                self._found(selection, scope).iterator(chunk_size=_LARGE_AT_ONCE),
                scope,
                _LARGE_AT_ONCE,
            )
        else:
            columns, counted = self._read(selection, scope)
            marks = zip(*(columns.pop(name, ()) for name in _MARKS), strict=True)
            pairs = zip(marks, self._rows(columns, scope), strict=True)
        rows: list[Row] = []
        left_bytes, following = self.most_bytes, None
        for mark, row in pairs:
            if row is None:
                continue
            if len(rows) == limit or (self.size is not None and rows and left_bytes <= 0):
                assert following is not None
                return Page(rows, self.cursor(selection, Position(*following)), count, counted)
            rows.append(picked(row, selection.fields))
            following = mark
            left_bytes -= self.size(row) if self.size is not None else 0
        return Page(rows, None, count, counted)

    def _pairs(self, raws: Iterable[Raw], scope: Scope, at_once: int) -> Iterator[_Marked]:
        """Where rows stand, each with what is shown of it."""
        left = iter(raws)
        while group := list(islice(left, at_once)):
            marks: list[Any] = [tuple(raw.pop(name) for name in _MARKS) for raw in group]
            for raw in group:
                raw.pop("counted", None)
            yield from zip(marks, self.shown(group, scope), strict=True)

    def _count(self, matches: QuerySet[Any, Any], scope: Scope) -> int:
        if not self.drops(scope):
            return matches.count()
        left = self.values(matches.order_by()).iterator(chunk_size=_AT_ONCE)
        groups = iter(lambda: list(islice(left, _AT_ONCE)), [])
        return sum(
            row is not None for row in chain.from_iterable(self.shown(g, scope) for g in groups)
        )

    def _mentioning(self, searched: str) -> Q:
        found = Q(pk__in=())
        for column in self.searched:
            found |= Q(**{f"{column}__icontains": searched})
        return found | Q(MentionsLabel(self.labels, searched)) if self.labels else found

    def _order_by(self, selection: Selection[Scope]) -> list[Any]:
        sorted_by = self.sorts[selection.sort]
        nulls_last = True if sorted_by in self.nullable else None
        columns = [F(sorted_by)] if sorted_by == self.key else [F(sorted_by), F(self.key)]
        if selection.is_descending:
            return [one.desc(nulls_last=nulls_last) for one in columns]
        return [one.asc(nulls_last=nulls_last) for one in columns]

    def _behind(self, selection: Selection[Scope], after: Position) -> Q:
        """The rows that follow a position; nulls come last both ways."""
        column, way = self.sorts[selection.sort], "lt" if selection.is_descending else "gt"
        further = Q(**{f"{self.key}__{way}": after.key})
        if column == self.key:
            return further
        if after.value is None:
            return further & Q(**{f"{column}__isnull": True})
        beyond = Q(**{f"{column}__{way}": after.value})
        if column in self.nullable:
            alike = Q(**{column: after.value}) & further
            return beyond | alike | Q(**{f"{column}__isnull": True})
        # In this form an index leads to the page.
        return Q(**{f"{column}__{way}e": after.value}) & (beyond | further)
