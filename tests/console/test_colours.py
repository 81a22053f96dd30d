"""Policies in colours: lines that are bounded, escaped, and have their findings beside them."""

import time
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.colours import GLANCE, WHOLE, Size, coloured_lines, sheet

_SOME = Size(3, 1000, 10_000)


def _finding(line: int) -> dict[str, object]:
    return {"line": line, "message": f"about {line}", "severity": "error"}


def _plain(html: str) -> str:
    parts = html.split("<span class=")
    return unescape("".join(part.partition(">")[2] if n else part for n, part in enumerate(parts))
                    .replace("</span>", ""))  # fmt: skip


def test_kinds_of_words_have_classes() -> None:
    """Keys, texts, other values and comments; what is between them has none."""
    assert coloured_lines(['a: "b" # c', "d: 1"]) == [
        '<span class="k">a</span>: <span class="s">&quot;b&quot;</span> <span class="c"># c</span>',
        '<span class="k">d</span>: 1',
    ]


@given(st.lists(st.text(st.characters(exclude_characters="\n\r"), max_size=30), max_size=8))
def test_no_text_is_lost_and_none_is_markup(rows: list[str]) -> None:
    """Each line stays one, whatever stands in it."""
    found = coloured_lines(rows)

    assert len(found) == len(rows)
    for row, html in zip(rows, found, strict=True):
        assert row.isprintable() is False or _plain(html) == row
        assert "<" not in html.replace("<span class=", "").replace("</span>", "")


def test_what_turns_the_way_of_writing_is_shown_as_what_it_is() -> None:
    """So nobody reads another policy than the gateway does."""
    assert coloured_lines(["a: \u202eb"]) == ['<span class="k">a</span>: \\u202eb']


def test_a_text_is_shown_from_a_line_on() -> None:
    """With where it goes on, and the findings of other lines apart."""
    text = "".join(f"a{number}: 1\n" for number in range(1, 8))

    found = sheet(text, [_finding(1), _finding(4), _finding(4)], first=3, size=_SOME)

    assert [line.number for line in found.lines] == [3, 4, 5]
    assert [len(line.findings) for line in found.lines] == [0, 2, 0]
    assert (found.total, found.following) == (7, 6)
    assert [one["line"] for one in found.elsewhere] == [1]
    assert sheet(text, [], first=6, size=_SOME).following == 0


@pytest.mark.parametrize(("first", "number"), [(-5, 1), (0, 1), (2, 2), (99, 2)])
def test_a_line_that_is_not_there_is_the_nearest(first: int, number: int) -> None:
    """The last one, or the first."""
    assert sheet("a: 1\nb: 2\n", [], first=first, size=_SOME).lines[0].number == number


def test_an_empty_text_has_one_empty_line() -> None:
    """And nothing follows it."""
    found = sheet("", [], size=_SOME)

    assert ([line.html for line in found.lines], found.following) == ([""], 0)


@pytest.mark.parametrize(
    "piece", ['"', "{", "- ", "&a", "!<", "\t", "%YAML", "? : - [", "a: ", "<", "a,"]
)
def test_text_that_was_made_to_be_slow_or_large_is_bounded(piece: str) -> None:
    """A page of it takes less than a second, and less than 100 KB."""
    text = ("{" + piece * 600 + "\n") * 3000
    for size in (GLANCE, WHOLE):
        before = time.process_time()
        found = sheet(text, [], size=size)

        assert time.process_time() - before < 1
        assert sum(len(line.html) + 60 for line in found.lines) < 90_000
        assert found.following > 0
