"""Globs compared: whether one covers another, whether two meet, and names that one matches."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from kt.policy.decision.tools.globs import compile_globs, matches


def covers(wide: str, narrow: str) -> bool:
    """True when the wide glob is sure to match each name that the narrow one does.

    A name of the narrow glob is asked for with signs in place of its own that no glob has, so a
    literal of the wide one meets none of them.
    """
    stand_ins = (
        narrow.replace("*", one).replace("?", "\x01") for one in ("", "\x02", "\x02\x03\x02")
    )
    held = compile_globs([wide])
    return all(matches(held, name) for name in stand_ins)


@lru_cache(maxsize=4096)
def meet(one: str, other: str) -> bool:
    """True when a name exists that both globs match."""
    if not one or not other:
        return not (one or other).strip("*")
    if one[0] == "*" or other[0] == "*":
        star, rest = (one, other) if one[0] == "*" else (other, one)
        return meet(star[1:], rest) or meet(star, rest[1:])
    same = one[0] == other[0] or "?" in (one[0], other[0])
    return same and meet(one[1:], other[1:])


def names(glob: str) -> Iterator[str]:
    """Names that a glob matches."""
    for star in ("x", "", "zz_9"):
        yield glob.replace("*", star).replace("?", "q")
