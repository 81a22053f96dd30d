"""The measure of what a policy's tests reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from kt.policy.coverage.points import Point, Reach, points
from kt.policy.coverage.watching import Notes, watched
from kt.policy.decision import Snapshot
from kt.policy.nodes import MappingNode, plain
from kt.policy.testing.suites import Ask, CaseResult, no_models, run_suites


@dataclass(frozen=True, slots=True)
class Coverage:
    """The points of a policy, and which of them its cases reached."""

    points: tuple[Point, ...]
    reached: frozenset[Reach]

    @property
    def missed(self) -> tuple[Point, ...]:
        """The points that no case reached, in the order of the chain."""
        return tuple(point for point in self.points if point.reach not in self.reached)

    @property
    def count(self) -> int:
        """How many points were reached."""
        return len(self.points) - len(self.missed)

    @property
    def percent(self) -> float:
        """The share that was reached, rounded down to a tenth; 100 where there is no point."""
        return self.count * 1000 // len(self.points) / 10 if self.points else 100.0


def measure(
    root: MappingNode, extra: Sequence[Mapping[str, Any]] = (), ask: Ask = no_models
) -> tuple[tuple[CaseResult, ...], Coverage]:
    """Run the tests of a policy that lint accepts; their results, and what they reached.

    The results are those of `run_suites`. What a case reaches counts whether it passes or not.
    """
    policy: Any = plain(root)
    notes: Notes = set()
    results = run_suites(policy, extra, ask, watch=partial(_watch, policy=policy, notes=notes))
    notes.update(
        Reach("verdict", "unjudged", "block")
        for result in results
        if result.decision is not None and result.decision.policy == "unjudged"
    )
    found = points(root)
    return results, Coverage(found, frozenset(notes & {point.reach for point in found}))


def _watch(snapshot: Snapshot, *, policy: Mapping[str, Any], notes: Notes) -> Snapshot:
    return watched(snapshot, policy, notes)
