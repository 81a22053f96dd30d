"""The measure of what a policy's tests notice: its mutants, and which of them survive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from kt.policy.decision.reading.engine import keeping
from kt.policy.mutants.equivalents import is_equivalent
from kt.policy.mutants.mutant import Mutant
from kt.policy.mutants.operators import mutants
from kt.policy.mutants.searching import Proposal, Search
from kt.policy.mutants.trial import Trial
from kt.policy.nodes import MappingNode, plain
from kt.policy.testing.suites import Ask, no_models
from kt.policy.yaml.places import nearest_place, places

Fate: TypeAlias = Literal["killed", "survived", "equivalent", "undecided"]


@dataclass(frozen=True, slots=True)
class Tried:
    """A mutant, its place in the file, and what became of it.

    `killer` is the case that notices it. Of one that survived `proposal` would notice it. One is
    undecided where no case notices it, none was found that would, and it was not shown that
    there is none.
    """

    mutant: Mutant
    line: int
    column: int
    fate: Fate
    killer: str = ""
    proposal: Proposal | None = None


@dataclass(frozen=True, slots=True)
class Mutation:
    """What became of a policy's mutants, in the order of the chain.

    `failing` names cases that the policy itself does not pass, `left` counts mutants that were not
    tried before the time was over.
    """

    tried: tuple[Tried, ...]
    failing: tuple[str, ...] = ()
    left: int = 0

    def of(self, fate: Fate) -> tuple[Tried, ...]:
        """The mutants of one fate."""
        return tuple(one for one in self.tried if one.fate == fate)

    @property
    def percent(self) -> float:
        """The share that was killed, of those that a case can kill, rounded down to a tenth.

        Where none is known to be of these, it is 100, or 0 with one that is undecided.
        """
        return self._share(len(self.of("killed")))

    @property
    def most_percent(self) -> float:
        """The same, had all that were left been killed."""
        return self._share(len(self.of("killed")) + self.left)

    def _share(self, killed: int) -> float:
        counted = killed + len(self.of("survived"))
        if not counted:
            return 0.0 if self.of("undecided") else 100.0
        return killed * 1000 // counted / 10


def mutate(
    root: MappingNode,
    extra: Sequence[Mapping[str, Any]] = (),
    ask: Ask = no_models,
    *,
    keep: Callable[[Mutant], bool] = lambda _: True,
    most: int | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Mutation:
    """Try the mutants of a policy that lint accepts on its own tests and `extra` suites.

    Only those are tried that `keep` wants, and of them `most`, evenly over the policy; none more
    once `is_over` says that the time is. Pure but for it and `ask`: the same policy and tests have
    the same result.
    """
    policy: Any = plain(root)
    trial, known = Trial(policy, extra, ask), dict(places(root))
    search = Search(policy, trial.snapshot, is_over)
    chosen = [mutant for mutant in mutants(policy) if keep(mutant)]
    if most is not None and len(chosen) > most:
        chosen = [chosen[at * len(chosen) // most] for at in range(most)]
    tried: list[Tried] = []
    with keeping():
        for mutant in chosen:
            node = known[nearest_place(mutant.path, known)]
            found = _tried(mutant, node.line, node.column, trial, search)
            if is_over():
                break  # The last search may have been cut short.
            tried.append(found)
    return Mutation(tuple(tried), tuple(trial.failing), left=len(chosen) - len(tried))


def _tried(mutant: Mutant, line: int, column: int, trial: Trial, search: Search) -> Tried:
    changed = trial.compiled(mutant.policy)
    killer = trial.killer(changed)
    if killer is not None:
        return Tried(mutant, line, column, "killed", killer)
    if is_equivalent(mutant, trial.policy, trial.snapshot, changed):
        return Tried(mutant, line, column, "equivalent")
    proposal = search.find(mutant, changed)
    if proposal is None:
        return Tried(mutant, line, column, "undecided")
    return Tried(mutant, line, column, "survived", proposal=proposal)
