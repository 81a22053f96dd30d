"""Verification of a file before it may be enforced: lint, and the tests in the file itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kt import __version__
from kt.policy.findings import Finding, Severity
from kt.policy.lint import lint_document
from kt.policy.nodes import Node, SequenceNode, find, item_paths, plain
from kt.policy.report import Report
from kt.policy.rules import RULES_VERSION
from kt.policy.yaml.document import read

if TYPE_CHECKING:
    from kt.policy.testing.suites import CaseResult

# What was refused may pass once this changes: the rules, or the decisions of another release.
VERIFY_VERSION = f"{RULES_VERSION}-{__version__}"

# A file comes from whoever may push; its cases must not keep a worker busy for minutes.
MAX_CASES = 500
# Fuzzy terms times the characters of all cases: the one cost that multiplies.
MAX_FUZZY_WORK = 1_000_000

CASE_NOT_RUN = "case_not_run"
_SUITES = "testing.suites"
_TERM_FIELDS = ("block_if", "blocked_terms")


def verify(data: bytes, *, directory: str | None = None) -> Report:
    """Lint a file and, when it has no error, run its own `testing.suites`. Pure.

    A case that fails is the error finding `suite_failed` at the case's place. One that needs a
    model is not run, which is the warning `case_not_run`, or an error where the policy says
    `require_model_cases`. More than 500
    cases are the error `too_many_cases`, too many fuzzy terms over too much text
    `suite_too_costly`; no case is run then.
    """
    document = read(data)
    report, root = lint_document(document, data, directory=directory), document.root
    if not report.ok or root is None:
        return report
    findings = (*report.findings, *_failures(root))
    complete, suppressed = report.complete, report.suppressed
    return Report(findings, report.pack, report.chain, complete=complete, suppressed=suppressed)


def cases_of(root: Node) -> Iterator[tuple[str, Node]]:
    """Every case of the file itself with its path, in the order in which they run."""
    suites = find(root, "testing", "suites")
    if isinstance(suites, SequenceNode):
        for path, suite in item_paths(suites, _SUITES):
            cases = find(suite, "cases")
            if isinstance(cases, SequenceNode):
                yield from item_paths(cases, f"{path}.cases")


def _failures(root: Node) -> Iterator[Finding]:
    cases = list(cases_of(root))
    if len(cases) > MAX_CASES:
        message = f"the file has {len(cases)} cases of its own; the limit is {MAX_CASES}"
        place = cases[MAX_CASES]
        yield _finding("too_many_cases", *place, message, "move the others to tests/*.json")
        return
    policy: Any = plain(root)
    work = _fuzzy_terms(policy) * sum(_length(plain(node)) for _, node in cases)
    if work > MAX_FUZZY_WORK:
        message = f"{work:,} fuzzy terms times characters of cases; the limit is {MAX_FUZZY_WORK:,}"
        yield _finding("suite_too_costly", *cases[0], message, "move cases to tests/*.json")
        return
    results = _run(policy) if cases else ()
    for (path, node), result in zip(cases, results, strict=True):
        if result.missing_model:
            yield _left_out(path, node, result)
        elif not result.passed:
            yield _finding("suite_failed", path, node, _story(result), "see kt policy test")


def _run(policy: Mapping[str, Any]) -> Sequence[CaseResult]:
    # What decides is imported where there is something to decide.
    from kt.policy.testing.suites import run_suites

    return run_suites(policy)


def _left_out(path: str, node: Node, result: CaseResult) -> Finding:
    severity: Severity = "error" if result.is_required else "warning"
    message = f"the case {result.name!r} was not run: it needs the model {result.missing_model!r}"
    fix = f"run it by kt policy test --model {result.missing_model}=FILE"
    return Finding(CASE_NOT_RUN, severity, path, message, fix, node.line, node.column)


def _fuzzy_terms(policy: Mapping[str, Any]) -> int:
    blocks = (block or {} for block in (policy.get("policy") or {}).values())
    fuzzy = [block for block in blocks if block.get("fuzzy_matching")]
    return sum(len(block.get(name) or ()) for block in fuzzy for name in _TERM_FIELDS)


def _length(value: Any) -> int:
    """The characters of all texts in a plain value."""
    if isinstance(value, str):
        return len(value)
    items = value.values() if isinstance(value, dict) else value
    return sum(map(_length, items)) if isinstance(value, dict | list) else 0


def _story(result: CaseResult) -> str:
    reason = f" ({result.expected_reason})" if result.expected_reason else ""
    wanted = f"the case {result.name!r} expects {result.expected_verdict}{reason}"
    if result.decision is None:
        return f"{wanted}, but {result.problem}"
    return f"{wanted}, got {result.decision.verdict} ({result.decision.reason_code})"


def _finding(code: str, path: str, node: Node, message: str, fix: str) -> Finding:
    return Finding(code, "error", path, message, fix, node.line, node.column)
