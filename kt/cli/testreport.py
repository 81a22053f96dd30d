"""The output of `kt policy test`: for people, as JSON, JUnit, and SARIF."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from kt.cli.formats import Context, Result, repository_root
from kt.policy.coverage.measure import Coverage
from kt.policy.findings import Finding
from kt.policy.report import Report
from kt.policy.rules.base import Spot
from kt.policy.testing.suites import CaseResult


class Tested(NamedTuple):
    """A policy file and the results of its cases, or the problem for which none was run.

    `places` are those of the first cases, which are the file's own; () where all passed.
    A case that needs a model which is not there is neither passed nor failed. `coverage` is None
    where none was measured.
    """

    file: str
    results: tuple[CaseResult, ...]
    code: str = ""
    problem: str = ""
    places: tuple[Spot, ...] = ()
    coverage: Coverage | None = None


def _text(tested: Sequence[Tested]) -> str:
    lines = [line for one in tested for line in _file_lines(one)]
    passed = sum(result.passed for one in tested for result in one.results)
    failed = sum(result.failed for one in tested for result in one.results)
    left_out = sum(result.was_left_out for one in tested for result in one.results)
    untested = sum(bool(one.problem) for one in tested)
    left = f", {left_out} not run" if left_out else ""
    left += f", {untested} file{'' if untested == 1 else 's'} not tested" if untested else ""
    return "\n".join([*lines, f"{passed} passed, {failed} failed{left}", ""])


def _file_lines(one: Tested) -> Iterator[str]:
    yield one.file
    if one.problem:
        yield f"  NOT TESTED  {_shown(one.problem)}"
    elif not one.results:
        yield "  no test"
    for result in one.results:
        yield f"  {_word(result)}  {result.suite}: {result.name}"
        if result.was_left_out:
            yield f"          {result.problem}"
        elif not result.passed:
            yield f"          expected {_expected(result)}"
            yield f"          got      {_got(result)}"


def _word(result: CaseResult) -> str:
    if result.was_left_out:
        return "NOT RUN"
    return "passed" if result.passed else "FAILED"


def _expected(result: CaseResult) -> str:
    reason = f" ({result.expected_reason})" if result.expected_reason else ""
    return result.expected_verdict + reason


def _got(result: CaseResult) -> str:
    """The verdict, the policy that decided, its reason and place; never text of the request."""
    decision = result.decision
    if decision is None:
        return result.problem
    by = f" by {decision.policy}" if decision.policy else ""
    where = ", ".join(dict.fromkeys(one.where for one in decision.detections))
    return f"{decision.verdict}{by} ({decision.reason_code}){f' at {where}' if where else ''}"


def _json(tested: Sequence[Tested]) -> str:
    rows = [_row(one.file, result) for one in tested for result in one.results]
    errors = [
        {"file": one.file, "code": one.code, "message": one.problem}
        for one in tested
        if one.problem
    ]
    failed = any(result.failed for one in tested for result in one.results)
    report = {"ok": not failed and not errors, "results": rows, "errors": errors}
    return json.dumps(report, indent=2) + "\n"


def _row(file: str, result: CaseResult) -> dict[str, Any]:
    decision = result.decision
    return {
        "name": result.name,
        "verdict": decision and decision.verdict,
        "reason_code": decision and decision.reason_code,
        "passed": result.passed,
        "details": {
            "file": file,
            "suite": result.suite,
            "not_run": result.was_left_out,
            "expected": {
                "verdict": result.expected_verdict,
                "reason_code": result.expected_reason,
            },
            "policy": decision and decision.policy,
            "message": decision.message if decision else result.problem,
            "detections": _detections(result),
        },
    }


def _detections(result: CaseResult) -> list[dict[str, str]]:
    detections = result.decision.detections if result.decision else ()
    return [
        {"policy": one.policy, "rule": one.rule, "label": one.label, "where": one.where}
        for one in detections
    ]


def _junit(tested: Sequence[Tested]) -> str:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f'<testsuites name="kt policy test"{_counts(tested)}>')
    for one in tested:
        lines.extend(_suite_lines(one))
    return "".join(f"{line}\n" for line in [*lines, "</testsuites>"])


def _counts(tested: Sequence[Tested]) -> str:
    results = [result for one in tested for result in one.results]
    failures = sum(result.failed for result in results)
    errors = sum(bool(one.problem) for one in tested)
    return f' tests="{len(results) + errors}" failures="{failures}" errors="{errors}"'


def _suite_lines(one: Tested) -> Iterator[str]:
    skipped = sum(result.was_left_out for result in one.results)
    yield f'  <testsuite name={_attribute(one.file)}{_counts([one])} skipped="{skipped}" time="0">'
    if one.problem:
        names = f'name="not tested" classname={_attribute(one.file)}'
        yield from _unpassed_lines(names, "error", one.problem, f" type={_attribute(one.code)}")
    for result in one.results:
        names = f"name={_attribute(result.name)} classname={_attribute(result.suite)}"
        if result.passed:
            yield f'    <testcase {names} time="0"/>'
        elif result.was_left_out:
            yield from _unpassed_lines(names, "skipped", result.problem)
        else:
            text = f"expected {_expected(result)}, got {_got(result)}"
            yield from _unpassed_lines(names, "failure", text)
    yield "  </testsuite>"


def _unpassed_lines(names: str, kind: str, text: str, more: str = "") -> Iterator[str]:
    yield f'    <testcase {names} time="0">'
    yield f"      <{kind}{more} message={_attribute(text)}>{escape(_shown(text))}</{kind}>"
    yield "    </testcase>"


def _sarif(tested: Sequence[Tested]) -> str:
    from kt.cli.formats.sarif import render

    results = [Result(one.file, b"", Report(tuple(_findings(one)), None, ())) for one in tested]
    return render(results, Context(root=repository_root(), tool="kt policy test"))


def _findings(one: Tested) -> Iterator[Finding]:
    if one.problem:
        yield Finding(one.code, "error", "", _shown(one.problem), "", 1, 1)
    for index, result in enumerate(one.results):
        if result.was_left_out:
            at = one.places[index] if index < len(one.places) else Spot()
            name = f"{result.suite}: {result.name}"
            text = f"{name}: not run: {result.problem}"
            yield Finding("case_not_run", "warning", name, text, "", at.line, at.column)
        elif not result.passed:
            at = one.places[index] if index < len(one.places) else Spot()
            name = f"{result.suite}: {result.name}"
            text = f"{name}: expected {_expected(result)}, got {_got(result)}"
            yield Finding("case_failed", "error", name, text, "", at.line, at.column)


def _attribute(text: str) -> str:
    return quoteattr(_shown(text))


def _shown(text: str) -> str:
    """Text without characters that XML 1.0 cannot hold."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


RENDERERS: Mapping[str, Callable[[Sequence[Tested]], str]] = MappingProxyType(
    {"text": _text, "json": _json, "junit": _junit, "sarif": _sarif}
)
"""Format name → function that renders it."""
