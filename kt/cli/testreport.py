"""The output of `kt policy test`: for people, as JSON, and as JUnit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from kt.policy.testing.suites import CaseResult


class Tested(NamedTuple):
    """A policy file and the results of its cases."""

    file: str
    results: tuple[CaseResult, ...]


def _text(tested: Sequence[Tested]) -> str:
    lines = [line for one in tested for line in _file_lines(one)]
    passed = sum(result.passed for one in tested for result in one.results)
    failed = sum(not result.passed for one in tested for result in one.results)
    return "\n".join([*lines, f"{passed} passed, {failed} failed", ""])


def _file_lines(one: Tested) -> Iterator[str]:
    yield one.file
    if not one.results:
        yield "  no test"
    for result in one.results:
        yield f"  {'passed' if result.passed else 'FAILED'}  {result.suite}: {result.name}"
        if not result.passed:
            yield f"          expected {_expected(result)}"
            yield f"          got      {_got(result)}"


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
    report = {"ok": all(row["passed"] for row in rows), "results": rows}
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
    everything = [result for one in tested for result in one.results]
    lines.append(f'<testsuites name="kt policy test"{_counts(everything)}>')
    for one in tested:
        lines.extend(_suite_lines(one))
    return "".join(f"{line}\n" for line in [*lines, "</testsuites>"])


def _counts(results: Sequence[CaseResult]) -> str:
    failures = sum(not result.passed for result in results)
    return f' tests="{len(results)}" failures="{failures}" errors="0"'


def _suite_lines(one: Tested) -> Iterator[str]:
    yield f'  <testsuite name={_attribute(one.file)}{_counts(one.results)} skipped="0" time="0">'
    for result in one.results:
        names = f"name={_attribute(result.name)} classname={_attribute(result.suite)}"
        if result.passed:
            yield f'    <testcase {names} time="0"/>'
        else:
            text = f"expected {_expected(result)}, got {_got(result)}"
            yield f'    <testcase {names} time="0">'
            yield f"      <failure message={_attribute(text)}>{escape(_shown(text))}</failure>"
            yield "    </testcase>"
    yield "  </testsuite>"


def _attribute(text: str) -> str:
    return quoteattr(_shown(text))


def _shown(text: str) -> str:
    """Text without characters that XML 1.0 cannot hold."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


RENDERERS: Mapping[str, Callable[[Sequence[Tested]], str]] = MappingProxyType(
    {"text": _text, "json": _json, "junit": _junit}
)
"""Format name → function that renders it."""
