"""`--format sarif` of `kt policy lint`, `test` and `diff`: logs that a forge takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from tests.kt.cli.conftest import ROOT
from tests.kt.cli.sarif import SCHEMA, run_of, told

Run = Callable[..., tuple[int, str, str]]

TESTED = """\
pack: {name: tested, version: 1.0.0, enabled: true}
policies: {chain: [safety-filter]}
testing:
  suites:
    - name: s
      cases:
        - name: passes
          input: {messages: [{role: user, content: Hello.}]}
          expected: {verdict: allow}
        - name: fails
          input: {messages: [{role: user, content: Hello.}]}
          expected: {verdict: block}
"""
OUTSIDE = '{"name": "in a file", "input": {"messages": []}, "expected": {"verdict": "redact"}}'


def test_the_log_of_any_findings_is_valid(files: Path, kt: Run) -> None:
    """Of all golden cases, of what is no policy, and of what cannot be read."""
    for path in sorted((ROOT / "tests/cases/bad").glob("*.yaml")):
        (files / f"größe {path.name}").write_bytes(path.read_bytes())
    (files / "README.md").write_text("Prose.\n")
    names = sorted(path.name for path in files.iterdir())
    run = run_of(kt("policy", "lint", "--format", "sarif", *names, "gone.yaml")[1])

    assert len(run["results"]) > 100
    assert run["invocations"][0]["executionSuccessful"] is False


def test_a_failing_case_is_at_its_place(files: Path, kt: Run) -> None:
    """One in a file beside the policy is at the policy's beginning, with its name."""
    folder = files / "policies" / "a"
    (folder / "policy-config.yaml").write_text(TESTED)
    (folder / "tests").mkdir()
    (folder / "tests" / "more.json").write_text(OUTSIDE)
    code, out, err = kt("policy", "test", "policies/a", "--format", "sarif")
    file = "policies/a/policy-config.yaml"

    assert (code, err) == (1, "")
    assert told(out) == [
        ("error", "case_failed", file, 10, 11),
        ("error", "case_failed", file, 1, 1),
    ]
    run = run_of(out)
    assert run["tool"]["driver"]["name"] == "kt policy test"
    assert run["results"][0]["message"]["text"] == (
        "s: fails: expected block, got allow (policy.allowed)"
    )
    assert "in a file: expected redact" in run["results"][1]["message"]["text"]


def test_what_cannot_be_tested_is_told(files: Path, kt: Run) -> None:
    """By the code of the finding; of a file that is not there the tool did not do its work."""
    (files / "good.yaml").write_text(TESTED.replace("block", "allow"))
    code, out, _ = kt("policy", "test", "good.yaml", "bad.yaml", "gone.yaml", "--format", "sarif")

    assert code == 2
    assert told(out) == [
        ("error", "E001", "bad.yaml", 1, 1),
        ("error", "not_read", "gone.yaml", 1, 1),
    ]
    (invocation,) = run_of(out)["invocations"]
    assert invocation["executionSuccessful"] is False


def test_tests_that_pass_are_an_empty_log(files: Path, kt: Run) -> None:
    """Which says that they ran."""
    (files / "good.yaml").write_text(TESTED.replace("block", "allow"))
    code, out, _ = kt("policy", "test", "good.yaml", "--format", "sarif", "--output", "x.sarif")

    assert (code, told(Path("x.sarif").read_text())) == (0, [])
    assert "2 passed" in out


OLD = """\
pack: {name: old, version: 1.0.0, enabled: true}
policies:
  chain: [pii-detector]
policy:
  pii-detector:
    action: block
"""


@pytest.mark.parametrize(
    ("argv", "code", "level"), [([], 0, "warning"), (["--fail-on", "weaker"], 1, "error")]
)
def test_a_change_is_at_its_place_in_the_later_policy(
    files: Path, kt: Run, argv: list[str], code: int, level: str
) -> None:
    """What is weaker is a warning, or what the command fails on; the rest is a note."""
    new = OLD.replace("name: old", "name: new").replace("action: block", "action: redact")
    (files / "old.yaml").write_text(OLD)
    (files / "new.yaml").write_text(new.replace("detector]", "detector, safety-filter]"))
    diff = ("policy", "diff", "old.yaml", "new.yaml")
    done, out, _ = kt(*diff, "--format", "sarif", *argv)
    said = [one["message"] for one in json.loads(kt(*diff, "--json")[1])["changes"]]

    assert done == code
    assert told(out) == [
        ("note", "other", "new.yaml", 1, 8),
        ("note", "stronger", "new.yaml", 3, 3),
        (level, "weaker", "new.yaml", 6, 5),
    ]
    assert [one["message"]["text"] for one in run_of(out)["results"]] == said


def test_what_is_gone_is_at_what_it_was_a_part_of(files: Path, kt: Run) -> None:
    """A key that the later policy has no more, and a block."""
    (files / "old.yaml").write_text(OLD)
    for gone, place in (("    action: block\n", (5, 3)), (OLD[OLD.index("policy:") :], (1, 1))):
        (files / "new.yaml").write_text(
            OLD.replace(gone, "").replace("detector:\n", "detector: {}\n")
        )
        out = kt("policy", "diff", "old.yaml", "new.yaml", "--format", "sarif")[1]
        assert [one[3:] for one in told(out)] == [place]


def test_no_change_is_an_empty_log(files: Path, kt: Run) -> None:
    """Which says that they were compared."""
    out = kt("policy", "diff", "good.yaml", "good.yaml", "--format", "sarif")[1]
    assert told(out) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda log: log.pop("version"),
        lambda log: log["runs"][0]["results"][0].update(level="fatal"),
        lambda log: log["runs"][0]["results"][0].update(line=1),
        lambda log: log["runs"][0].pop("tool"),
    ],
)
def test_the_schema_refuses_what_is_none(
    files: Path, kt: Run, spoil: Callable[[object], object]
) -> None:
    """Else the tests here would hold of anything."""
    log = json.loads(kt("policy", "lint", "bad.yaml", "--format", "sarif")[1])
    spoil(log)

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(log, SCHEMA)
