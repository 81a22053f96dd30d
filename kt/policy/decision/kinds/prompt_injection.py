"""`prompt-injection`: attempts to override the model's instructions, in every disguise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from kt.policy.decision.cutting.hits import detections
from kt.policy.decision.detectors.frames import genuine
from kt.policy.decision.detectors.ideas import injection
from kt.policy.decision.detectors.ideas.words import INJECTION, TOGETHER
from kt.policy.decision.detectors.injections import (
    CALLS,
    FRAMES,
    IMITATIONS,
    PHRASES,
    SPELT_PHRASES,
    TOKENS,
)
from kt.policy.decision.matching.custom import pattern_rules
from kt.policy.decision.matching.ideas.finder import IdeaFinder, denied
from kt.policy.decision.matching.ideas.idea import Where
from kt.policy.decision.matching.ideas.lexicon import Lexicon
from kt.policy.decision.matching.matcher import Hit, Known, Matcher, compile_rules
from kt.policy.decision.matching.negations import Denials
from kt.policy.decision.matching.patterns import PatternRule, Spans
from kt.policy.decision.matching.phrases import phrase_rules, spelt_rules
from kt.policy.decision.matching.spelt import spelt
from kt.policy.decision.outcome import PASSED, Outcome, Policy, ProviderTarget
from kt.policy.decision.reading.reading import Reading
from kt.policy.decision.reading.views import WORDS_OF, View
from kt.policy.decision.subject import Subject

KIND = "prompt-injection"
_OPERATORS = frozenset({"system", "developer"})
_TOOLS = frozenset({"tool", "function"})
_IMITATION = "imitation"
_MESSAGE = "The request looks like an attempt to override its instructions."


@dataclass(frozen=True, slots=True)
class PromptInjection(Policy):
    """A compiled `prompt-injection` block.

    Lexicons, ideas, and phrases of text that was spelt out are made when the first text asks.
    """

    message: str
    decode_base64: bool
    views: tuple[View, ...]
    strict: bool
    frames: Matcher
    phrases: Matcher
    boundaries: Matcher
    patterns: Matcher

    def judge(self, subject: Subject) -> Outcome:
        """Block when any reading of any text holds an attempt."""
        hits = self._hits(subject)
        if not hits:
            return PASSED
        reported = detections(KIND, subject, hits)
        return Outcome("block", "prompt_injection.detected", self.message, reported)

    def _hits(self, subject: Subject) -> list[Hit]:
        hits: list[Hit] = []
        known: Known = set()
        for reading in subject.phrased(known):
            if reading.decoded and not self.decode_base64:
                continue
            for matcher in (self.phrases, self.patterns):
                hits += matcher.scan(reading, known)
            hits += self._meant(subject, reading, known)
            hits += self._bounded(subject, reading, known)
            spelt_out = spelt(reading, self.views[-1])
            if spelt_out:
                hits += _spelt_phrases().scan(spelt_out, known)
                hits += self._meant(subject, spelt_out, known)
                hits += self.patterns.scan(spelt_out, known)
        return hits

    def _meant(self, subject: Subject, reading: Reading, known: Known) -> list[Hit]:
        """The ideas that a text of its role can have; what tools brought back speaks to nobody."""
        sorts = self._sorts(subject)
        return [
            hit
            for idea, hit in _ideas(self.views).found(reading, known, sorts)
            if _possible(idea.where, subject.parts[hit.places[0].part].role)
        ]

    def _sorts(self, subject: Subject) -> tuple[Where, ...]:
        if not _of_tools(subject):
            return ("anywhere", "outside")
        brought: tuple[Where, ...] = ("tools", "strict") if self.strict else ("tools",)
        return ("anywhere", "outside", *brought)

    def _bounded(self, subject: Subject, reading: Reading, known: Known) -> list[Hit]:
        """Tokens, and headings such as `[system]`: genuine in the operator's own messages."""
        hits = [
            hit
            for hit in self.boundaries.scan(reading, known)
            if not hit.rule.name.startswith(_IMITATION)
            or subject.parts[hit.places[0].part].role not in _OPERATORS
        ]
        if _of_tools(subject):
            framed = self.frames.scan(reading, known)
            hits += [hit for hit in framed if subject.parts[hit.places[0].part].role in _TOOLS]
        return hits


def _of_tools(subject: Subject) -> bool:
    """Whether tools brought something."""
    return any(part.role in _TOOLS for part in subject.parts)


def _possible(where: Where, role: str) -> bool:
    """Whether a text that somebody of a role says can have an idea."""
    if where == "anywhere":
        return True
    return role not in _OPERATORS if where == "outside" else role in _TOOLS


def compile_block(fields: Mapping[str, Any], _targets: Sequence[ProviderTarget]) -> PromptInjection:
    """Compile a `prompt-injection` block whose fields are complete."""
    encoding = fields["encoding"]
    views = _views(encoding["normalize_unicode"], encoding["detect_homoglyphs"])
    fakes = fields["boundaries"]["reject_fake_boundaries"]
    strict = fields["scope"] == "tool_results"
    return PromptInjection(
        message=fields["response"]["message"] or _MESSAGE,
        decode_base64=encoding["decode_base64"],
        views=views,
        strict=strict,
        frames=_boundaries((("frame", FRAMES + CALLS if strict else FRAMES),), views),
        phrases=_phrases(tuple(WORDS_OF[view] for view in views)),
        boundaries=_boundaries(
            (("token", TOKENS), (_IMITATION, IMITATIONS)) if fakes else (), views
        ),
        patterns=compile_rules(_given(fields, views)),
    )


def _views(normalize: bool, homoglyphs: bool) -> tuple[View, ...]:
    folded = View.FOLDED if normalize else View.LOWER
    return (folded, View.SKELETON) if homoglyphs else (folded,)


@cache
def _phrases(views: tuple[View, ...]) -> Matcher:
    rules = phrase_rules(PHRASES, name="phrase", label="override", views=views, excuses=Denials.of)
    return compile_rules(rules)


def _lexicon() -> Lexicon:
    return TOGETHER.lexicon(INJECTION, injection.MISSPELT)


@cache
def _ideas(views: tuple[View, ...]) -> IdeaFinder:
    lexicon = _lexicon()
    never = lexicon.letters_of("never")
    return IdeaFinder(
        lexicon,
        injection.IDEAS,
        label="override",
        views=views,
        excuses=Denials.of,
        harmless=denied(never),
    )


@cache
def _boundaries(named: tuple[tuple[str, tuple[str, ...]], ...], views: tuple[View, ...]) -> Matcher:
    return compile_rules(
        PatternRule(f"{name}.{number}", "fake_boundary", pattern, views, _apart)
        for name, patterns in named
        for number, pattern in enumerate(patterns, start=1)
    )


def _apart(text: str, start: int, end: int) -> Spans:
    """A delimiter that stands by itself: `List<System>` and `C<system>` are code."""
    return () if genuine(text, start, end) else ((start, end),)


@cache
def _spelt_phrases() -> Matcher:
    return compile_rules(spelt_rules(SPELT_PHRASES, name="phrase", label="override"))


def _given(fields: Mapping[str, Any], views: tuple[View, ...]) -> Iterator[PatternRule]:
    """The rules of the author's patterns, which also search the text without lower-casing."""
    plain = (View.PLAIN,) if View.SKELETON in views else ()
    return pattern_rules(
        fields["detection"]["attack_patterns"],
        field="detection.attack_patterns",
        label="attack_pattern",
        views=(View.RAW, *plain, *views),
    )
