"""SARIF 2.1.0, for the code scanning of forges."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kt import __version__
from kt.cli.formats import LINT, NOT_READ, STDIN_NAME, Context, Result, relative
from kt.policy.rules.base import CATALOGUE, Rule

if TYPE_CHECKING:
    from kt.policy.findings import Finding

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_ROOT = "%SRCROOT%"


def render(results: Sequence[Result], context: Context) -> str:
    """The log, with one run, also when there is nothing to report."""
    rules = _lint_rules() if context.tool == LINT else _other_rules(results)
    driver = {"name": context.tool, "semanticVersion": __version__, "rules": rules}
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"uri": Path(context.root).absolute().as_uri() + "/"}},
        "invocations": [_invocation(results, context.root)],
        "results": [one for result in results for one in _results(result, context.root)],
    }
    has_suppressed = any(result.report.suppressed for result in results)
    codes = {rule["id"]: index for index, rule in enumerate(rules)}
    for one in run["results"]:
        code = one["ruleId"]
        if code in codes:
            one["ruleIndex"] = codes[code]
        if code in context.notes:
            one["level"] = "note"
        if not has_suppressed:
            del one["suppressions"]  # A run has it in all of its results, or in none.
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _invocation(results: Sequence[Result], root: str) -> dict[str, Any]:
    """Whether every file could be looked at, and which could not."""
    failed = [
        {
            "level": "error",
            "descriptor": {"id": NOT_READ},
            **_said(relative(one.file, root), finding),
        }
        for one in results
        for finding in one.report.findings
        if finding.code == NOT_READ
    ]
    told = {"toolExecutionNotifications": failed} if failed else {}
    return {"executionSuccessful": not failed, **told}


def _lint_rules() -> list[dict[str, Any]]:
    return [_rule(CATALOGUE[code]) for code in sorted(CATALOGUE)]


def _other_rules(results: Sequence[Result]) -> list[dict[str, Any]]:
    codes = {finding.code for result in results for finding in result.report.findings}
    return [
        {"id": code, "shortDescription": {"text": code.replace("_", " ")}} for code in sorted(codes)
    ]


def _rule(rule: type[Rule]) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.__name__,
        "shortDescription": {"text": rule.title()},
        "help": {"text": rule.page()},
        "defaultConfiguration": {"level": rule.severity()},
    }


def _results(result: Result, root: str) -> Iterator[dict[str, Any]]:
    file = relative(result.file, root)
    for finding in result.report.findings:
        yield {**_result(file, finding), "suppressions": []}
    for one in result.report.suppressed:
        told = {"kind": "inSource", "justification": one.reason}
        yield {**_result(file, one.finding), "suppressions": [told]}


def _result(file: str, finding: Finding) -> dict[str, Any]:
    identity = "\0".join((finding.code, file, finding.path))
    return {
        "ruleId": finding.code,
        "level": finding.severity,
        **_said(file, finding),
        "partialFingerprints": {"keyPath/v1": hashlib.sha256(identity.encode()).hexdigest()},
    }


def _said(file: str, finding: Finding) -> dict[str, Any]:
    text = f"{finding.message}; {finding.suggestion}" if finding.suggestion else finding.message
    place = {"physicalLocation": _location(file, finding), **_logical(finding)}
    return {"message": {"text": text}, "locations": [place]}


def _location(file: str, finding: Finding) -> dict[str, Any]:
    region = {"startLine": finding.line, "startColumn": finding.column}
    return {"artifactLocation": _artifact(file), "region": region}


def _artifact(file: str) -> dict[str, str]:
    if file == STDIN_NAME:
        return {"uri": "stdin:"}
    if file.startswith(("/", "..")):
        return {"uri": Path(file).absolute().as_uri()}
    return {"uri": quote(file), "uriBaseId": _ROOT}


def _logical(finding: Finding) -> dict[str, Any]:
    return {"logicalLocations": [{"fullyQualifiedName": finding.path}]} if finding.path else {}
