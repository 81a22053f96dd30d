"""Rules that matchers search for: a pattern, its views, and a check that confirms a match."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from kt.policy.decision.reading.plain import Plain
from kt.policy.decision.reading.reading import Excuse
from kt.policy.decision.reading.views import View

Spans: TypeAlias = Iterable[tuple[int, int]]
Check: TypeAlias = Callable[[str, int, int], Spans]
"""Given the text and a candidate's span, the spans in it that are real; none refuses it."""

Excuses: TypeAlias = Callable[[Plain], Excuse]
"""Given a reading's text, what says of its matches how much is excused."""


def accept(_text: str, start: int, end: int) -> Spans:
    """Confirm every candidate as it is."""
    return ((start, end),)


@dataclass(frozen=True, slots=True)
class PatternRule:
    """A rule to search for.

    `name` is stable and says which rule hit without repeating what it hit.
    `label` names what was found (`email`). `pattern` is RE2; the span of its
    group number `group` is the candidate that `check` confirms. `local` says
    that the pattern never looks far past where a match ends, as a pattern that
    anybody may write can (`a.*z|a`). With `retry` a candidate that is refused
    is looked through again from its next group of characters. Of a match that
    `excuses` cover in part, the rest is looked through again. `begun` is the pattern by which a
    stream waits, where `check` takes less than `pattern` does; "" where that is the same.
    Every match holds a match of `keyword`, a pattern too: a text without it is not searched.
    `first` is the pattern of a first look, which takes what `pattern` does and more: of a text's
    words also where there are signs between them; "" where that is the same.
    `around` has the number of characters before and behind a candidate that `check` looks at, so
    that the same stretch is looked at once in a decision; None where it may look at any.
    """

    name: str
    label: str
    pattern: str
    views: tuple[View, ...]
    check: Check = accept
    group: int = 0
    local: bool = True
    retry: bool = False
    excuses: Excuses | None = None
    begun: str = ""
    keyword: str = ""
    first: str = ""
    around: tuple[int, int] | None = None

    @property
    def waited(self) -> str:
        """The pattern by whose matches a stream waits."""
        return self.begun or self.pattern
