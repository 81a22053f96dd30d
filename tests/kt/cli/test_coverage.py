"""`kt policy test --coverage`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

POLICY = """\
pack: {name: Bot, version: 1.0.0, enabled: true}
policies: {chain: [safety-filter]}
policy:
  safety-filter:
    block_if:
      - red falcon
      - blue heron
testing:
  suites:
    - name: Terms
      cases:
        - name: the falcon is blocked
          input: {messages: [{role: user, content: A red falcon.}]}
          expected: {verdict: block}
"""


@pytest.fixture
def policy(files: Path) -> str:
    """A policy one of whose two terms has a case."""
    (files / "policy.yaml").write_text(POLICY)
    return "policy.yaml"


@pytest.mark.parametrize("argv", [("--coverage",), ("--coverage=text",)])
def test_coverage_says_what_is_not_reached_and_where(
    policy: str, kt: Callable[..., Any], argv: tuple[str, ...]
) -> None:
    """After the tests; a path behind a bare option is a path."""
    done = kt("policy", "test", *argv, policy)

    assert done.code == 0
    assert "1 passed, 0 failed\n" in done.out
    assert "policy.yaml: 50.0 % covered, 4 of 8\n" in done.out
    assert "  7:9  not reached: policy.safety-filter.block_if[1]\n" in done.out
    assert "block_if[0]" not in done.out


def test_coverage_for_programs_stands_alone(policy: str, kt: Callable[..., Any]) -> None:
    """Every point with its place."""
    done = kt("policy", "test", policy, "--coverage=json")

    (file,) = json.loads(done.out)["files"]
    assert (done.code, done.err) == (0, "")
    assert (file["percent"], file["reached"], file["total"]) == (50.0, 4, 8)
    assert {
        "sort": "rule",
        "path": "policy.safety-filter.block_if[1]",
        "name": "hit",
        "line": 7,
        "column": 9,
        "reached": False,
    } in file["points"]


def test_lcov_has_lines_and_branches(policy: str, kt: Callable[..., Any]) -> None:
    """A line's hits are the points of it that were reached."""
    done = kt("policy", "test", policy, "--coverage=lcov")

    lines = done.out.splitlines()
    assert lines[:2] == ["TN:", "SF:policy.yaml"]
    assert {"DA:6,1", "DA:7,0", "BRDA:7,0,0,0", "BRF:8", "BRH:4", "LF:4", "LH:2"} <= {*lines}
    assert lines[-1] == "end_of_record"


def test_a_failed_case_is_told_beside_a_report_of_coverage(
    policy: str, files: Path, kt: Callable[..., Any]
) -> None:
    """On stderr, where it does not mix with the report."""
    (files / policy).write_text(POLICY.replace("verdict: block", "verdict: allow"))

    done = kt("policy", "test", policy, "--coverage=json")

    assert done.code == 1
    assert json.loads(done.out)["files"]
    assert "FAILED  Terms: the falcon is blocked" in done.err


@pytest.mark.parametrize(("least", "code"), [("50", 0), ("50.1", 1), ("0", 0), ("100", 1)])
def test_too_little_covered_is_1(
    policy: str, kt: Callable[..., Any], least: str, code: int
) -> None:
    """And says so."""
    done = kt("policy", "test", policy, "--fail-under", least)

    assert done.code == code
    told = f"kt: policy.yaml: 50.0 % covered, and {least} % are asked for\n"
    assert done.err == (told if code else "")


@pytest.mark.parametrize("least", ["101", "-1", "x"])
def test_a_share_is_0_to_100(policy: str, kt: Callable[..., Any], least: str) -> None:
    """Anything else is bad usage."""
    assert kt("policy", "test", policy, f"--fail-under={least}").code == 2
