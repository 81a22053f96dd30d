"""The finder of ideas in a text: which clauses have one, and where."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from kt.policy.decision.matching.ideas.idea import Idea, Where, written
from kt.policy.decision.matching.ideas.lexicon import END, LINE, Coded, Lexicon
from kt.policy.decision.matching.matcher import Hit, Known
from kt.policy.decision.matching.patterns import Excuses, PatternRule
from kt.policy.decision.matching.syntax import parse, widest
from kt.policy.decision.matching.unfinished import beginnings_of
from kt.policy.decision.reading.engine import compiled, compiled_set
from kt.policy.decision.reading.reading import Excuse, Reading, Shown
from kt.policy.decision.reading.views import View

# Words before and after a match that may take its sense away; a stream waits for the latter.
_CLAUSE = 40
_SUBJECT = 4
# Hits of a pattern in one text: any more say nothing new.
_MOST = 16

# At the end of a text: `3.` may go on as `3.5`, and ` -` as ` -n`.
_NO_ENDS_YET = frozenset({".", "-", "--"})

_ANY: tuple[Where, ...] = ("anywhere",)
# What an answer can have, of which alone the end may be awaited.
_ANSWERS: tuple[Where, ...] = ("anywhere", "outside")

_WIDE = re.compile("[^\x00-\x7f]")

Clause = Callable[[Coded, str, int, int], bool]
"""Given letters, their text and a match's span in the letters, whether what stands around it
makes it harmless."""


class IdeaFinder:
    """Compiled ideas. Safe to share between threads."""

    def __init__(
        self,
        lexicon: Lexicon,
        ideas: Sequence[Idea],
        *,
        label: str,
        views: tuple[View, ...],
        excuses: Excuses,
        harmless: Clause,
    ) -> None:
        self._lexicon = lexicon
        self._views = views
        self._excuses = excuses
        self._harmless = harmless
        self._rules: list[PatternRule] = []
        self._made: dict[int, Any] = {}
        self._widths: tuple[tuple[str, ...], ...] = ()
        self._ideas: list[Idea] = []
        for idea in ideas:
            for pattern in idea.patterns:
                letters = written(pattern, lexicon)
                self._rules.append(PatternRule(f"idea.{idea.name}", label, letters, views))
                self._ideas.append(idea)
        # Few texts come from tools.
        self._sets: dict[frozenset[Where], tuple[Any, tuple[int, ...]]] = {}
        self._sorts = frozenset(idea.where for idea in ideas)
        self._awaited = tuple(
            rule.pattern
            for rule, idea in zip(self._rules, self._ideas, strict=True)
            if idea.where in _ANSWERS
        )
        self._set_of(self._sorts.intersection(_ANSWERS))

    def scan(self, reading: Reading, known: Known, sorts: Collection[Where] = _ANY) -> list[Hit]:
        """The hits in a text of the ideas that texts of these sorts can have.

        Of an idea that is `known` of the text's one part there are none.
        """
        return [hit for _, hit in self.found(reading, known, sorts)]

    def found(
        self, reading: Reading, known: Known, sorts: Collection[Where]
    ) -> Iterator[tuple[Idea, Hit]]:
        """The same, each with its idea."""
        read: set[bytes] = set()
        for shown in reading.distinct(self._views):
            # Views that differ in their signs alone say the same.
            if shown.words is not None:
                if shown.words in read:
                    continue
                read.add(shown.words)
            counts: Counter[int] = Counter()
            for at, start, end in self._found(reading, shown, sorts, counts, known):
                places = reading.places(start, end)
                if places:
                    counts[at] += 1
                    if reading.part is not None:
                        known.add((reading.part, self._rules[at].name))
                    yield self._ideas[at], Hit(self._rules[at], places)

    def pending(self, reading: Reading) -> int:
        """The place from which a text that goes on may still become a hit; else its length."""
        starts = [self._pending(shown) for shown in reading.distinct(self._views)]
        return min(starts, default=len(reading.text))

    def _pattern(self, at: int) -> Any:
        """A rule's pattern, compiled when the first text may have it."""
        made = self._made.get(at)
        if made is None:
            made = self._made[at] = compiled(self._rules[at].pattern)
        return made

    def _found(
        self,
        reading: Reading,
        shown: Shown,
        sorts: Collection[Where],
        counts: Mapping[int, int],
        known: Known,
    ) -> Iterator[tuple[int, int, int]]:
        """The rules that hit a view with spans in the source, until `counts` has enough of each."""
        part = reading.part
        named = [
            at
            for at in self._named(self._lexicon.code(shown), sorts)
            if part is None or (part, self._rules[at].name) not in known
        ]
        if not named:
            return
        coded = self._lexicon.place(shown)
        data = _Data(coded.letters)
        excuse = reading.excuse(self._excuses)
        for at in named:
            if part is not None and (part, self._rules[at].name) in known:
                continue
            most = _MOST if self._ideas[at].where == "anywhere" else len(coded.letters)
            for start, end in self._confirmed(at, coded, data, shown, excuse):
                yield at, *_source(shown, coded, start, end)
                if counts[at] >= (most if part is None else 1):
                    break

    def _confirmed(
        self, at: int, coded: Coded, data: _Data, shown: Shown, excuse: Excuse
    ) -> Iterator[tuple[int, int]]:
        """The spans, in letters, of a pattern's matches that nothing around them excuses."""
        letters = coded.letters
        first = 0
        while first < len(letters) and (span := data.search(self._pattern(at), first)):
            start, end = _within(letters, *span)
            first = max(end, span[0] + 1)
            if not self._ideas[at].denies and self._harmless(coded, shown.text, start, end):
                continue
            excused = excuse(*_source(shown, coded, start, end))
            if excused:
                first = max(start + 1, _after(shown, coded, start, end, excused[1]))
                continue
            yield start, end

    def _named(self, letters: str, sorts: Collection[Where]) -> list[int]:
        """The rules that may hit, in their order."""
        search_set, members = self._set_of(self._sorts.intersection(sorts))
        return sorted(members[at] for at in search_set.Match(letters.encode()) or ())

    def _set_of(self, sorts: frozenset[Where]) -> tuple[Any, tuple[int, ...]]:
        """The set of some sorts of ideas, compiled when the first such text comes; its rules."""
        made = self._sets.get(sorts)
        if made is None:
            members = tuple(at for at, idea in enumerate(self._ideas) if idea.where in sorts)
            patterns = (self._rules[at].pattern for at in members)
            made = self._sets[sorts] = (compiled_set(patterns), members)
        return made

    def _pending(self, shown: Shown) -> int:
        coded = self._lexicon.place(shown)
        finished = self._settled(coded, shown.text)
        letters = coded.letters[:finished]
        begun = [beginnings_of(patterns).start(letters) for patterns in self._by_width()]
        start = min(*begun, self._recent(coded), finished)
        # The letter before the text is an end that nobody wrote.
        last = len(coded.letters) - 2
        return shown.position(coded.starts[start or 1]) if start <= last else len(shown.source)

    def _by_width(self) -> tuple[tuple[str, ...], ...]:
        """The patterns by the length of their longest match: none looks back for another one."""
        if not self._widths:
            widths: dict[int | None, list[str]] = {}
            for pattern in self._awaited:
                widths.setdefault(widest(parse(pattern)), []).append(pattern)
            self._widths = tuple(map(tuple, widths.values()))
        return self._widths

    def _settled(self, coded: Coded, text: str) -> int:
        """The letters that stay as they are: a last word may go on, and so may what a dot ends."""
        last = len(coded.letters) - 2
        start, end = coded.starts[last], coded.ends[last]
        if last == 0 or end < len(text):
            return last + 1
        if coded.letters[last] in END + LINE:
            return last if text[start:end] in _NO_ENDS_YET else last + 1
        return last + 1 if end - start > self._lexicon.longest else last

    def _recent(self, coded: Coded) -> int:
        """The first letter of a match that what follows may still excuse or affirm."""
        letters = coded.letters
        data = _Data(letters)
        starts = [
            start
            for at in self._named(letters, _ANSWERS)
            for start, end in data.every(self._pattern(at), len(letters))
            if end >= len(letters) - _CLAUSE
        ]
        return min(starts, default=len(letters))


