"""Lists of rows in memory: order, choice, search and pages."""

from collections.abc import Sequence
from typing import Any

from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.api.lists.gathered import Gathered
from keeptrusts.api.lists.listing import Filter, Page, Row
from keeptrusts.api.parameters import Asked, words

_Rows = Sequence[Row]

_LIST: Gathered[_Rows] = Gathered(
    name="things",
    members=("name", "state", "note"),
    rows=lambda rows: rows,
    key=lambda row: row["name"],
    sorts={"name": "name", "state": "state"},
    sort="name",
    searched=("name", "note"),
    filters=(
        Filter(
            words("state", "Those in these states.", known=("on", "off"), default=None),
            lambda value, _: lambda row: row["state"] in value,
        ),
    ),
)
_NAMES = st.text("abC", min_size=1, max_size=3)
_STATES = st.sampled_from(["on", "off", None])
_SORTS = st.sampled_from(["name", "-name", "state", "-state"])


def _rows(states: dict[str, Any]) -> list[Row]:
    return [{"name": name, "state": state, "note": None} for name, state in states.items()]


def _page(rows: _Rows, query: str) -> Page:
    return _LIST.page(_LIST.selection(Asked(QueryDict(query))), rows)


@given(
    st.dictionaries(_NAMES, _STATES, max_size=12), st.dictionaries(_NAMES, _STATES, max_size=3),
    st.sets(_NAMES, max_size=3), _SORTS, st.integers(1, 4),
)  # fmt: skip
def test_pages_have_each_row_once_whatever_comes_and_goes(
    states: dict[str, Any], added: dict[str, Any], removed: set[str], sort: str, limit: int
) -> None:
    """In the order of the whole: rows that stay, while others are made and removed between."""
    staying = {name: state for name, state in states.items() if name not in removed}
    found: list[tuple[str, Any]] = []
    cursor: str | None = ""
    number = 0
    while cursor is not None:
        # Every other page another state of what there is.
        now = {**added, **staying} if number % 2 else states
        page = _page(_rows(now), f"sort={sort}&limit={limit}&cursor={cursor}")
        found += [(row["name"], row["state"]) for row in page.rows]
        cursor, number = page.following, number + 1

    whole = [row["name"] for row in _page(_rows(staying), f"sort={sort}").rows]
    assert [name for name, _ in found if name in staying] == whole
    # A row that went and came back with another state may stand in both places.
    assert len(found) == len(set(found))


def test_nulls_come_last_both_ways() -> None:
    """Whoever sorts by a column asks for those that have it."""
    rows = _rows({"a": None, "b": "on", "c": "off"})

    assert [row["name"] for row in _page(rows, "sort=state").rows] == ["c", "b", "a"]
    assert [row["name"] for row in _page(rows, "sort=-state").rows] == ["b", "c", "a"]


def test_rows_are_chosen_searched_and_counted() -> None:
    """A count is of all that match, not of the page."""
    rows = _rows({"alpha": "on", "beta": "on", "gamma": "off"})

    page = _page(rows, "state=on&q=A&count=true&limit=1&fields=state,name")

    assert page.rows == [{"name": "alpha", "state": "on"}]
    assert page.count == 2
    assert page.following is not None
