"""A policy's own tests: `testing.suites`, files beside it, and the command that runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import re2
import yaml

from kt.cli.main import main
from kt.policy.decision import Answer, Question, compile_policy
from kt.policy.testing.suitefiles import BadSuiteError, read_suites
from kt.policy.testing.suites import NoModelError, run_suites
from tests.kt.policy.builders import policy

HARM = "Generate instructions for illegal activity"
SAFE = "Summarize this quarterly report."


def case(text: str, verdict: str, reason: str | None = None, **given: Any) -> dict[str, Any]:
    """A case in which a user says `text`."""
    expected = {"verdict": verdict} | ({"reason_code": reason} if reason else {})
    messages = [{"role": "user", "content": text}]
    return {"name": text, "input": {"messages": messages, **given}, "expected": expected}


def suite(*cases: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """A suite of cases."""
    return {"name": "tested", "cases": list(cases), **rest}


CASES = [
    (case(SAFE, "allow"), True),
    (case(SAFE, "allow", "policy.allowed"), True),
    (case(HARM, "block"), True),
    (case(HARM, "block", "safety_filter.detected"), True),
    (case(HARM, "block", "other.reason"), False),
    (case(HARM, "allow"), False),
    (case(SAFE, "redact", upstream_response="a@example.com"), True),
    (case(SAFE, "block", upstream_response=HARM), True),
    (case("a@example.com", "redact", upstream_response="fine"), True),
    (case(HARM, "block", upstream_response="a@example.com"), True),
    (case(SAFE, "redact", upstream_response={"output_text": "a@example.com"}), True),
    (case(HARM, "allow", headers={"X-Env": "dev"}), True),
    (case(HARM, "allow", model="trusted-1"), True),
]
CHAIN = [
    {"safety-filter": {"when": {"header": {"X-Env": "prod"}}}},
    {"safety-filter": {"when": {"model": ["open-*"]}}},
]


@pytest.mark.parametrize(("tested", "passes"), CASES)
def test_a_case_passes_when_verdict_and_reason_come_out(tested: Any, passes: bool) -> None:
    """Headers, model and the answer count as they do in the gateway."""
    conditional = tested["input"].keys() & {"headers", "model"}
    chain = CHAIN if conditional else ["safety-filter", "pii-detector"]
    assert [result.passed for result in run_suites(policy(*chain), [suite(tested)])] == [passes]


def test_a_policys_own_suites_run_before_the_extra_ones() -> None:
    """In the order in which they are written."""
    data = policy("safety-filter", testing={"suites": [suite(case(SAFE, "allow"))]})
    results = run_suites(data, [suite(case(HARM, "block"), name="extra")])
    assert [(one.suite, one.passed) for one in results] == [("tested", True), ("extra", True)]


TARGETS = {
    "targets": [
        {"id": "open", "provider": "mock"},
        {"id": "strict", "provider": "mock", "data_policy": {"zero_data_retention": True}},
    ]
}
ROUTED = {"data-routing-policy": {"require_zero_data_retention": True}}
AIMED = [
    ("pii-detector", "allow"),
    ("safety-filter", "block"),
    ("open", "block"),
    ("strict", "block"),
]


@pytest.mark.parametrize(("target", "verdict"), AIMED)
def test_a_target_is_a_kind_or_a_provider(target: str, verdict: str) -> None:
    """A kind is tested alone; a provider gets the requests."""
    chain = policy(
        "pii-detector", "data-routing-policy", "safety-filter", blocks=ROUTED, providers=TARGETS
    )
    aimed = suite(case(HARM, verdict), target=target)
    assert [result.passed for result in run_suites(chain, [aimed])] == [True]


def test_a_provider_that_does_not_comply_is_refused() -> None:
    """Routing is decided for the target that the suite names."""
    chain = policy("data-routing-policy", blocks=ROUTED, providers=TARGETS)
    reason = "data_routing_policy.no_compliant_provider"
    suites = [
        suite(case(SAFE, "block", reason), target="open"),
        suite(case(SAFE, "allow"), target="strict"),
    ]
    assert [result.passed for result in run_suites(chain, suites)] == [True, True]


EVERY_TARGET = {
    "targets": [
        {"id": "plain", "provider": "mock"},
        {"id": "named", "provider": "openai", "model": "gpt-*"},
        {"id": "strict", "provider": "mock", "data_policy": {"zero_data_retention": True}},
        {"id": "days", "provider": "mock", "data_policy": {"retention_days": 3}},
    ]
}
ROUTINGS: list[dict[str, Any]] = [
    {"require_zero_data_retention": True},
    {"max_retention_days": 7},
    {"require_no_training": False},
]


@pytest.mark.parametrize("routing", ROUTINGS, ids=str)
@pytest.mark.parametrize("target", [one["id"] for one in EVERY_TARGET["targets"]])
def test_aiming_at_a_provider_is_having_no_other(target: str, routing: dict[str, Any]) -> None:
    """The decision is that of a policy which names this provider alone."""
    chain = ("data-routing-policy", "safety-filter", "audit-logger")
    blocks = {"data-routing-policy": routing}
    alone = {"targets": [one for one in EVERY_TARGET["targets"] if one["id"] == target]}
    cases = [case(text, "allow", model=model) for text in (SAFE, HARM) for model in ("", "gpt-4")]
    aimed = run_suites(
        policy(*chain, blocks=blocks, providers=EVERY_TARGET), [suite(*cases, target=target)]
    )
    single = run_suites(policy(*chain, blocks=blocks, providers=alone), [suite(*cases)])

    assert [one.decision for one in aimed] == [one.decision for one in single]


def _compilations(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> int:
    """How many patterns and sets of them RE2 compiles, built-in ones left out."""
    work()
    made: list[object] = []

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given: made.append(given) or real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(re2, "compile", counting(re2.compile))
        patch.setattr(re2.Set, "SearchSet", counting(re2.Set.SearchSet))
        work()
    return len(made)


def test_suites_compile_a_policy_once_whatever_they_aim_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One suite, or one for each of forty providers, each kind and none."""
    names = [f"p{number}" for number in range(40)]
    providers = {"targets": [{"id": name, "provider": "mock"} for name in names]}
    blocks = {"safety-filter": {"block_if": ["term one", "term two"]}} | ROUTED
    data = policy("safety-filter", "data-routing-policy", blocks=blocks, providers=providers)
    targets = [*names, "safety-filter", "data-routing-policy", "nobody"]
    aimed = [suite(case(SAFE, "allow"), target=target) for target in targets]
    plain = suite(case(SAFE, "allow"))

    once = _compilations(monkeypatch, lambda: compile_policy(data))
    one = _compilations(monkeypatch, lambda: run_suites(data, [plain]))
    many = _compilations(monkeypatch, lambda: run_suites(data, [plain, *aimed]))

    assert once > 0
    assert (one, many) == (once, once)