class _Data:
    """Letters as bytes to search in, and the places of letters in them."""

    def __init__(self, letters: str) -> None:
        self.bytes = letters.encode()
        # The letters that are two bytes, by their places and by those of their second bytes.
        wide = [] if letters.isascii() else [match.start() for match in _WIDE.finditer(letters)]
        self._wide = wide
        self._seconds = [at + before + 1 for before, at in enumerate(wide)]

    def search(self, pattern: Any, first: int) -> tuple[int, int] | None:
        """The span, in letters, of the first match from a letter on."""
        match = pattern.search(self.bytes, first + bisect_left(self._wide, first))
        if not match:
            return None
        start, end = match.span()
        return start - bisect_left(self._seconds, start), end - bisect_left(self._seconds, end)

    def every(self, pattern: Any, size: int) -> Iterator[tuple[int, int]]:
        """The spans of all matches, in `size` letters."""
        at = 0
        while at < size and (span := self.search(pattern, at)):
            yield span
            at = max(span[1], span[0] + 1)


def _within(letters: str, start: int, end: int) -> tuple[int, int]:
    """A match without the ends and line ends around it."""
    while start < end - 1 and letters[start] in END + LINE:
        start += 1
    while end - 1 > start and letters[end - 1] in END + LINE:
        end -= 1
    return start, end


