"""Texts of answers and of requests, of which none may steer a terminal."""

import json
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.serializers import ValidationError

from keeptrusts.api.fields import Line, Lines
from keeptrusts.api.printable import encode, printable
from tests.support.printing import unprintable

NASTY = "\x1b]52;c;b3duZWQ=\x07\x1b[2K\rin_sync\n::error::x\u202etxt\u200b\U000e0041\x9b\x7f"
# Marks before numbers in Arabic writing are seen; the joiners are part of words and emoji.
_SEEN = {*"\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\u200c\u200d"}


def test_every_character_is_judged_by_what_it_is() -> None:
    """Controls, separators of lines, and invisible formatting are escaped; all else is left."""
    for code in range(0x110000):
        char = chr(code)
        kind = unicodedata.category(char)
        if kind in ("Cc", "Zl", "Zp", "Cs"):
            assert printable(char) != char, hex(code)
        elif kind != "Cf":
            # What is not assigned yet may become invisible, and is left alone only where it is not.
            assert printable(char) == char or kind == "Cn", hex(code)
        elif unicodedata.bidirectional(char) not in ("AN", "AL") and char not in _SEEN:
            assert printable(char) != char or code in range(0x110BD, 0x13460), hex(code)


texts = st.one_of(st.text(), st.text(NASTY), st.sampled_from([NASTY, "é", "a\\nb", "\\", "\u0800"]))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), texts),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(texts, inner)),
    max_leaves=20,
)


@given(values)
def test_no_answer_has_anything_raw(value: Any) -> None:
    """Whatever it is made of; once more changes nothing, and what was printable stays."""
    try:
        data = json.loads(encode(value))
    except TypeError:  # Half a surrogate pair, which JSON of this kind cannot say.
        return

    assert unprintable(data) == []
    assert json.loads(encode(data)) == data
    if unprintable(value) == [] and not any(
        map(_may_be_unseen, json.dumps(value, ensure_ascii=False))
    ):
        assert data == value


def _may_be_unseen(char: str) -> bool:
    """Formatting, and what may become it one day."""
    return unicodedata.category(char) in ("Cf", "Cn")


def test_lines_stay_where_people_write_them() -> None:
    """In fields that are named so, but not what steers a terminal."""
    answer = json.loads(encode({"known_hosts": "a\nb\x1b", "name": "a\nb"}))

    assert answer == {"known_hosts": "a\nb\\x1b", "name": "a\\nb"}
    assert printable({"known_hosts": "a\nb"}, keeps_lines=False) == {"known_hosts": "a\\nb"}


@pytest.mark.parametrize(
    ("text", "line", "lines"),
    [
        ("Müller & Søn, 東京\u3000 👩\u200d💻 नम\u200dस्ते", True, True),
        ("two\nlines\tand a tab", False, True),
        ("\x1b[2J", False, False),
        ("a\rb", False, False),
        ("\u202egnp.exe", False, False),
        ("\u2066a\u2069", False, False),
        ("\u200b", False, False),
        ("\x9b1m", False, False),
        ("\U000e0041", False, False),
    ],
)
def test_what_people_send_is_printable(text: str, line: bool, lines: bool) -> None:
    """Or refused, with the place."""
    for field, is_taken in ((Line(), line), (Lines(), lines)):
        if is_taken:
            assert field.run_validation(text) == text
        else:
            with pytest.raises(ValidationError, match=r"printable text; character \d is U\+"):
                field.run_validation(text)


def test_a_list_of_plain_rows_costs_little() -> None:
    """Ten thousand rows are looked through in a fraction of a second, accents included."""
    rows = [{"id": f"bot-{n}", "name": "Prüfung", "labels": {"a": "b"}} for n in range(10_000)]
    began = time.process_time()
    encode({"data": rows})

    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**400])
@pytest.mark.parametrize("beside", ["", "é", "\u202e"])
def test_a_whole_number_is_told_as_it_is(number: int, beside: str) -> None:
    """However many bits it has, and whatever stands beside it."""
    told = encode({"a": [{"b": number}], "c": beside}).decode()

    assert f'"b":{number}' in told
