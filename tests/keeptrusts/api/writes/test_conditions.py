"""The conditional headers of writes: those that are honoured, and those that are refused."""

import pytest

from keeptrusts.api.errors import FieldError
from keeptrusts.api.writes import conditions
from keeptrusts.api.writes.conditions import IDEMPOTENCY_KEY, NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_condition_is_refused_unless_it_is_honoured(name: str) -> None:
    """The error names the header, and says what to do instead."""
    conditions.check({name: "x"}, [name])
    conditions.check({}, [])
    with pytest.raises(FieldError, match=name) as refused:
        conditions.check({name: "x"}, NAMES.keys() - {name})
    assert refused.value.details[0]["code"] == "not_honoured"
    assert NAMES[name] in refused.value.message


def test_other_headers_are_nobodys_business() -> None:
    """`If-Range` is about ranges, which no write has."""
    conditions.check({"If-Range": '"x"', "Range": "bytes=0-1", "Prefer": "wait=1"}, [])


@pytest.mark.parametrize(
    ("key", "is_good"),
    [
        ("a", True), ("a b", True), ('"quoted"', True), ("~" * 255, True), ("!", True),
        ("", False), ("~" * 256, False), ("\u00e9", False), ("a\tb", False), ("a\x7f", False),
    ],
)  # fmt: skip
def test_a_key_is_of_a_form(key: str, is_good: bool) -> None:
    """1 to 255 printable characters of ASCII."""
    if is_good:
        assert conditions.idempotency_key({IDEMPOTENCY_KEY: key}) == key
    else:
        with pytest.raises(FieldError, match=IDEMPOTENCY_KEY):
            conditions.idempotency_key({IDEMPOTENCY_KEY: key})


def test_without_a_header_there_is_no_key() -> None:
    """A request without one is made as often as it is sent."""
    assert conditions.idempotency_key({}) is None
