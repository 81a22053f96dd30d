"""The readings of a text that matchers see, and the way back to the original.

| view | what was done |
|---|---|
| `RAW` | nothing |
| `LOWER` | casefolded, for a kind that is told not to normalise |
| `FOLDED` | NFKC, default-ignorables dropped, casefolded |
| `PLAIN` | NFKC, default-ignorables dropped, look-alikes read as ASCII |
| `SKELETON` | `PLAIN`, casefolded |

The text of a view is made by fast whole-string calls; the map back is built
only when something hit, one combining cluster at a time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from enum import Enum

from kt.policy.decision.engine import compiled
from kt.policy.decision.lookalikes import ALIKE, IGNORED


class View(Enum):
    RAW = "raw"
    LOWER = "lower"
    FOLDED = "folded"
    PLAIN = "plain"
    SKELETON = "skeleton"


# No composition looks further back than this many characters.
_REACH = 8

# CPython orders the marks of one cluster by insertion: 40,000 of them take seconds.
# As in the stream-safe format of UAX #15, a cluster ends after 30 marks.
_MARK = r"[\pM\x{FF9E}\x{FF9F}]"
_CROWD = compiled(f"{_MARK}{{31}}")
_PIECE = compiled(f"[^\\pM\\x{{FF9E}}\\x{{FF9F}}]*{_MARK}{{0,30}}")


def read(text: str, view: View) -> str:
    """The text as `view` shows it. Pure; ASCII text costs at most one lower-casing."""
    return _READERS[view](text)


def _folded(text: str) -> str:
    return text.lower() if text.isascii() else _compatible(text).translate(IGNORED).casefold()


def _plain(text: str) -> str:
    return text if text.isascii() else _compatible(text).translate(ALIKE)


def _compatible(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", piece) for piece in _pieces(text))


def _pieces(text: str) -> list[str]:
    """The text itself, or where marks crowd: cut so that normalising stays linear."""
    # RE2 reads UTF-8, which has no lone surrogates; a stand-in keeps the offsets.
    encodable = text.encode("utf-8", "replace").decode()
    if not _CROWD.search(encodable):
        return [text]
    cuts = [match.span() for match in _PIECE.finditer(encodable)]
    return [text[start:end] for start, end in cuts if start < end]


_READERS: dict[View, Callable[[str], str]] = {
    View.RAW: lambda text: text,
    View.LOWER: str.casefold,
    View.FOLDED: _folded,
    View.PLAIN: _plain,
    View.SKELETON: lambda text: _plain(text).casefold(),
}


def origins(text: str, view: View) -> list[tuple[int, int]] | None:
    """For each character of `read(text, view)`, the span of `text` it came from.

    None means that every character came from the one at its own place.
    """
    if view is View.RAW or text.isascii():
        return None
    spans: list[tuple[int, int]] = []
    start = 0
    for end in _cluster_ends(text, view):
        spans.extend([(start, end)] * len(read(text[start:end], view)))
        start = end
    length = len(read(text, view))
    if len(spans) != length:
        # A letter's own marks may be sorted past a cluster's end. Cutting too much is safe.
        return [(0, len(text))] * length
    return spans


def _cluster_ends(text: str, view: View) -> list[int]:
    if view is View.LOWER:
        return list(range(1, len(text) + 1))
    ends: list[int] = []
    base = 0
    for piece in _pieces(text):
        apart = (at for at in range(1, len(piece)) if _separate(piece, at))
        ends.extend(base + at for at in (*apart, len(piece)))
        base += len(piece)
    return ends if text else []


def _separate(text: str, at: int) -> bool:
    """Whether normalising what stands before and at `at` apart is the same as together."""
    sign = text[at]
    if sign < "\u0300":
        return True
    if unicodedata.combining(sign):
        return False
    before = text[max(0, at - _REACH) : at]
    apart = unicodedata.normalize("NFKC", before) + unicodedata.normalize("NFKC", sign)
    return unicodedata.normalize("NFKC", before + sign) == apart
