"""Lists of rows that are gathered in memory, which is where they are sorted, chosen and paged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from keeptrusts.api.lists.cursors import Position
from keeptrusts.api.lists.listing import Listing, Page, Row, Scope, Selection, picked


@dataclass(frozen=True, kw_only=True)
class Gathered(Listing[Scope]):
    """A list of rows in memory.

    `rows(scope)` are those that there are for a reader, and a filter's `where(value, scope)` is
    whether a row is chosen. `sorts` has the member of each name, whose values are of one type or
    null; nulls come last both ways. `key(row)` is text that no two rows have alike, and `searched`
    are the members of `q`.
    """

    rows: Callable[[Scope], Sequence[Row]]
    key: Callable[[Row], str]
    searched: tuple[str, ...] = ()

    def page(self, selection: Selection[Scope], scope: Scope) -> Page:
        """The rows that are asked for, and how many match."""
        found = self.rows(scope)
        for one, value in selection.chosen:
            chooses = one.where(value, scope)
            found = [row for row in found if chooses(row)]
        if selection.searched:
            folded = selection.searched.casefold()
            found = [row for row in found if self._mentions(row, folded)]
        count = len(found) if selection.wants_count else None
        found = self._sorted(found, selection)
        if selection.after is not None:
            found = [row for row in found if self._is_behind(row, selection, selection.after)]
        listed = found[: selection.limit]
        following = None
        if listed and len(found) > len(listed):
            last = Position(listed[-1][self.sorts[selection.sort]], self.key(listed[-1]))
            following = self.cursor(selection, last)
        return Page([picked(row, selection.fields) for row in listed], following, count)

    def _mentions(self, row: Row, folded: str) -> bool:
        return any(folded in str(row[name] or "").casefold() for name in self.searched)

    def _sorted(self, rows: Sequence[Row], selection: Selection[Scope]) -> list[Row]:
        member = self.sorts[selection.sort]
        valued = [row for row in rows if row[member] is not None]
        others = [row for row in rows if row[member] is None]
        way = selection.is_descending
        valued.sort(key=lambda row: (row[member], self.key(row)), reverse=way)
        others.sort(key=self.key, reverse=way)
        return valued + others

    def _is_behind(self, row: Row, selection: Selection[Scope], after: Position) -> bool:
        value, key = row[self.sorts[selection.sort]], self.key(row)
        if (value is None) != (after.value is None):
            return value is None
        place: tuple[Any, ...] = (key,) if value is None else (value, key)
        last: tuple[Any, ...] = (after.key,) if value is None else (after.value, after.key)
        return place < last if selection.is_descending else place > last
