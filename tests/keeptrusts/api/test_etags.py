"""ETags of rows, and the conditions of callers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.api import etags
from keeptrusts.api.errors import FieldError
from keeptrusts.api.etags import Condition

_CHARACTERS = st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters='"\x7f')
_OPAQUE = st.text(_CHARACTERS.filter(lambda c: ord(c) < 0x7F or ord(c) >= 0x80), max_size=9)


@pytest.mark.parametrize(
    ("sent", "met"),
    [
        ('"a"', True),
        ('"b", "a"', True),
        (' "b" ,\t"a" ', True),
        (',, "a" ,,', True),
        ("*", True),
        (" * ", True),
        ('"b"', False),
        ('W/"a"', False),
        ('W/"a", "b"', False),
        ('"A"', False),
        ('"a,a"', False),
        ('""', False),
    ],
)
def test_a_condition_is_met_by_a_strong_etag_of_its_list(sent: str, met: bool) -> None:
    """RFC 9110, 13.1.1: a weak one says that something may have changed."""
    wanted = etags.condition(sent)

    assert wanted is not None
    assert wanted.is_met('"a"') == met


@pytest.mark.parametrize(
    "sent", ["", "a", '"a', '"a" "b"', "*, *", '*, "a"', 'w/"a"', '"a b"', '"a"b', "'a'", '"\x7f"']
)
def test_what_is_no_condition_is_refused(sent: str) -> None:
    """Whoever sends it believes that the write is conditional."""
    with pytest.raises(FieldError, match="If-Match"):
        etags.condition(sent)


def test_without_a_header_there_is_no_condition() -> None:
    """Whoever sends none writes upon any state."""
    assert etags.condition(None) is None
    assert etags.condition("*") == Condition(is_any=True)


@given(st.lists(_OPAQUE, min_size=1, max_size=5))
def test_every_tag_of_a_list_is_read(texts: list[str]) -> None:
    """Commas and slashes within a tag are its own."""
    tags = [f'"{text}"' for text in texts]

    wanted = etags.condition(", ".join(tags))

    assert wanted == Condition(frozenset(tags))


_ROWS = st.dictionaries(
    st.text(max_size=3), st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=3)
)


@given(_ROWS, _ROWS)
def test_an_etag_tells_rows_apart(one: dict[str, object], other: dict[str, object]) -> None:
    """And does not depend on the order of the keys, nor on fields that are left out."""
    turned = dict(reversed(one.items()))

    assert etags.of({"row": one}) == etags.of({"row": turned})
    assert (etags.of(one) == etags.of(other)) == (_json(one) == _json(other))
    assert etags.of({**one, "seen": 1}, without=["seen"]) == etags.of(
        {**one, "seen": 2}, without=["seen"]
    )
    assert etags.condition(etags.of(one)) == Condition(frozenset([etags.of(one)]))


def _json(row: dict[str, object]) -> str:
    import json

    from keeptrusts.api.printable import encode

    return json.dumps(json.loads(encode(row)), sort_keys=True)
