"""Gates for the tests of a policy: what passes, and what is said of what does not."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.policy.coverage.measure import measure
from kt.policy.findings import Finding
from kt.policy.lint import lint
from kt.policy.mutants.gates import OPEN, Gates, findings
from kt.policy.mutants.measure import mutate
from kt.policy.nodes import MappingNode
from kt.policy.yaml.document import read
from tests.kt.policy.builders import policy
from tests.kt.policy.made import data_of, policies

TERMS = [f"falcon {number}" for number in range(8)]


def _root(made: Any) -> MappingNode:
    data = made if isinstance(made, bytes) else data_of(made)
    assert lint(data).ok, lint(data).errors
    root = read(data).root
    assert isinstance(root, MappingNode)
    return root


def _case(text: str, verdict: str = "block") -> dict[str, Any]:
    asked = {"messages": [{"role": "user", "content": text}]}
    return {"name": text, "input": asked, "expected": {"verdict": verdict}}


def _tested(*cases: dict[str, Any], terms: list[str] = TERMS) -> dict[str, Any]:
    suites = {"testing": {"suites": [{"name": "s", "cases": list(cases)}]}} if cases else {}
    blocks = {"safety-filter": {"block_if": terms, "action": "block"}}
    return policy("safety-filter", blocks=blocks) | suites


def _codes(found: tuple[Finding, ...], severity: str = "error") -> list[str]:
    return [one.code for one in found if one.severity == severity]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 11), st.integers(0, 100), st.integers(0, 100))
def test_a_gate_says_what_the_commands_say(seed: int, coverage: int, killed: int) -> None:
    """It lets through exactly what reaches the shares that they print."""
    root = _root(next(policies(seed)))
    reached, noticed = measure(root)[1].percent, mutate(root).percent

    found = _codes(findings(root, Gates(coverage, killed)))

    low = {"too_little_covered": reached < coverage, "too_few_killed": noticed < killed}
    assert found == [code for code, is_low in low.items() if is_low]


def test_what_is_missing_is_named_with_its_line_and_a_case() -> None:
    """Each case, pasted into the policy, is one fewer."""
    made = _tested(_case(TERMS[0]), _case("Hello", "allow"))
    found = findings(_root(made), Gates(100, 100))

    assert _codes(found) == ["too_little_covered", "too_few_killed"]
    missed = [one for one in found if one.code == "not_reached"]
    assert "no test reaches policy.safety-filter.block_if[7]" in {one.message for one in missed}
    assert all(one.line > 1 for one in found if one.severity == "warning")
    survived = [one for one in found if one.code == "mutant_survived"]
    dropped = next(one for one in survived if '"falcon 7" is dropped' in one.message)
    head, _, pasted = dropped.suggestion.partition("\n")
    assert head == "a case for a suite that would notice it:"
    (case,) = yaml.safe_load(pasted)
    more = _tested(_case(TERMS[0]), _case("Hello", "allow"), case)
    left = findings(_root(more), Gates(100, 100))
    assert dropped.message not in {one.message for one in left}


def test_all_that_is_pasted_at_last_passes() -> None:
    """Who does what the findings say gets through, by as many turns as it takes."""
    cases: list[dict[str, Any]] = [_case("Hello", "allow")]
    for turn in itertools.count():
        found = findings(_root(_tested(*cases)), Gates(killed=100))
        if not found:
            break
        assert turn < 5
        cases += [
            yaml.safe_load(one.suggestion.partition("\n")[2])[0]
            for one in found
            if one.code == "mutant_survived"
        ]


NOTHING = {
    "one that is switched off": policy("pii-detector")
    | {"pack": {"name": "p", "version": "1.0.0", "enabled": False}},
}


@pytest.mark.parametrize("made", NOTHING.values(), ids=NOTHING)
def test_where_nothing_is_enforced_nothing_is_missed(made: dict[str, Any]) -> None:
    """There is nothing to test."""
    assert findings(_root(made), Gates(100, 100)) == ()


def test_a_record_alone_is_reached_by_any_case() -> None:
    """It has no verdict that a case could expect, and no mutant."""
    assert _codes(findings(_root(policy("audit-logger")), Gates(100, 100))) == [
        "too_little_covered"
    ]
    tested = policy("audit-logger") | {
        "testing": {
            "suites": [
                {
                    "name": "s",
                    "cases": [
                        {
                            **_case("Hello", "allow"),
                            "input": {**_case("Hello")["input"], "upstream_response": "Hi"},
                        }
                    ],
                }
            ]
        }
    }
    assert findings(_root(tested), Gates(100, 100)) == ()


def test_open_gates_and_a_policy_without_tests() -> None:
    """Nothing is asked; or nothing is reached, nor killed."""
    root = _root(_tested())

    assert findings(root, OPEN) == ()
    assert _codes(findings(root, Gates(1, 1))) == ["too_little_covered", "too_few_killed"]


@pytest.mark.parametrize(
    ("cases", "least", "turns", "expected"),
    [
        (8, 1, 5, ["tests_not_measured"]),
        (8, 100, 0, ["tests_not_measured"]),
        (0, 50, 3, ["tests_not_measured"]),
        (0, 90, 20, ["too_few_killed"]),
    ],
)
def test_time_that_is_over_lets_nothing_pass(
    cases: int, least: int, turns: int, expected: list[str]
) -> None:
    """Whatever was killed until then. What cannot be reached any more is said at once."""
    root = _root(_tested(*(_case(term) for term in TERMS[:cases])))
    counted = itertools.count(1)

    found = findings(root, Gates(killed=least), lambda: next(counted) > turns)

    assert _codes(found) == expected
    if expected == ["too_few_killed"]:
        assert "at most" in found[0].message


def test_only_as_much_is_said_as_a_row_should_hold() -> None:
    """Of either sort twenty, and no case of thousands of signs."""
    many = [f"falcon {number}" for number in range(60)]
    found = findings(_root(_tested(terms=many)), Gates(100, 100))
    assert [_codes(found, "warning").count(one) for one in ("not_reached", "mutant_survived")] == [
        20,
        20,
    ]

    calls = policy("agent-firewall", blocks={"agent-firewall": {"max_tool_calls": 150}})
    long = findings(_root(calls), Gates(killed=100))
    assert max(len(one.suggestion) for one in long) < 2000
    assert "kt policy mutate prints a case that would" in {one.suggestion for one in long}


def test_a_policy_of_which_nothing_is_known_does_not_pass() -> None:
    """Where all mutants are undecided, no share of them was killed."""
    made = policy("dlp-filter", blocks={"dlp-filter": {"detect_patterns": [r"[^\x00-\x{10FFFF}]"]}})
    found = mutate(_root(made), keep=lambda one: one.operator == "pattern_dropped")

    assert [one.fate for one in found.tried] == ["undecided"]
    assert found.percent == 0
