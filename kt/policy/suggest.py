"""Suggestions for misspelt words: the nearest of a few known ones."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 64


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word of which `word` is most likely a misspelling, or None.

    A third of the letters may differ; case, and `-` for `_`, do not count. Among equals the
    first one wins. For words over 64 characters there is none.
    """
    if not word or len(word) > _LONGEST:
        return None
    folded = _fold(word)
    limit = max(1, len(folded) // 3)
    best = None
    for candidate in known:
        distance = _distance(folded, _fold(candidate), limit)
        if distance <= limit:
            best, limit = candidate, distance - 1
    return best


def did_you_mean(word: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """The suggestion of a finding: the nearest word, or `otherwise`."""
    match = nearest(word, known)
    return f"did you mean {match!r}?" if match else otherwise


def _fold(word: str) -> str:
    return word.casefold().replace("_", "-")


def _distance(left: str, right: str, limit: int) -> int:
    """Edits between two words (insert, delete, replace, swap), or `limit + 1` when more."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    above = list(range(len(right) + 1))
    for row, letter in enumerate(left, 1):
        current = [row]
        for column, other in enumerate(right, 1):
            cost = min(
                above[column] + 1,
                current[column - 1] + 1,
                above[column - 1] + (letter != other),
            )
            if row > 1 and column > 1 and letter == right[column - 2] and left[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        before, above = above, current
    return min(above[-1], limit + 1)
