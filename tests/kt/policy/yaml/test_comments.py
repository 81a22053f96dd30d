"""Comments of a text, told from what values hold."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kt.policy.yaml.comments import MAX_COMMENTS, comments

SIGN = "#[ \t]*sign"

_texts = st.lists(
    st.sampled_from(["# sign", "#sign", " ", "\n", "a", "'", '"', "- ", ": ", "\\", "\ue000", "é"]),
    max_size=12,
).map("".join)
_values = st.recursive(
    _texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3)
)


def _told(text: str) -> list[tuple[int, int, int, str]]:
    return [(one.line, one.column, one.about, one.text) for one in comments(text, SIGN)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: b # sign c", [(1, 6, 1, " c")]),
        ("a: b #sign", [(1, 6, 1, "")]),
        ("a: b# sign", []),
        ("a: 'b # sign c' # sign d", [(1, 17, 1, " d")]),
        ("# sign c\na: b", [(1, 1, 2, " c")]),
        ("# sign c\n\n  # d\n# sign e\na: b", [(1, 1, 5, " c"), (4, 1, 5, " e")]),
        ("a: b\n# sign c\n", [(2, 1, 2, " c")]),
        ("a: | # sign c\n  # sign d\n # sign e\nb: f", [(1, 6, 1, " c"), (3, 2, 4, " e")]),
        ("a: >-\n  x # sign d\nb: c", []),
        ('a: "b\n  # sign c"', []),
        ("'# sign a': b", []),
        ("[a, # sign b\n c]", [(1, 5, 1, " b")]),
        ("a: b # c # sign d", [(1, 10, 1, " d")]),
        ("a: b\r\n# sign c\rd: e # sign f\n", [(2, 1, 3, " c"), (3, 6, 3, " f")]),
        ("a: \ue000 # sign c", [(1, 6, 1, " c")]),
        ("a: &x '# sign b'\nc: *x # sign d", [(2, 7, 2, " d")]),
    ],
)
def test_a_comment_is_told_with_its_place(text: str, told: list[tuple[int, int, int, str]]) -> None:
    """Line, column, the line that it is about, and what follows its beginning."""
    assert _told(text) == told


@given(_values, st.sampled_from([None, "'", '"', "|", ">"]), st.sampled_from([None, True, False]))
def test_no_value_is_a_comment(value: object, style: str | None, flow: bool | None) -> None:
    """Whatever a text holds and however it is written: a dump has no comment."""
    text = yaml.dump(value, default_style=style, default_flow_style=flow, allow_unicode=True)

    assert _told(text) == []
    assert [one[-1] for one in _told(f"# sign A\n{text}")] == [" A"]


def test_there_is_an_end_to_them() -> None:
    """A megabyte of them, or a text with every mark, is no work without bounds."""
    marks = "".join(map(chr, range(0xE000, 0xF8FF)))

    assert len(comments("# sign\n" * 100_000 + "a: b", SIGN)) == MAX_COMMENTS
    assert comments(f"a: {marks} # sign", SIGN) == []
