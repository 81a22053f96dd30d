"""Rules for terms: words and phrases, matched on word boundaries, in any case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from kt.policy.decision.matching.patterns import PatternRule, Spans
from kt.policy.decision.reading.engine import escaped, kept
from kt.policy.decision.reading.views import View, read
from kt.policy.decision.reading.words import joined

# RE2's `\s` is ASCII; text may be spaced by what Unicode has beyond it.
GAP = r"[\s\pZ\x{85}]+"
TERM_VIEWS = (View.FOLDED, View.SKELETON)


def term_rules(term: str, *, name: str, label: str) -> Iterator[PatternRule]:
    """The rules for one term; any run of white space in it matches any other.

    A term with look-alikes of Latin letters (`вода` has three) is one text in
    the folded view and another in the skeleton, so it makes a rule for each.
    """
    for pattern, views in kept(("term", term), partial(_patterns, term)).items():
        yield PatternRule(name, label, pattern, tuple(views), whole_words)


def _patterns(term: str) -> Mapping[str, Sequence[View]]:
    """The patterns of a term, each with the views that it is for."""
    patterns: dict[str, list[View]] = {}
    for view in TERM_VIEWS:
        words = read(term, view).split()
        if words:
            patterns.setdefault(GAP.join(map(escaped, words)), []).append(view)
    return patterns


def whole_words(text: str, start: int, end: int) -> Spans:
    """Confirm a span whose ends do not cut a word in two."""
    cut_before = start > 0 and joined(text[start - 1], text[start])
    cut_after = end < len(text) and joined(text[end - 1], text[end])
    return () if cut_before or cut_after else ((start, end),)
