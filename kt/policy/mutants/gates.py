"""Gates: how much of a policy its own tests must reach and notice before it may be published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from kt.policy.findings import Finding
from kt.policy.nodes import MappingNode

if TYPE_CHECKING:
    from kt.policy.coverage.measure import Coverage
    from kt.policy.mutants.measure import Mutation

UNCOVERED, NOT_REACHED = "too_little_covered", "not_reached"
UNKILLED, SURVIVED = "too_few_killed", "mutant_survived"
NOT_MEASURED = "tests_not_measured"
CODES = (UNCOVERED, NOT_REACHED, UNKILLED, SURVIVED, NOT_MEASURED)

# Of each sort; the commands list all.
_SHOWN = 20
# A case with hundreds of calls is printed by the command as well.
_CASE_LENGTH = 2000
_OWN = "those in tests/*.json do not count here"


class Gates(NamedTuple):
    """Percentages that the tests in a file must reach at least; 0 asks for nothing.

    `coverage` is the share of points that are reached, `killed` that of mutants that are noticed.
    """

    coverage: int = 0
    killed: int = 0


OPEN = Gates()
"""Gates that ask for nothing."""


def findings(
    root: MappingNode, gates: Gates, is_over: Callable[[], bool] = lambda: False
) -> tuple[Finding, ...]:
    """What gates say against a policy that lint and its own tests accept; nothing if it passes.

    An error for each gate, and warnings with what is missing, 20 of a sort at most. Where `is_over`
    says that the time is before all mutants were tried, the policy does not pass.
    """
    return (*_uncovered(root, gates.coverage), *_unkilled(root, gates.killed, is_over))


def not_measured(message: str) -> Finding:
    """The error of a policy whose tests could not be measured."""
    how = "make it smaller: fewer terms, patterns and cases; or ask for less of this link"
    return Finding(NOT_MEASURED, "error", "", message, how, 1, 1)


def _uncovered(root: MappingNode, least: int) -> Iterator[Finding]:
    if not least:
        return
    # What measures is imported where something is: who asks a judge to needs the names alone.
    from kt.policy.coverage.measure import measure

    coverage = measure(root)[1]
    if coverage.percent >= least:
        return
    reached = f"{coverage.percent} % of it, {coverage.count} of {len(coverage.points)}"
    message = f"its own tests reach {reached}; the link asks for {least} %"
    how = f"kt policy test --coverage lists what no test reaches; {_OWN}"
    yield Finding(UNCOVERED, "error", "testing", message, how, 1, 1)
    yield from _missed(coverage)


def _missed(coverage: Coverage) -> Iterator[Finding]:
    for point in coverage.missed[:_SHOWN]:
        message = f"no test reaches {point.words}"
        path = point.reach.path
        yield Finding(NOT_REACHED, "warning", path, message, "", point.line, point.column)


def _unkilled(root: MappingNode, least: int, is_over: Callable[[], bool]) -> Iterator[Finding]:
    if not least:
        return
    from kt.policy.mutants.measure import mutate

    found = mutate(root, is_over=is_over)
    if found.percent >= least and not found.left:
        return
    if found.most_percent >= least and found.left:
        tried, total = len(found.tried), len(found.tried) + found.left
        yield not_measured(f"of its {total} mutants {tried} were tried before the time was over")
        return
    killed = len(found.of("killed"))
    share = f"{found.percent} % of its mutants, {killed} of {killed + len(found.of('survived'))}"
    if found.left:
        share = f"at most {found.most_percent} % of its mutants"
    message = f"its own tests kill {share}; the link asks for {least} %"
    how = f"kt policy mutate lists the changes that no test notices; {_OWN}"
    yield Finding(UNKILLED, "error", "testing", message, how, 1, 1)
    yield from _survivors(found)


def _survivors(found: Mutation) -> Iterator[Finding]:
    from kt.policy.mutants.survivors import survivor

    for tried in found.of("survived")[:_SHOWN]:
        finding = survivor(tried)
        if len(finding.suggestion) > _CASE_LENGTH:
            finding = replace(finding, suggestion="kt policy mutate prints a case that would")
        yield finding
