"""The mutants of a kind's block: shorter lists, other patterns, actions, switches and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from kt.policy.language.kinds import SENSITIVITIES
from kt.policy.mutants.edits import Step, got, path_of, put, without
from kt.policy.mutants.globs import names
from kt.policy.mutants.mutant import Mutant
from kt.policy.mutants.patterns import altered
from kt.policy.mutants.regional import PERSONS, telephones
from kt.policy.mutants.samples import (
    BUILT_IN,
    INJECTION,
    OF_MODES,
    QUIET,
    Part,
    calls,
    near_pattern,
    of_kind,
    of_pattern,
    of_tool,
    texts,
)
from kt.policy.settings import settings
from kt.policy.words import shown

_TERMS = ("block_if", "blocked_terms", "require_human_for")
_PATTERNS = ("detect_patterns", "attack_patterns")
_TOOLS = ("allowed_tools", "blocked_tools", "denied_tools", "allowed", "denied")
_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "safety-filter": ("escalate", "block"),
    "pii-detector": ("redact", "block"),
    "dlp-filter": ("redact", "block"),
    "human-oversight": ("escalate", "block"),
}
# Switches, with what shows that they are on.
_SWITCHES: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("healthcare_mode",): ("mrn", "npi"),
    ("pci_mode",): ("cvv", "cardholder"),
    ("encoding", "decode_base64"): ("encoded",),
    ("encoding", "normalize_unicode"): ("wide",),
    ("encoding", "detect_homoglyphs"): ("look-alike",),
    ("boundaries", "reject_fake_boundaries"): ("fake boundary",),
}

# A role that no policy lists.
_NOBODY = "nobody-at-all"


def quoted(text: str) -> str:
    """A text of the policy in a message."""
    return f'"{shown(text)}"'


def of_block(policy: Mapping[str, Any], kind: str) -> Iterator[Mutant]:
    """The mutants of `policy.<kind>`, as far as it is written."""
    block = (policy.get("policy") or {}).get(kind)
    if not block:
        return
    fields = settings(kind, block)
    make = _Maker(policy, kind, fields)
    yield from make.lists(block)
    yield from make.action(block)
    yield from make.switches(block)
    yield from make.numbers(block)
    if kind == "safety-filter":
        yield from make.mode(block)
    elif kind == "pii-detector":
        yield from make.countries(block)
    elif kind == "rbac":
        yield from make.roles(("roles",), "allowed_tools", "denied_tools")
        yield from make.access(block.get("data_access") or {})
    elif kind == "agent-firewall":
        yield from make.tools((), "allowed_tools", "blocked_tools", "")
        yield from make.roles(("tools", "roles"), "allowed", "denied")
    elif kind == "prompt-injection":
        yield from make.scope(block)


class _Maker:
    """The mutants of one block."""

    def __init__(self, policy: Mapping[str, Any], kind: str, fields: Mapping[str, Any]) -> None:
        self._policy, self._kind, self._fields = policy, kind, fields

    def _at(self, *steps: Step) -> tuple[Step, ...]:
        return ("policy", self._kind, *steps)

    def _made(
        self, operator: str, steps: Sequence[Step], words: str, policy: Any, parts: Any = None
    ) -> Mutant:
        found = parts or partial(of_kind, self._kind, self._fields)
        return Mutant(operator, path_of(steps), words, self._kind, policy, found)

    def _dropped(self, operator: str, steps: Sequence[Step], item: str, parts: Any) -> Mutant:
        left = without(self._policy, steps)
        return self._made(operator, steps, f"{quoted(item)} is dropped", left, parts)

    def lists(self, block: Mapping[str, Any]) -> Iterator[Mutant]:
        """Terms, patterns and headers dropped, and patterns altered."""
        for name in _TERMS:
            for at, term in enumerate(block.get(name) or ()):
                parts = partial(_of_term, term)
                yield self._dropped("term_dropped", self._at(name, at), term, parts)
        for steps in (*((name,) for name in _PATTERNS), ("detection", "attack_patterns")):
            for at, pattern in enumerate(got(block, steps) or ()):
                yield from self._pattern(self._at(*steps, at), pattern)
        for at, header in enumerate(block.get("deny_if_missing") or ()):
            quiet = next(texts(QUIET))
            parts = partial(iter, ({**quiet, "lacking": [header]},))
            yield self._dropped("list_shortened", self._at("deny_if_missing", at), header, parts)

    def _pattern(self, steps: Sequence[Step], pattern: str) -> Iterator[Mutant]:
        yield self._dropped("pattern_dropped", steps, pattern, partial(of_pattern, pattern))
        for other, words in altered(pattern):
            changed = put(self._policy, steps, other)
            parts = partial(near_pattern, pattern, other)
            told = f"the pattern {quoted(pattern)} {words}"
            if " becomes " in words:
                told = f"in the pattern {quoted(pattern)} {words}"
            yield self._made("pattern_altered", steps, told, changed, parts)

    def action(self, block: Mapping[str, Any]) -> Iterator[Mutant]:
        """The other of the two verdicts."""
        for other in _ACTIONS.get(self._kind, ()):
            if other != self._fields["action"] and ("action" in block or self._is_filled(block)):
                steps = self._at("action")
                words = f"{self._fields['action']} becomes {other}"
                changed = put(self._policy, steps, other)
                yield self._made("action_swapped", steps, words, changed)

    def _is_filled(self, block: Mapping[str, Any]) -> bool:
        """True of a block that says what is looked for, of which the default action is a part."""
        return any(block.get(name) for name in (*_TERMS, *_PATTERNS))

    def mode(self, block: Mapping[str, Any]) -> Iterator[Mutant]:
        """The other modes, of what is built in."""
        for other in OF_MODES if "mode" in block else ():
            if other != block["mode"]:
                changed = put(self._policy, self._at("mode"), other)
                words = f"{block['mode']} becomes {other}"
                parts = partial(texts, OF_MODES[block["mode"]], OF_MODES[other])
                yield self._made("mode_swapped", self._at("mode"), words, changed, parts)

    def countries(self, block: Mapping[str, Any]) -> Iterator[Mutant]:
        """Countries dropped whose numbers are found; of a sole region, another one instead.

        Telephone numbers of the United States are found whatever the list says.
        """
        for at, country in enumerate(block.get("national_ids") or ()):
            parts = partial(texts, PERSONS[country])
            yield self._dropped("country_dropped", self._at("national_ids", at), country, parts)
        regions = list(block.get("phone_regions") or ())
        for at, region in enumerate(regions):
            others = [one for one in regions if one != region] or ["US"]
            steps, parts = self._at("phone_regions", at), partial(_called_up, region, others)
            if region == "US":
                continue
            if len(regions) > 1:
                yield self._dropped("country_dropped", steps, region, parts)
            else:
                changed = put(self._policy, steps, "US")
                yield self._made("country_swapped", steps, f"{region} becomes US", changed, parts)

    def switches(self, block: Mapping[str, Any]) -> Iterator[Mutant]:
        """What is switched on off, and the other way."""
        for steps, shows in _SWITCHES.items():
            if isinstance(value := got(block, steps), bool):
                said = [BUILT_IN[name] for name in (*shows, *INJECTION[: len(steps) - 1])]
                yield self._switched(steps, value, partial(texts, *said))
        if isinstance(value := block.get("fuzzy_matching"), bool):
            yield self._switched(("fuzzy_matching",), value, self._misspelt)
        if isinstance(value := block.get("require_auth"), bool):
            quiet = next(texts(QUIET))
            parts = partial(iter, ({**quiet, "lacking": ["Authorization"]},))
            yield self._switched(("require_auth",), value, parts)
        for name in ("require_zero_data_retention", "require_no_training"):
            if isinstance(value := block.get(name), bool):
                yield self._switched((name,), value, None)

    def _switched(self, steps: tuple[str, ...], value: bool, parts: Any) -> Mutant:
        place = self._at(*steps)
        words = f"{str(value).lower()} becomes {str(not value).lower()}"
        changed = put(self._policy, place, not value)
        return self._made("switched", place, words, changed, parts)

    def numbers(self, block: Mapping[str, Any]) -> Iterator[Mutant]:
        """Thresholds one higher and one lower."""
        given = {
            "max_distance": (0, 8, self._misspelt),
            "max_tool_calls": (0, 10_000, self._many),
            "max_retention_days": (0, 36_500, None),
        }
        for name, (low, high, parts) in given.items():
            value = block.get(name)
            if not isinstance(value, int) or (name == "max_distance" and not self._is_fuzzy()):
                continue
            for other in (value + 1, value - 1):
                if low <= other <= high:
                    steps = self._at(name)
                    changed = put(self._policy, steps, other)
                    words = f"{value} becomes {other}"
                    yield self._made("threshold_moved", steps, words, changed, parts)

    def _is_fuzzy(self) -> bool:
        return bool(self._fields.get("fuzzy_matching"))

    def _terms(self) -> list[str]:
        found = chain.from_iterable(self._fields.get(name) or () for name in _TERMS)
        return sorted(found, key=len, reverse=True)[:6]

    def _misspelt(self) -> Iterator[Part]:
        """Terms with up to nine of their letters changed."""
        for count in range(1, 10):
            for term in self._terms():
                yield from texts(misspelt(term, count))

    def _many(self) -> Iterator[Part]:
        """As many calls as may just be made, and one more, or fewer."""
        most = self._fields["max_tool_calls"]
        usable = [name for glob in (self._fields["allowed_tools"] or ()) for name in names(glob)]
        for count in (most + 1, most, most + 2):
            for name in ("search", *usable[:6]):
                if 0 < count <= 300:
                    yield from calls(name, count)

    def tools(
        self, steps: tuple[str, ...], allowed: str, denied: str, role: str
    ) -> Iterator[Mutant]:
        """Tools that a list lets be called, or does not."""
        rule = got(self._policy, self._at(*steps)) or {}
        for field in (allowed, denied):
            for at, glob in enumerate(rule.get(field) or ()):
                place = self._at(*steps, field, at)
                yield self._dropped("list_shortened", place, glob, partial(_called, glob, role))
        if rule.get(allowed):
            place = self._at(*steps, allowed)
            words = "every tool is allowed"
            changed = without(self._policy, place)
            parts = partial(_called, "forbidden_9", role)
            yield self._made("list_dropped", place, words, changed, parts)
        if rule.get(denied):
            place = self._at(*steps, denied)
            changed = without(self._policy, place)
            parts = partial(_all_called, tuple(rule[denied]), role)
            yield self._made("denial_dropped", place, "no tool is denied", changed, parts)

    def roles(self, steps: tuple[str, ...], allowed: str, denied: str) -> Iterator[Mutant]:
        """Roles that are not listed any more, and the lists of each."""
        for role in got(self._fields, steps):
            yield from self.tools((*steps, role), allowed, denied, role)
            place = self._at(*steps, role)
            rule = got(self._fields, (*steps, role))
            some = tuple(rule[allowed] or ("search", "forbidden_9"))
            words = f"the role {quoted(role)} is dropped"
            changed = without(self._policy, place)
            yield self._made(
                "role_dropped", place, words, changed, partial(_all_called, some, role)
            )

    def access(self, given: Mapping[str, Any]) -> Iterator[Mutant]:
        """Classes of data one higher and one lower."""
        for role, limits in given.items():
            at = SENSITIVITIES.index(limits["max_sensitivity"])
            for other in SENSITIVITIES[max(0, at - 1) : at] + SENSITIVITIES[at + 1 : at + 2]:
                place = self._at("data_access", role, "max_sensitivity")
                changed = put(self._policy, place, other)
                words = f"{limits['max_sensitivity']} becomes {other}"
                parts = partial(_sensitive, role)
                yield self._made("threshold_moved", place, words, changed, parts)
            place = self._at("data_access", role)
            words = f"the role {quoted(role)} is dropped"
            parts = partial(_sensitive, role)
            yield self._made("role_dropped", place, words, without(self._policy, place), parts)

    def scope(self, block: Mapping[str, Any]) -> Iterator[Mutant]:
        """What is strict about tools no longer so."""
        if block.get("scope") == "tool_results":
            steps = self._at("scope")
            said = [of_tool(BUILT_IN[name]) for name in ("order of a tool", "call of a tool")]
            changed = put(self._policy, steps, "all")
            words = "tool_results becomes all"
            yield self._made("action_swapped", steps, words, changed, partial(iter, said))


def _of_term(term: str) -> Iterator[Part]:
    return texts(term, f"Tell me of {term} now", term.upper(), f"{term} {term}")


def _called_up(region: str, others: Sequence[str]) -> Iterator[Part]:
    return texts(*telephones(region, others))


def misspelt(term: str, count: int) -> str:
    """A term with letters changed, evenly over it and never the first of a word."""
    places = [at for at in range(1, len(term)) if term[at].isalnum() and term[at - 1].isalnum()]
    step = max(1, len(places) // count)
    chosen = {*places[::step][:count]}
    return "".join("q" if at in chosen and sign != "q" else sign for at, sign in enumerate(term))


def _called(glob: str, role: str) -> Iterator[Part]:
    for name in names(glob):
        for part in calls(name):
            yield {**part, "headers": {"X-Role": role}} if role else part


def _all_called(globs: tuple[str, ...], role: str) -> Iterator[Part]:
    for glob in globs[:8]:
        yield from _called(glob, role)
    if role:
        yield from _called(globs[0], _NOBODY)


def _sensitive(role: str) -> Iterator[Part]:
    quiet = next(texts(QUIET))
    for level in SENSITIVITIES:
        for one in (role, _NOBODY):
            yield {**quiet, "headers": {"X-Role": one, "X-Data-Sensitivity": level}}
