"""`prompt-injection`: attempts to override the model's instructions, in every disguise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from kt.policy.decision.cutting.hits import detections
from kt.policy.decision.detectors.injections import IMITATIONS, PHRASES, TOKENS
from kt.policy.decision.matching.custom import pattern_rules
from kt.policy.decision.matching.matcher import Hit, Matcher, compile_rules
from kt.policy.decision.matching.negations import negated
from kt.policy.decision.matching.patterns import PatternRule, Spans
from kt.policy.decision.matching.phrases import phrase_rules, spelt_rules
from kt.policy.decision.matching.spelt import spelt
from kt.policy.decision.outcome import PASSED, Outcome, Policy, ProviderTarget
from kt.policy.decision.reading.reading import Reading
from kt.policy.decision.reading.views import WORDS_OF, View
from kt.policy.decision.subject import Subject

KIND = "prompt-injection"
_OPERATORS = frozenset({"system", "developer"})
_MESSAGE = "The request looks like an attempt to override its instructions."


@dataclass(frozen=True, slots=True)
class PromptInjection(Policy):
    """A compiled `prompt-injection` block."""

    message: str
    decode_base64: bool
    spelt_view: View
    phrases: Matcher
    spelt_phrases: Matcher
    tokens: Matcher
    imitations: Matcher
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
        for reading in subject.phrased:
            if reading.decoded and not self.decode_base64:
                continue
            for matcher in (self.phrases, self.tokens, self.patterns):
                hits += matcher.scan(reading)
            hits += self._imitated(subject, reading)
            spelt_out = spelt(reading, self.spelt_view)
            if spelt_out:
                hits += self.spelt_phrases.scan(spelt_out)
                hits += self.patterns.scan(spelt_out)
        return hits

    def _imitated(self, subject: Subject, reading: Reading) -> list[Hit]:
        """Imitated headings such as `[system]`; in the operator's own messages they are genuine."""
        hits = self.imitations.scan(reading)
        return [hit for hit in hits if subject.parts[hit.places[0].part].role not in _OPERATORS]


def compile_block(fields: Mapping[str, Any], _targets: Sequence[ProviderTarget]) -> PromptInjection:
    """Compile a `prompt-injection` block whose fields are complete."""
    encoding = fields["encoding"]
    views = _views(encoding["normalize_unicode"], encoding["detect_homoglyphs"])
    fakes = fields["boundaries"]["reject_fake_boundaries"]
    return PromptInjection(
        message=fields["response"]["message"] or _MESSAGE,
        decode_base64=encoding["decode_base64"],
        spelt_view=views[-1],
        phrases=_phrases(tuple(WORDS_OF[view] for view in views)),
        spelt_phrases=_spelt_phrases(),
        tokens=_boundaries("token", TOKENS if fakes else (), views),
        imitations=_boundaries("imitation", IMITATIONS if fakes else (), views),
        patterns=compile_rules(_given(fields, views)),
    )


def _views(normalize: bool, homoglyphs: bool) -> tuple[View, ...]:
    folded = View.FOLDED if normalize else View.LOWER
    return (folded, View.SKELETON) if homoglyphs else (folded,)


@cache
def _phrases(views: tuple[View, ...]) -> Matcher:
    rules = phrase_rules(PHRASES, name="phrase", label="override", views=views, excuse=negated)
    return compile_rules(rules)


@cache
def _boundaries(name: str, patterns: tuple[str, ...], views: tuple[View, ...]) -> Matcher:
    return compile_rules(
        PatternRule(f"{name}.{number}", "fake_boundary", pattern, views, _apart)
        for number, pattern in enumerate(patterns, start=1)
    )


def _apart(text: str, start: int, end: int) -> Spans:
    """A delimiter that stands by itself: `List<System>` and `C<system>` are code."""
    before = text[max(0, start - 1) : start]
    inside = text[start] == "<" and before.isascii() and before.isalnum()
    return () if inside else ((start, end),)


@cache
def _spelt_phrases() -> Matcher:
    return compile_rules(spelt_rules(PHRASES, name="phrase", label="override"))


def _given(fields: Mapping[str, Any], views: tuple[View, ...]) -> Iterator[PatternRule]:
    """The rules of the author's patterns, which also search the text without lower-casing."""
    plain = (View.PLAIN,) if View.SKELETON in views else ()
    return pattern_rules(
        fields["detection"]["attack_patterns"],
        field="detection.attack_patterns",
        label="attack_pattern",
        views=(View.RAW, *plain, *views),
    )
