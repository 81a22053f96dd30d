"""What a file must pass before it may be enforced: lint, and the tests it carries itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kt import __version__
from kt.policy.document import read
from kt.policy.findings import Finding
from kt.policy.lint import lint
from kt.policy.nodes import Node, Sequence, find, item_paths, plain
from kt.policy.report import Report
from kt.policy.rules import RULES_VERSION
from kt.policy.suites import CaseResult, run_suites

# What was refused may pass once this changes: the rules, or the decisions of another release.
VERIFY_VERSION = f"{RULES_VERSION}-{__version__}"

# A file comes from whoever may push; its cases must not keep a worker busy for minutes.
MAX_CASES = 500

_SUITES = "testing.suites"


def verify(data: bytes, *, directory: str | None = None) -> Report:
    """Lint a file and, when it has no error, run its own `testing.suites`. Pure.

    A case that fails is an error finding `suite_failed` at the case's place; more than 500
    cases are the error `too_many_cases`, and none is run.
    """
    report = lint(data, directory=directory)
    root = read(data).root
    if not report.ok or root is None:
        return report
    return Report((*report.findings, *_failures(root)), report.pack, report.chain)


def _failures(root: Node) -> Iterator[Finding]:
    cases = list(_cases(root))
    if len(cases) > MAX_CASES:
        message = f"has {len(cases)} cases; a file may carry {MAX_CASES} of its own"
        place = cases[MAX_CASES]
        yield _finding("too_many_cases", *place, message, "move the others to tests/*.json")
        return
    policy: Any = plain(root)
    results = run_suites(policy) if cases else ()
    for (path, node), result in zip(cases, results, strict=True):
        if not result.passed:
            yield _finding("suite_failed", path, node, _story(result), "see kt policy test")


def _cases(root: Node) -> Iterator[tuple[str, Node]]:
    """Every case with its path, in the order in which they run."""
    suites = find(root, "testing", "suites")
    if isinstance(suites, Sequence):
        for path, suite in item_paths(suites, _SUITES):
            cases = find(suite, "cases")
            if isinstance(cases, Sequence):
                yield from item_paths(cases, f"{path}.cases")


def _story(result: CaseResult) -> str:
    reason = f" ({result.expected_reason})" if result.expected_reason else ""
    wanted = f"the case {result.name!r} expects {result.expected_verdict}{reason}"
    if result.decision is None:
        return f"{wanted}, but {result.problem}"
    return f"{wanted}, got {result.decision.verdict} ({result.decision.reason_code})"


def _finding(code: str, path: str, node: Node, message: str, fix: str) -> Finding:
    return Finding(code, "error", path, message, fix, node.line, node.column)
