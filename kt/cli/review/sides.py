"""A policy as it was before a change, and as it is after it: lint, tests, coverage and mutants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kt.policy.coverage.measure import Coverage, measure
from kt.policy.findings import Finding
from kt.policy.identity import identify
from kt.policy.lint import lint
from kt.policy.mutants.measure import Mutation, mutate
from kt.policy.nodes import MappingNode
from kt.policy.report import Pack
from kt.policy.testing.suites import CaseResult
from kt.policy.yaml.document import read

Suites = Sequence[Mapping[str, Any]]
# Of one policy; a review is waited for.
_MOST_MUTANTS = 400


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a change. Without `coverage` and `mutation` where lint refuses the file.

    `problem` says why tests beside the file could not be read.
    """

    data: bytes
    configuration: str
    findings: tuple[Finding, ...]
    results: tuple[CaseResult, ...] = ()
    coverage: Coverage | None = None
    mutation: Mutation | None = None
    problem: str = ""

    @property
    def is_valid(self) -> bool:
        """True where lint finds no error."""
        return self.coverage is not None

    @property
    def cases(self) -> dict[str, CaseResult]:
        """The results by the names of suite and case."""
        return {f"{one.suite}: {one.name}": one for one in self.results}


def side(data: bytes, directory: str | None, suites: Suites, problem: str = "") -> Side:
    """Look at one side. `directory` holds the file, and `suites` are those beside it."""
    report, root = lint(data, directory=directory), read(data).root
    named = identify(report.pack or Pack(), directory=directory)
    configuration = named if isinstance(named, str) else ""
    if not report.ok or not isinstance(root, MappingNode):
        return Side(data, configuration, report.findings, problem=problem)
    results, coverage = measure(root, suites)
    mutation = mutate(root, suites, most=_MOST_MUTANTS)
    return Side(data, configuration, report.findings, results, coverage, mutation, problem)
