"""The regular-expression engine, RE2: every pattern is linear in the text."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeAlias, TypeVar

import re2

# A set whose automaton cannot hold twenty states matches nothing, silently. With this
# much it holds thousands for every set that `matcher` makes.
_SET_MEMORY_BYTES = 32 << 20


def compiled(pattern: str) -> Any:
    """A compiled pattern, with `search`, `fullmatch` and `finditer` over UTF-8 bytes.

    Raises:
        re2.error: a pattern that RE2 refuses.
    """
    return kept(("pattern", pattern), lambda: re2.compile(pattern, _options()))


FirstMatch: TypeAlias = Callable[[bytes, int, int], Sequence[tuple[int, int]]]
"""Given bytes, and from where to where to search, the spans of the first match and its groups."""

NOWHERE = -1
"""Where a match begins that there is none of, or a group that is no part of its match."""


def first_match(pattern: Any) -> FirstMatch:
    """The search of a compiled pattern, without the objects that its `search` makes.

    They take twice as long as most searches. A match that there is none of begins at `NOWHERE`.
    """
    search: FirstMatch = partial(pattern._regexp.Match, re2._Anchor.UNANCHORED)
    return search


def every_match(search: FirstMatch, text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans, in characters, of all matches in a text; none of them may be empty.

    Raises:
        UnicodeEncodeError: the text has a half of a surrogate pair.
    """
    data = text.encode()
    size, is_ascii = len(data), text.isascii()
    at = character = 0
    while at < size:
        low, high = search(data, at, size)[0]
        if low == NOWHERE:
            return
        if is_ascii:
            yield low, high
        else:
            start = character + len(data[at:low].decode())
            character = start + len(data[low:high].decode())
            yield start, character
        at = high


_Value = TypeVar("_Value")
_KEPT: ContextVar[dict[Hashable, Any] | None] = ContextVar("kept", default=None)


@contextmanager
def keeping() -> Iterator[None]:
    """Keep what is made of patterns and terms until the end of the block, for who compiles again.

    Elsewhere nothing is: a gateway compiles a policy once.
    """
    token = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(token)


def kept(key: Hashable, make: Callable[[], _Value]) -> _Value:
    """What `make` makes; within `keeping` once for each key."""
    held = _KEPT.get()
    if held is None:
        return make()
    if key not in held:
        held[key] = make()
    found: _Value = held[key]
    return found


def forget_unused() -> None:
    """Free compiled patterns that nobody holds: re2 itself keeps the last ones, a few megabytes."""
    re2.purge()


def compiled_set(patterns: Iterable[str]) -> Any:
    """A set whose `Match(data)` gives the indexes of the patterns search_set, or None."""
    options = _options()
    options.max_mem = _SET_MEMORY_BYTES
    search_set = re2.Set.SearchSet(options)
    for pattern in patterns:
        search_set.Add(pattern)
    search_set.Compile()
    return search_set


def escaped(text: str) -> str:
    """A pattern that matches `text` and nothing else."""
    return str(re2.escape(text))


def _options() -> Any:
    options = re2.Options()
    # RE2 writes to stderr of its own; an error is raised in any case.
    options.log_errors = False
    return options