def _source(shown: Shown, coded: Coded, start: int, end: int) -> tuple[int, int]:
    return shown.origin(coded.starts[start], coded.ends[end - 1])


def _after(shown: Shown, coded: Coded, start: int, end: int, position: int) -> int:
    """The first letter of a match whose word begins at `position` of the source or behind."""
    places = range(start, end)
    return next((at for at in places if _source(shown, coded, at, at + 1)[0] >= position), end)


def denied(never: str) -> Clause:
    """A check for a word of `never` directly before a match, in it or directly behind it."""
    within = _any_of(never)
    words = frozenset(never)

    def harmless(coded: Coded, text: str, start: int, end: int) -> bool:
        letters = coded.letters
        return (
            within.search(letters, start, end) is not None
            or (letters[start - 1] in words and _are_beside(coded, text, start - 1))
            or (letters[end] in words and _are_beside(coded, text, end - 1))
        )

    return harmless


def harmless_around(lexicon: Lexicon) -> Clause:
    """A check for what makes a harm none: a game in its clause, or a thing named after it."""
    play, guard = (_any_of(lexicon.letters_of(name)) for name in ("play", "guard"))
    thing = frozenset(lexicon.letters_of("after_person"))
    # `Bomba de agua` is a pump.
    called = re.compile(
        "{}{}?{}".format(
            *(_any_of(lexicon.letters_of(name)).pattern for name in ("arms", "of_thing", "thing_"))
        )
    )
    never = denied(lexicon.letters_of("never"))
    # `The procedure to override it needs two signatures` begins with its subject.
    subject = re.compile(rf"{END}.?{_any_of(lexicon.letters_of('described')).pattern}.$", re.DOTALL)

    def harmless(coded: Coded, text: str, start: int, end: int) -> bool:
        letters = coded.letters
        near = max(0, start - _CLAUSE)
        first = max(near, letters.rfind(END, near, start) + 1)
        last = letters.find(END, end - 1, end + _CLAUSE)
        last = min(end + _CLAUSE, len(letters)) if last < 0 else last
        return (
            letters[end] in thing
            or called.search(letters, start, end + 2) is not None
            or play.search(letters, first, last) is not None
            or guard.search(letters, end, min(last, end + 2)) is not None
            or subject.search(letters[max(0, start - _SUBJECT) : start]) is not None
            or never(coded, text, start, end)
        )

    return harmless


def _are_beside(coded: Coded, text: str, at: int) -> bool:
    """Whether nothing but blanks stands between a word and the next one: a sign ends a clause."""
    return not text[coded.ends[at] : coded.starts[at + 1]].strip()


def _any_of(letters: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(letters)}]")
