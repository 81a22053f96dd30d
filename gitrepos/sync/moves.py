"""Moves: policies that git has at another path, or under another id. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gitrepos.sync.candidates import Candidate, Linked


class Content(Protocol):
    """What is in force under an id, see `plan.Holder`."""

    @property
    def name(self) -> str: ...
    @property
    def content_hash(self) -> str: ...
    @property
    def archived(self) -> bool: ...
    @property
    def pinned(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Move:
    """A policy that git now has at another path, or under another id.

    `carries`: the new id has exactly what is in force under the old one, so that gateways bound
    to the old one may follow.
    """

    before: Linked
    after: Candidate
    carries: bool = False


def moves(
    feeding: Sequence[Candidate],
    come: Sequence[Candidate],
    *,
    gone: Sequence[Linked],
    lost: Sequence[Linked],
    holders: Mapping[str, Content],
) -> tuple[Move, ...]:
    """The policies of `gone` rows that a file of `feeding` has now, under the same id or a new one.

    The files of `come` have ids that had no file of this link before. Such an id continues the row
    of `lost` with the same bytes, else, if it is new altogether, that with the same `pack.name`.
    Where two rows or two files match, there is no move.
    """
    taken = {candidate.configuration: candidate for candidate in feeding}
    same = [Move(row, taken[row.configuration]) for row in gone if row.configuration in taken]
    by_bytes = [
        Move(row, candidate, carries=_carries(row, candidate, holders))
        for row, candidate in _pairs(lost, come, lambda r: r.blob, lambda c: c.blob)
    ]
    done = {move.before for move in by_bytes}, {move.after.path for move in by_bytes}
    by_name = _pairs(
        [row for row in lost if row not in done[0]],
        [c for c in come if c.configuration not in holders and c.path not in done[1]],
        lambda row: holders[row.configuration].name,
        lambda candidate: candidate.name,
    )
    found = [*same, *by_bytes, *(Move(*pair) for pair in by_name)]
    return tuple(sorted(found, key=lambda move: move.after.path))


def _carries(row: Linked, candidate: Candidate, holders: Mapping[str, Content]) -> bool:
    """True when a file that moved has the bytes in force under its old id, and will under the new.

    Not so where a pin or an override stands under either.
    """
    old, new = holders[row.configuration], holders.get(candidate.configuration)
    if row.path == candidate.path or old.pinned or old.content_hash != candidate.content_hash:
        return False
    return new is None or new.archived or new.content_hash == candidate.content_hash


def _pairs(
    lost: Sequence[Linked],
    new: Sequence[Candidate],
    of_row: Callable[[Linked], str],
    of_candidate: Callable[[Candidate], str],
) -> list[tuple[Linked, Candidate]]:
    """Rows and candidates with the same key, which no other row or candidate has."""
    olds, news = Counter(map(of_row, lost)), Counter(map(of_candidate, new))
    rows = {of_row(row): row for row in lost if olds[of_row(row)] == 1}
    return [
        (rows[key], candidate)
        for candidate in new
        if news[key := of_candidate(candidate)] == 1 and key in rows
    ]
