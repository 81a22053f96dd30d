"""The reader of test files beside a policy: a case, a suite, or several of either."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_CASE_KEYS = frozenset({"name", "description", "input", "expected"})
_SUITE_KEYS = frozenset({"name", "description", "target", "cases"})
_INPUT_KEYS = frozenset({"messages", "headers", "model", "upstream_response"})
_EXPECTED_KEYS = frozenset({"verdict", "reason_code"})
_VERDICTS = ("allow", "redact", "escalate", "block")


class BadSuiteError(Exception):
    """A test file with something else in it; the text names the place and the fix."""


def read_suites(data: bytes, *, name: str) -> list[dict[str, Any]]:
    """The suites of a JSON file; cases outside a suite become the suite `name`.

    Raises:
        BadSuiteError: not JSON, a key or value that no test has, or no test at all.
    """
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadSuiteError(f"not JSON: {error}") from error
    if isinstance(content, dict) and set(content) == {"suites"}:
        content = content["suites"]
    items = content if isinstance(content, list) else [content]
    if not items:
        raise BadSuiteError("no test in it; write a case, or remove the file")
    suites = [_suite(item, at) for at, item in enumerate(items) if _is_suite(item)]
    cases = [_case(item, f"[{at}]") for at, item in enumerate(items) if not _is_suite(item)]
    return [*suites, *([{"name": name, "cases": cases}] if cases else [])]


def _is_suite(item: Any) -> bool:
    return isinstance(item, dict) and "cases" in item


def _suite(item: Mapping[str, Any], at: int) -> dict[str, Any]:
    _check_keys(item, _SUITE_KEYS, f"[{at}]")
    cases = item["cases"]
    if not isinstance(item.get("name"), str) or not isinstance(cases, list):
        raise BadSuiteError(f"[{at}]: a suite needs a name and a list of cases")
    if not cases:
        raise BadSuiteError(f"[{at}]: no case in this suite; write one, or remove it")
    if not isinstance(item.get("target", ""), str):
        raise BadSuiteError(f"[{at}]: target must be the name of a kind or of a provider target")
    return {**item, "cases": [_case(case, f"[{at}].cases[{n}]") for n, case in enumerate(cases)]}


def _case(item: Any, where: str) -> dict[str, Any]:
    _check_keys(item, _CASE_KEYS, where)
    given, expected = item.get("input"), item.get("expected")
    _check_keys(given, _INPUT_KEYS, f"{where}.input")
    _check_keys(expected, _EXPECTED_KEYS, f"{where}.expected")
    if not isinstance(item.get("name"), str):
        raise BadSuiteError(f"{where}: a case needs a name")
    messages, headers = given.get("messages"), given.get("headers", {})
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        raise BadSuiteError(f"{where}.input: messages must be a list of objects")
    if not isinstance(headers, dict) or not all(isinstance(v, str) for v in headers.values()):
        raise BadSuiteError(f"{where}.input: headers must map names to texts")
    if not isinstance(given.get("model", ""), str):
        raise BadSuiteError(f"{where}.input: model must be a name")
    if expected.get("verdict") not in _VERDICTS:
        raise BadSuiteError(f"{where}.expected: verdict must be one of {', '.join(_VERDICTS)}")
    if not isinstance(expected.get("reason_code", ""), str):
        raise BadSuiteError(f"{where}.expected: reason_code must be text")
    return dict(item)


def _check_keys(item: Any, keys: frozenset[str], where: str) -> None:
    if not isinstance(item, dict):
        raise BadSuiteError(f"{where}: expected an object with {', '.join(sorted(keys))}")
    unknown = sorted(set(item) - keys)
    if unknown:
        raise BadSuiteError(f"{where}: unknown key {unknown[0]!r}")
