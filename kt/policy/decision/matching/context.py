"""Checks of the words around a number: `MRN 0012345` against `part 0012345`."""

from __future__ import annotations

from kt.policy.decision.matching.patterns import Check, Spans
from kt.policy.decision.reading.engine import compiled

_BEFORE = 40
_AFTER = 16


def near(words: str, check: Check) -> Check:
    """A check that confirms what `check` does, if one of `words` is shortly before or after.

    `words` is an alternation in RE2's syntax; case and what joins words do not count.
    """
    pattern = compiled(f"(?i)(?:^|[^a-z])(?:{words})(?:[^a-z]|$)")

    def confirm(text: str, start: int, end: int) -> Spans:
        spans = tuple(check(text, start, end))
        if not spans:
            return ()
        before = text[max(0, start - _BEFORE) : start]
        after = text[end : end + _AFTER]
        around = f"{before} | {after}".encode("utf-8", "replace")
        return spans if pattern.search(around) else ()

    return confirm


_OTHER_NUMBERS = compiled(
    r"(?i)\b(?:parts?|orders?|invoices?|models?|serial|skus?|items?|tickets?|cases?|lots?|batch|"
    r"catalogue?|tracking|isbn|version|release|build|room|docket|sections?|para(?:\.|s|graphs?)?|clauses?|"
    r"articles?|chapters?|figures?|po)"
    # A full stop is an abbreviation's: after any other word it ends what was said before.
    r"(?:[ \t]+(?:no\.?|number|nr\.?|id))?[ \t]*[:#]*[ \t]*$"
)


def named_otherwise(text: str, start: int) -> bool:
    """True when the word before a number says that it numbers a thing: `part 128-16-9406`."""
    before = text[max(0, start - _BEFORE) : start].encode("utf-8", "replace")
    return _OTHER_NUMBERS.search(before) is not None


def alone(text: str, start: int, end: int) -> bool:
    """True when a span is a word of its own, and not a piece of a longer number.

    `12.5` and `1-2` are longer numbers; a full stop or a dash before anything
    but a digit is punctuation, and an underscore always is.
    """
    outwards = (text[max(0, start - 2) : start][::-1], text[end : end + 2])
    longer = any(signs[:1] in (".", "-") and signs[1:].isdecimal() for signs in outwards)
    return apart(text, start, end) and not longer


def apart(text: str, start: int, end: int) -> bool:
    """True when no ASCII letter or digit stands at either end of a span.

    Values are ASCII: in a script without spaces they stand between two words.
    """
    return not (_ascii_word(text[max(0, start - 1) : start]) or _ascii_word(text[end : end + 1]))


def _ascii_word(sign: str) -> bool:
    return sign.isascii() and sign.isalnum()
