"""The matcher, in two stages: RE2 sets say which rules may hit, exact patterns say where.

The sets hold loosened patterns (see `loosened`) and are split by view and by
size, since one automaton for everything overflows its cache. Only a rule that
a set names runs its exact pattern, and only what the rule's check confirms is
a hit. The verdicts are those of the exact patterns alone.

Rules with keywords stand behind a gate, which a set beside them looks for: a text that
has no keyword is not looked through once more. Their sets are compiled when the
first text has one, so that a hundred formats take no time of a start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, TypeAlias

from kt.policy.decision.matching.loosened import loosen
from kt.policy.decision.matching.patterns import PatternRule
from kt.policy.decision.matching.unfinished import beginnings_of, finished_of
from kt.policy.decision.reading.engine import (
    NOWHERE,
    FirstMatch,
    compiled,
    compiled_set,
    first_match,
)
from kt.policy.decision.reading.passages import Place
from kt.policy.decision.reading.reading import Excuse, Judged, Reading, Shown
from kt.policy.decision.reading.views import View

# Instructions in one set; more would leave too few states for the memory that a set has
# (see `engine`). A larger pattern does without the first stage.
_SET_PROGRAM = 20_000

# Bytes that a pattern that is not local may look at in one text. `a.*z|a` looks to the
# end of the text for each `a`: past this, all that is left counts as matched.
_WORK = 500_000_000

# Candidates that are remembered in a decision, and the longest of them: under three megabytes.
_MOST_JUDGED = 4096
_LONGEST_JUDGED = 256


@dataclass(frozen=True, slots=True)
class Hit:
    """A confirmed match: the rule and the spans of the parts that it covers."""

    rule: PatternRule
    places: tuple[Place, ...]


Known: TypeAlias = set[tuple[int, str]]
"""The parts, with the names of rules, of which a decision has a hit that says all."""


@dataclass(frozen=True, slots=True, eq=False)
class _Exact:
    """A rule with its pattern. Equal to itself alone, as what is remembered of it is."""

    rule: PatternRule
    pattern: Any
    search: FirstMatch


@dataclass(frozen=True, slots=True)
class _Group:
    """Rules that share their views. `set` is None when its one rule is always tried.

    `beginnings` are the patterns whose beginnings a text may end with. What follows the rules
    in the set are the keywords of `gate`.
    """

    views: tuple[View, ...]
    set: Any
    members: tuple[_Exact, ...]
    beginnings: tuple[str, ...]
    gate: _Gate | None = None

    def named(self, data: bytes) -> Iterator[_Exact]:
        """The rules that data may have, in their order, those behind the gate last."""
        if self.set is None:
            yield from self.members
            return
        for at in sorted(self.set.Match(data) or ()):
            if at < len(self.members):
                yield self.members[at]
            elif self.gate:
                for group in self.gate.groups:
                    yield from group.named(data)


class _Gate:
    """Rules of the same views that have keywords, and their groups once a text has one.

    Two threads may compile the same groups; either's serve.
    """

    def __init__(self, views: tuple[View, ...], rules: Sequence[PatternRule]) -> None:
        self.keywords = "|".join(dict.fromkeys(f"(?:{one.keyword})" for one in rules))
        self.beginnings = tuple(rule.waited for rule in rules)
        self._views = views
        self._rules = rules
        self._groups: tuple[_Group, ...] | None = None

    @property
    def groups(self) -> Sequence[_Group]:
        """The groups of its rules."""
        if self._groups is None:
            self._groups = tuple(_grouped(self._views, self._rules))
        return self._groups


@dataclass(frozen=True, slots=True)
class Matcher:
    """Compiled rules. Safe to share between threads."""

    groups: tuple[_Group, ...]

    def scan(self, reading: Reading, known: Known | None = None) -> list[Hit]:
        """Every hit in a text; several rules and views may hit the same place.

        With `known` only the first in a text of one part, and none of a rule that hit it before.
        """
        hits: list[Hit] = []
        part = None if known is None else reading.part
        for group in self.groups:
            for data, view in reading.searched(group.views):
                for exact in group.named(data):
                    if known is not None and (part, exact.rule.name) in known:
                        continue
                    found = _confirmed(exact, reading.show(view), reading)
                    if known is None or part is None:
                        hits += found
                    else:
                        hits += islice(found, 1)
                        if hits and hits[-1].rule is exact.rule:
                            known.add((part, exact.rule.name))
        return hits

    def pending(self, reading: Reading) -> int:
        """The place from which a text that goes on may still become a hit; else its length."""
        starts = [
            view.position(_waiting(group, view))
            for group in self.groups
            for view in reading.distinct(group.views)
        ]
        return min(starts, default=len(reading.text))


def compile_rules(rules: Iterable[PatternRule]) -> Matcher:
    """Compile rules into a matcher.

    Raises:
        re2.error: a pattern that RE2 refuses; lint names it before.
    """
    by_views = sorted(rules, key=lambda rule: [view.value for view in rule.views])
    groups: list[_Group] = []
    for views, members in groupby(by_views, key=lambda rule: rule.views):
        chosen = list(members)
        gated = [rule for rule in chosen if rule.keyword]
        gate = _Gate(views, gated) if gated else None
        groups.extend(_grouped(views, [rule for rule in chosen if not rule.keyword], gate))
    return Matcher(tuple(groups))


def _grouped(
    views: tuple[View, ...], rules: Sequence[PatternRule], gate: _Gate | None = None
) -> Iterator[_Group]:
    """The groups of rules; the last has the gate to others."""
    waiting: list[tuple[_Exact, str]] = []
    size = 0
    for rule in rules:
        pattern = compiled(rule.pattern)
        exact = _Exact(rule, pattern, first_match(pattern))
        loose = loosen(rule.first or rule.pattern)
        program = (exact.pattern if loose == rule.pattern else compiled(loose)).programsize
        if program > _SET_PROGRAM:
            yield _Group(views, None, (exact,), (rule.waited,))
            continue
        if size + program > _SET_PROGRAM:
            yield _set_of(views, waiting)
            waiting, size = [], 0
        waiting.append((exact, loose))
        size += program
    if waiting or gate:
        yield _set_of(views, waiting, gate)


def _set_of(
    views: tuple[View, ...], members: Sequence[tuple[_Exact, str]], gate: _Gate | None = None
) -> _Group:
    loose = [pattern for _, pattern in members]
    exact = tuple(exact for exact, _ in members)
    begun = tuple(one.rule.waited for one in exact)
    return _Group(
        views, compiled_set([*loose, gate.keywords] if gate else loose), exact, begun, gate
    )


def _waiting(group: _Group, view: Shown) -> int:
    """The place in a view from which its end has begun a match, or may still refuse one."""
    begun = [group.beginnings, group.gate.beginnings] if group.gate else [group.beginnings]
    starts = [beginnings_of(patterns).start(view.text) for patterns in begun]
    named = group.named(view.data)
    starts += [finished_of(exact.rule.waited).start(view.text) for exact in named]
    return min(starts)


def _confirmed(exact: _Exact, view: Shown, reading: Reading) -> Iterator[Hit]:
    rule = exact.rule
    excuse = None if rule.excuses is None else reading.excuse(rule.excuses)
    for start, end in _spans(exact, view, excuse, reading.judged):
        places = reading.places(*view.origin(start, end))
        if places:
            yield Hit(rule, places)


def _spans(
    exact: _Exact,
    shown: Shown,
    excuse: Excuse | None,
    judged: Judged,
    first: int = 0,
    last: int | None = None,
) -> Iterator[tuple[int, int]]:
    """The confirmed spans of a view, or of a stretch of it, in characters."""
    rule, text, search = exact.rule, shown.text, exact.search
    data = shown.data if last is None else text[first:last].encode()
    clock, size = _Clock(data, first), len(data)
    work = at = 0
    while at < size:
        spans = search(data, at, size)
        low, high = spans[rule.group]
        if low == high:
            # No match at all, or an empty one.
            if spans[0][0] == NOWHERE:
                return
            at = max(spans[0][1], at + 1)
            continue
        work += 0 if rule.local else size - low
        start, end = clock.characters(low, high)
        if work > _WORK:
            yield start, len(text)
            return
        found, resume = _looked_at(exact, shown, excuse, judged, start, end)
        yield from found
        at = high if resume == end else low + clock.bytes(text[start:resume])


def _looked_at(
    exact: _Exact, shown: Shown, excuse: Excuse | None, judged: Judged, start: int, end: int
) -> tuple[Sequence[tuple[int, int]], int]:
    """As `_judged`, of a candidate with the same around it once: views and readings share most."""
    around = exact.rule.around
    if around is None or end - start > _LONGEST_JUDGED:
        return _judged(exact, shown, excuse, judged, start, end)
    begin = max(0, start - around[0])
    key = (exact, shown.text[begin : end + around[1]], start - begin, end - start)
    known = judged.get(key)
    if known is not None:
        spans, resume = known
        return [(start + low, start + high) for low, high in spans], start + resume
    found, resume = _judged(exact, shown, excuse, judged, start, end)
    if len(judged) < _MOST_JUDGED:
        judged[key] = [(low - start, high - start) for low, high in found], resume - start
    return found, resume


def _judged(
    exact: _Exact, shown: Shown, excuse: Excuse | None, judged: Judged, start: int, end: int
) -> tuple[Sequence[tuple[int, int]], int]:
    """The confirmed spans of a candidate, and where to search on."""
    rule, text = exact.rule, shown.text
    found = tuple(rule.check(text, start, end))
    excused = excuse(*shown.origin(start, end)) if excuse and found else None
    if excused:
        first, last = (shown.from_source(place, start, end) for place in excused)
        # What stands before the excused part may be a match by itself. An empty part excuses
        # nothing, and the stretch before it would be the same one again.
        if first < last:
            return tuple(_spans(exact, shown, excuse, judged, start, first)), last
    if not rule.retry:
        return found, end
    return found, found[-1][1] if found else _next_group(text, start, end)


def _next_group(text: str, start: int, end: int) -> int:
    return next((at for at in range(start + 1, end) if not text[at].isalnum()), end)


class _Clock:
    """A converter of byte offsets, which must ascend, to characters; linear in the text.

    `first` is the character at which the data begin.
    """

    def __init__(self, data: bytes, first: int) -> None:
        self._data = data
        self._same = data.isascii()
        self._first = first
        self._byte = 0
        self._character = first

    def characters(self, low: int, high: int) -> tuple[int, int]:
        if self._same:
            return self._first + low, self._first + high
        self._character += len(self._data[self._byte : low].decode())
        self._byte = low
        return self._character, self._character + len(self._data[low:high].decode())

    def bytes(self, text: str) -> int:
        return len(text) if self._same else len(text.encode("utf-8", "replace"))
