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
from keeptrusts.database import Statement
from keeptrusts.models import Counter

Raw = dict[str, Any]

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
    does not see the row after all, which happens where `drops(scope)`. `sorts` has the column of
    each name, of which those of `nullable` may be null; `key` is a column that no two rows have
    alike. `searched` are the columns of `q`, and `labels` the one with labels.

    A page that was asked for ends early where its rows have `most_bytes` by `size(row)`.
    """

    rows: Callable[[Scope], QuerySet[Any, Any]]
    values: Callable[[QuerySet[Any, Any]], QuerySet[Any, Raw]]
    shown: Callable[[Sequence[Raw], Scope], Iterable[Row | None]] = _as_they_are
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
            raws, counted = self._read(selection, scope)
            shown = self.shown(raws, scope)
            rows = [picked(row, selection.fields) for row in shown if row is not None]
            return Page(rows, None, count, counted)
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
        columns = {"sorted_by": F(self.sorts[selection.sort]), "keyed_by": F(self.key)}
        marked: QuerySet[Any, Any] = found.annotate(**columns)
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

    def _read(self, selection: Selection[Scope], scope: Scope) -> tuple[list[Raw], int]:
        """Rows, and the change counter of the same moment."""
        try:
            statement = self._statement(selection, scope)
        except EmptyResultSet:  # What it chooses by chooses nothing.
            return [], counters.read().get(self.counter, 0)
        raws = statement.read()
        if not self.counter:
            return raws, 0
        counted = 0
        if not raws:  # No row tells the counter.
            with database.one_moment(Counter, self.rows(scope).model):
                counted, raws = counters.read().get(self.counter, 0), statement.read()
        for raw in raws:
            counted = raw.pop("counted")
        return raws, counted

    def _part(
        self, selection: Selection[Scope], limit: int, scope: Scope, count: int | None
    ) -> Page:
        counted = 0
        if self.drops(scope):  # How many it takes is not known.
            unbounded = replace(selection, limit=None)
            found = self._found(unbounded, scope)
            raws: Iterable[Raw] = self._marked(found, selection).iterator(chunk_size=_AT_ONCE)
        elif self.size is not None:
            raws = self._found(selection, scope).iterator(chunk_size=_LARGE_AT_ONCE)
        else:
            raws, counted = self._read(selection, scope)
        rows: list[Row] = []
        left_bytes, following = self.most_bytes, None
        for raw, row in self._pairs(raws, scope, limit):
            if row is None:
                continue
            if len(rows) == limit or (self.size is not None and rows and left_bytes <= 0):
                assert following is not None
                return Page(rows, self.cursor(selection, following), count, counted)
            rows.append(picked(row, selection.fields))
            following = Position(raw["sorted_by"], raw["keyed_by"])
            left_bytes -= self.size(row) if self.size is not None else 0
        return Page(rows, None, count, counted)

    def _pairs(
        self, raws: Iterable[Raw], scope: Scope, limit: int
    ) -> Iterator[tuple[Raw, Row | None]]:
        """Where rows stand, each with what is shown of it."""
        left, at_once = iter(raws), _LARGE_AT_ONCE if self.size else max(limit + 1, _AT_ONCE)
        while group := list(islice(left, at_once)):
            marks = [{name: raw.pop(name) for name in ("sorted_by", "keyed_by")} for raw in group]
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
