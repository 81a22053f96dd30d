"""Policies as lines in colours, with what lint says of each line beside it.

What is shown was written by strangers: each line is bounded, and nothing of it is markup.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString
from pygments.lexers.data import YamlLexer
from pygments.token import Token

from keeptrusts.api.printable import printable

_LONGEST = 500
_ROW = 60
# The class of a token and of all below it, the first that it is in.
_CLASSES = (
    (Token.Comment, "c"),
    (Token.Name, "k"),
    (Token.Literal.String, "s"),
    (Token.Error, "e"),
)

Finding = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its number, its text as HTML, and the findings about it."""

    number: int
    html: SafeString
    findings: Sequence[Finding] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """Lines of a text from `first` on; `following` is where the next ones begin, 0 at the end."""

    lines: Sequence[Line]
    first: int
    total: int
    following: int
    elsewhere: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Size:
    """What a page shows at once: text that was made to be slow costs 10 µs a character.

    `markup` are the characters of the lines as HTML, with those that each row of the table has.
    """

    lines: int
    characters: int
    markup: int

    def fitting(self, rows: Sequence[str]) -> Sequence[str]:
        """The first rows that fit; one at least."""
        left = self.characters
        for number, row in enumerate(rows[: self.lines]):
            left -= min(len(row), _LONGEST)
            if left < 0:
                return rows[: max(number, 1)]
        return rows[: self.lines]

    def fitting_markup(self, rows: Sequence[SafeString]) -> Sequence[SafeString]:
        """The first lines in colours that fit; one at least."""
        left = self.markup
        for number, row in enumerate(rows):
            left -= len(row) + _ROW
            if left < 0:
                return rows[: max(number, 1)]
        return rows


# At the end of a page with more, and on a page of its own.
GLANCE, WHOLE = Size(150, 8_000, 30_000), Size(500, 24_000, 75_000)


def sheet(text: str, findings: Iterable[Finding], *, first: int = 1, size: Size) -> Sheet:
    """As many lines of a policy as a size allows, and the findings about other lines."""
    rows = text.split("\n")
    if len(rows) > 1 and not rows[-1]:
        rows.pop()
    first = min(max(first, 1), len(rows))
    beside: dict[int, list[Finding]] = defaultdict(list)
    for one in findings:
        beside[one["line"]].append(one)
    coloured = size.fitting_markup(coloured_lines(size.fitting(rows[first - 1 :])))
    last = first - 1 + len(coloured)
    lines = [
        Line(number, html, beside.pop(number, ())) for number, html in enumerate(coloured, first)
    ]
    elsewhere = [one for number in sorted(beside) for one in beside[number]]
    return Sheet(lines, first, len(rows), 0 if last == len(rows) else last + 1, elsewhere)


def coloured_lines(rows: Sequence[str]) -> list[SafeString]:
    """Lines of YAML as HTML, each for itself, and each as long as it may be."""
    shown = [_bounded(row) for row in rows]
    found = [""]
    for kind, piece in _tokens("\n".join(shown)):
        for number, part in enumerate(piece.split("\n")):
            if number:
                found.append("")
            found[-1] += _marked(kind, part)
    return [SafeString(line) for line in found[: len(rows)]]


def _bounded(row: str) -> str:
    clean = printable(row.rstrip("\r")[: _LONGEST + 1], keeps_lines=False)
    return clean if len(clean) <= _LONGEST else f"{clean[:_LONGEST]}…"


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Stretches of a text with their classes; neighbours of one class are one."""
    lexer = YamlLexer(stripnl=False, ensurenl=False)
    before, gathered = "", ""
    for token, piece in lexer.get_tokens(text):
        kind = next((name for above, name in _CLASSES if token in above), "")
        if kind == before:
            gathered += piece
            continue
        yield before, gathered
        before, gathered = kind, piece
    yield before, gathered


def _marked(kind: str, text: str) -> str:
    escaped = escape(text)
    return f'<span class="{kind}">{escaped}</span>' if kind and text.strip() else escaped
