"""A list as it is declared: its orders, pages, members, filters and search."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from keeptrusts.api import parameters
from keeptrusts.api.lists import cursors
from keeptrusts.api.lists.cursors import Position
from keeptrusts.api.parameters import Asked, Parameter

Row = Mapping[str, Any]
Scope = TypeVar("Scope")

# Of a list that is whole where nothing is said, and of a log.
MOST, MOST_OF_LOG, PAGE_OF_LOG = 10_000, 1000, 100

_CURSOR = parameters.opaque("cursor", "The `next_cursor` of the page before.")
_SEARCH = parameters.text("q", "Rows that have this text, whatever its case.")
_COUNT = parameters.flag("count", "Also how many match, as `count`.", default=False)


@dataclass(frozen=True, slots=True)
class Filter(Generic[Scope]):
    """A choice of rows by a parameter.

    `where(value, scope)` gives what chooses: a `Q` for rows of a database, and for rows in memory
    whether a row is one. It is asked where the parameter is given; where it is `always`, else for
    the default too.
    """

    parameter: Parameter[Any]
    where: Callable[[Any, Scope], Any]
    always: bool = False


@dataclass(frozen=True, slots=True)
class Selection(Generic[Scope]):
    """Of a list what a request asks for. `limit` None is for all, `fields` None for each member."""

    sort: str
    is_descending: bool
    limit: int | None
    after: Position | None
    fields: tuple[str, ...] | None
    searched: str
    wants_count: bool
    chosen: tuple[tuple[Filter[Scope], Any], ...]

    @property
    def is_plain(self) -> bool:
        """Whether it is of all rows, from the first one on."""
        is_chosen = any(value != one.parameter.default for one, value in self.chosen)
        return self.after is None and not self.searched and not is_chosen

    @property
    def key(self) -> tuple[object, ...]:
        """What tells questions apart."""
        chosen = tuple((one.parameter.name, value) for one, value in self.chosen)
        return (
            self.sort, self.is_descending, self.limit, self.after, self.fields, self.searched,
            self.wants_count, chosen,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list, and the cursor of those behind them; None at the end.

    `count` is how many match, where that was asked for. `counted` is the change counter of the
    same moment: a list that is newer would stand, after a restore of just then, for one that the
    database lost.
    """

    rows: list[Row]
    following: str | None
    count: int | None = None
    counted: int = 0


@dataclass(frozen=True, kw_only=True)
class Listing(ABC, Generic[Scope]):
    """A list: its `name`, the `members` of a row, the names to sort by, and the default of these.

    Without a `page` it is whole where nothing is said, else it has so many rows. `counter` names
    the change counter with which alone it changes; empty where there is none.
    """

    name: str
    members: tuple[str, ...]
    sorts: Mapping[str, Any]
    sort: str
    filters: tuple[Filter[Scope], ...] = ()
    page_size: int | None = None
    most: int = MOST
    counter: str = ""

    @cached_property
    def parameters(self) -> tuple[Parameter[Any], ...]:
        """The query parameters of a GET."""
        common = (self._limit, _CURSOR, self._sort, self._fields, _SEARCH, _COUNT)
        return (*(one.parameter for one in self.filters), *common)

    def selection(self, asked: Asked) -> Selection[Scope]:
        """What a request asks.

        Raises:
            FieldError: a parameter is not what it must be.
        """
        sort, cursor, fields = asked[self._sort], asked[_CURSOR], asked[self._fields]
        return Selection(
            sort=sort.removeprefix("-"),
            is_descending=sort.startswith("-"),
            limit=asked[self._limit],
            after=cursors.read(cursor, order=self._order(sort)) if cursor else None,
            fields=fields,
            searched=asked[_SEARCH],
            wants_count=asked[_COUNT],
            chosen=tuple(
                (one, asked[one.parameter])
                for one in self.filters
                if one.always or one.parameter in asked
            ),
        )

    @abstractmethod
    def page(self, selection: Selection[Scope], scope: Scope) -> Page:
        """The rows that are asked for."""

    def cursor(self, selection: Selection[Scope], position: Position) -> str:
        """The cursor of what follows a position."""
        sort = f"-{selection.sort}" if selection.is_descending else selection.sort
        return cursors.written(position, order=self._order(sort))

    def _order(self, sort: str) -> str:
        return f"{self.name} {sort}"

    @cached_property
    def _limit(self) -> Parameter[int | None]:
        default = f"; without it {self.page_size}" if self.page_size else ", as a page"
        about = f"At most so many{default}."
        return parameters.whole("limit", about, lowest=1, highest=self.most, default=self.page_size)

    @cached_property
    def _sort(self) -> Parameter[str]:
        known = [f"{sign}{name}" for name in self.sorts for sign in ("", "-")]
        about = "The order, with a minus the other way round."
        return parameters.word("sort", about, known=known, default=self.sort)

    @cached_property
    def _fields(self) -> Parameter[tuple[str, ...] | None]:
        return parameters.members("fields", "These members alone.", known=self.members)


def picked(row: Row, fields: tuple[str, ...] | None) -> Row:
    """A row with these members alone; null for one that it has not."""
    return row if fields is None else {name: row.get(name) for name in fields}