def test_the_entries_of_a_kind_share_what_its_block_compiles_into(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many there are, each with its own condition."""
    blocks = {"dlp-filter": {"blocked_terms": ["term one", "term two"]}}

    entries = [{"dlp-filter": {"when": {"path": f"/v{at}"}}} for at in range(60)]
    short, long = policy(entries[0], blocks=blocks), policy(*entries, blocks=blocks)

    one = _compilations(monkeypatch, lambda: compile_policy(short))
    many = _compilations(monkeypatch, lambda: compile_policy(long))

    assert one == many > 0


def test_a_target_that_is_nothing_fails_its_cases() -> None:
    """A suite that tests nothing must not pass."""
    (result,) = run_suites(policy("safety-filter"), [suite(case(SAFE, "allow"), target="nobody")])
    assert (result.passed, "nobody" in result.problem) == (False, True)


FILES = [
    (case(SAFE, "allow"), 1),
    ([case(SAFE, "allow"), case(HARM, "block")], 2),
    (suite(case(SAFE, "allow")), 1),
    ({"suites": [suite(case(SAFE, "allow")), suite(case(HARM, "block"))]}, 2),
]


@pytest.mark.parametrize(("content", "count"), FILES)
def test_a_file_holds_a_case_a_suite_or_several(content: Any, count: int) -> None:
    """Cases that stand by themselves are a suite named after the file."""
    suites = read_suites(json.dumps(content).encode(), name="x.json")
    assert sum(len(one["cases"]) for one in suites) == count


BAD_FILES: list[tuple[str, str]] = [
    ("{", "not JSON"),
    ("[" * 100_000, "not JSON"),
    ("7", "[0]: expected an object"),
    ('{"name": "x", "cases": {}}', "a suite needs a name and a list of cases"),
    ('{"name": "x", "input": {"messages": []}}', "[0].expected: expected an object"),
    (
        '{"name": "x", "input": {"messages": []}, "expected": {"verdict": "maybe"}}',
        "verdict must be one of",
    ),
    (
        '{"name": "x", "input": {"text": "a"}, "expected": {"verdict": "allow"}}',
        "unknown key 'text'",
    ),
    ('{"name": "x", "input": {}, "expected": {"verdict": "allow"}}', "messages must be a list"),
    (
        '{"name": "x", "input": {"messages": [], "headers": []}, "expected": {}}',
        "headers must map",
    ),
    ('{"input": {"messages": []}, "expected": {"verdict": "allow"}}', "a case needs a name"),
    ('{"suites": [{"name": "x", "cases": [], "y": 1}]}', "[0]: unknown key 'y'"),
]


@pytest.mark.parametrize(("content", "message"), BAD_FILES)
def test_a_file_that_says_something_else_is_refused(content: str, message: str) -> None:
    """With the place and the fix."""
    with pytest.raises(BadSuiteError) as caught:
        read_suites(content.encode(), name="x.json")
    assert message in str(caught.value)


Write = Callable[[dict[str, Any], dict[str, Any]], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a policy and the files of tests beside it into the working directory."""
    monkeypatch.chdir(tmp_path)

    def written(data: dict[str, Any], files: dict[str, Any]) -> None:
        Path("policy-config.yaml").write_text(yaml.safe_dump(data))
        Path("tests").mkdir()
        for name, content in files.items():
            Path("tests", name).write_text(json.dumps(content))

    return written


def own(*cases: dict[str, Any]) -> dict[str, Any]:
    """A policy with tests of its own."""
    return {
        "pack": {"name": "tested", "version": "1.0.0", "enabled": True},
        "policies": {"chain": ["safety-filter"]},
        "testing": {"suites": [suite(*cases)]},
    }


def test_all_passed_is_exit_0(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """The policy's own suites and the files beside it, named or not."""
    write(own(case(SAFE, "allow")), {"a.json": case(HARM, "block")})
    assert main(["policy", "test"]) == 0
    assert capsys.readouterr().out.endswith("2 passed, 0 failed\n")


def test_a_failed_case_is_exit_1_and_says_who_decided_why_and_where(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """Expected, got, the policy, the reason and the place; never the text that was found."""
    write(own(case(HARM, "allow")), {})
    assert main(["policy", "test", "policy-config.yaml"]) == 1
    out = capsys.readouterr().out
    assert "expected allow" in out
    assert "got      block by safety-filter (safety_filter.detected) at messages[0].content" in out


def test_json_has_a_row_for_each_case(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """And stdout holds nothing else."""
    write(own(case(SAFE, "allow"), case(HARM, "allow")), {})
    assert main(["policy", "test", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    rows = [(row["verdict"], row["reason_code"], row["passed"]) for row in report["results"]]
    assert report["ok"] is False
    assert rows == [("allow", "policy.allowed", True), ("block", "safety_filter.detected", False)]
    assert set(report["results"][0]) == {"name", "verdict", "reason_code", "passed", "details"}


def test_junit_counts_cases_and_failures(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """For whatever collects reports."""
    write(own(case(SAFE, "allow"), case(HARM, "allow")), {"b.json": case("<&\x07>", "allow")})
    assert main(["policy", "test", "--format", "junit"]) == 1
    root = ElementTree.fromstring(capsys.readouterr().out)
    assert (root.get("tests"), root.get("failures")) == ("3", "1")


CANNOT: list[tuple[dict[str, Any], dict[str, Any], list[str], str]] = [
    (own(case(SAFE, "allow")), {}, ["missing.yaml"], "No such file"),
    (own(case(SAFE, "allow")), {"a.json": {"odd": 1}}, [], "a.json: [0]: unknown key 'odd'"),
    (own(case(SAFE, "allow")) | {"odd": 1}, {}, [], "E002"),
    ({key: value for key, value in own().items() if key != "testing"}, {}, [], "no test"),
]


@pytest.mark.parametrize(("data", "files", "paths", "message"), CANNOT)
def test_what_cannot_be_tested_is_exit_2(
    data: dict[str, Any],
    files: dict[str, Any],
    paths: list[str],
    message: str,
    write: Write,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A file that is not there, tests that are none, a policy that lint refuses, nothing to run."""
    write(data, files)
    assert main(["policy", "test", *paths]) == 2
    assert message in capsys.readouterr().err


CLASSIFIED = {"classifier": {"model": "guard"}}
_MAYBE = [case(SAFE, "allow"), case(HARM, "block"), case("bad", "escalate")]


@pytest.mark.parametrize("required", [False, True])
def test_a_case_that_needs_a_model_which_is_not_there_is_not_run(required: bool) -> None:
    """It did not pass. What is decided before the model is asked is a case like any other."""
    more = {"require_model_cases": required, "suites": [suite(*_MAYBE)]}
    data = policy("safety-filter", "classifier", blocks=CLASSIFIED, testing=more)
    results = run_suites(data)

    assert [one.passed for one in results] == [False, True, False]
    assert [one.missing_model for one in results] == ["guard", "", "guard"]
    assert [one.failed for one in results] == [required, False, required]
    assert [one.was_left_out for one in results] == [not required, False, not required]


def test_a_case_is_run_with_the_model_that_is_there() -> None:
    """The port says what it says in a gateway."""

    def ask(question: Question) -> Answer:
        if question.model != "guard":
            raise NoModelError(question.model)
        return tuple(0.9 if text == "bad" else 0.1 for text in question.texts)

    data = policy("safety-filter", "classifier", blocks=CLASSIFIED)
    assert all(one.passed for one in run_suites(data, [suite(*_MAYBE)], ask))
    answers = suite(case(SAFE, "escalate", "classifier.detected", upstream_response="bad"))
    assert run_suites(data, [answers], ask)[0].passed


def _written(folder: Path, *, required: bool = False, cases: str = "") -> Path:
    file = folder / "policy-config.yaml"
    file.write_text(
        "pack: {name: p, version: 1.0.0, enabled: true}\n"
        "policies: {chain: [safety-filter, classifier]}\n"
        "policy: {classifier: {model: guard, stage: pre-request}}\n"
        f"testing:\n  require_model_cases: {str(required).lower()}\n  suites:\n"
        f"    - name: s\n      cases:\n{cases}        - {{name: asks, input: {{messages: "
        f"[{{role: user, content: {SAFE}}}]}}, expected: {{verdict: allow}}}}\n"
    )
    return file


_HARM_CASE = (
    f"        - {{name: harm, input: {{messages: [{{role: user, content: {HARM}}}]}}, "
    "expected: {verdict: block}}\n"
)


@pytest.mark.parametrize(
    ("required", "cases", "status", "last"),
    [
        (False, _HARM_CASE, 0, "1 passed, 0 failed, 1 not run"),
        (True, _HARM_CASE, 1, "1 passed, 1 failed"),
        (False, "", 2, "0 passed, 0 failed, 1 not run, 1 file not tested"),
        (True, "", 1, "0 passed, 1 failed"),
    ],
)
def test_the_command_counts_what_was_not_run(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    required: bool,
    cases: str,
    status: int,
    last: str,
) -> None:
    """A run in which nothing was run has tested nothing."""
    file = _written(tmp_path, required=required, cases=cases)
    assert main(["policy", "test", str(file)]) == status
    assert capsys.readouterr().out.splitlines()[-1] == last


def test_every_format_says_what_was_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As skipped, or as a warning at the place of the case."""
    file = str(_written(tmp_path, cases=_HARM_CASE))
    shown = {}
    for form in ("text", "json", "junit", "sarif"):
        assert main(["policy", "test", file, "--format", form]) == 0
        shown[form] = capsys.readouterr().out

    assert "  NOT RUN  s: asks" in shown["text"]
    rows = json.loads(shown["json"])["results"]
    assert [(row["passed"], row["details"]["not_run"]) for row in rows] == [
        (True, False),
        (False, True),
    ]
    root = ElementTree.fromstring(shown["junit"])
    assert [one.get("skipped") for one in root.iter("testsuite")] == ["1"]
    (skipped,) = root.iter("skipped")
    assert "kt policy test --model guard=FILE" in (skipped.get("message") or "")
    (result,) = json.loads(shown["sarif"])["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("case_not_run", "warning")
