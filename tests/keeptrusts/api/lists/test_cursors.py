"""Cursors: what they hold comes back, and tells nobody anything."""

import dataclasses
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.api.errors import FieldError
from keeptrusts.api.lists import cursors
from keeptrusts.api.lists.cursors import Position

_ORDER = "tokens -created_at"
_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 2**63 - 1),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.uuids(),
    st.datetimes(timezones=st.just(UTC)),
)


@given(_VALUES, _VALUES)
def test_a_position_comes_back(value: cursors.Value, key: cursors.Value) -> None:
    """As the values that it was made of, with their types."""
    position = Position(value, key)

    found = cursors.read(cursors.written(position, order=_ORDER), order=_ORDER)

    assert found == position
    assert (type(found.value), type(found.key)) == (type(value), type(key))


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_no_cursor_tells_how_many_rows_there_are(one: int, other: int) -> None:
    """Neither in its text nor by its length."""
    first, second = (cursors.written(Position(n, n), order=_ORDER) for n in (one, other))

    assert len(first) == len(second)
    assert (first == second) == (one == other)


@pytest.mark.parametrize("order", ["tokens created_at", "trusts -created_at", ""])
def test_a_cursor_is_of_one_order_of_one_list(order: str) -> None:
    """In another its place would be another's."""
    cursor = cursors.written(Position(datetime(2031, 1, 2, tzinfo=UTC), UUID(int=1)), order=_ORDER)

    with pytest.raises(FieldError, match="same sort"):
        cursors.read(cursor, order=order)


@pytest.mark.parametrize("text", ["1", "x", "=", "AAAA", "\u0661", "a b", "a" * 5000, "%00", "\0"])
def test_what_no_answer_had_is_refused(text: str) -> None:
    """By the name of the parameter."""
    with pytest.raises(FieldError) as caught:
        cursors.read(text, order=_ORDER)

    assert [detail["field"] for detail in caught.value.details] == ["cursor"]


@given(st.data())
def test_an_altered_cursor_is_refused(data: st.DataObject) -> None:
    """Wherever a character is another one."""
    cursor = cursors.written(Position("a", "b"), order=_ORDER)
    place = data.draw(st.integers(0, len(cursor) - 2))
    other = data.draw(st.sampled_from("abcXYZ019-_").filter(lambda one: one != cursor[place]))

    with pytest.raises(FieldError):
        cursors.read(cursor[:place] + other + cursor[place + 1 :], order=_ORDER)


def test_a_cursor_outlives_a_rotation_of_keys(settings: LazySettings) -> None:
    """While the key before is still there."""
    env = settings.ENV
    cursor = cursors.written(Position("a", "b"), order=_ORDER)

    settings.ENV = dataclasses.replace(env, secret_keys=("another" * 8, *env.secret_keys))

    assert cursors.read(cursor, order=_ORDER) == Position("a", "b")
