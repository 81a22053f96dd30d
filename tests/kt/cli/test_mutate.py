"""`kt policy mutate`."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kt.cli.sarif import run_of

POLICY = """\
pack: {name: Bot, version: 1.0.0, enabled: true}
policies: {chain: [{human-oversight: {stage: pre-request}}]}
policy:
  human-oversight:
    require_human_for:
      - red falcon
      - blue heron
testing:
  suites:
    - name: Terms
      cases:
        - name: the falcon waits
          input: {messages: [{role: user, content: A red falcon.}]}
          expected: {verdict: escalate}
"""
LINE = '  7:9  survived: policy.human-oversight.require_human_for[1]: "blue heron" is dropped\n'


@pytest.fixture
def policy(files: Path) -> str:
    """A policy one of whose two terms has a case."""
    (files / "policy.yaml").write_text(POLICY)
    return "policy.yaml"


def test_a_survivor_comes_with_a_case_to_paste(
    policy: str, files: Path, kt: Callable[..., Any]
) -> None:
    """Pasted, it kills it."""
    done = kt("policy", "mutate", policy)

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("policy.yaml: 66.6 % killed, 4 of 6\n")
    assert LINE in done.out
    lines = done.out.split(LINE)[1].splitlines()[1:]
    end = next(at for at, line in enumerate(lines) if "expected:" in line)
    pasted = "\n".join(f"  {line}" for line in lines[: end + 1])
    assert "blue heron" in pasted
    (files / policy).write_text(f"{POLICY}{pasted}\n")
    assert yaml.safe_load((files / policy).read_text())["testing"]["suites"][0]["cases"][1]
    assert LINE not in kt("policy", "mutate", policy).out


def test_programs_get_every_mutant(policy: str, kt: Callable[..., Any]) -> None:
    """With its fate, its killer or a case."""
    (file,) = json.loads(kt("policy", "mutate", "--json", policy).out)["files"]

    assert (file["file"], file["percent"], file["killed"]) == ("policy.yaml", 66.6, 4)
    by_path = {one["path"]: one for one in file["mutants"]}
    killed = by_path["policy.human-oversight.require_human_for[0]"]
    survived = by_path["policy.human-oversight.require_human_for[1]"]
    assert (killed["fate"], killed["killer"]) == ("killed", "Terms: the falcon waits")
    assert (survived["fate"], survived["line"], survived["column"]) == ("survived", 7, 9)
    assert survived["case"]["expected"]["verdict"] == "escalate"


def test_sarif_has_survivors_alone(policy: str, kt: Callable[..., Any]) -> None:
    """As warnings at their places."""
    results = run_of(kt("policy", "mutate", "--format", "sarif", policy).out)["results"]

    assert {one["ruleId"] for one in results} == {"mutant_survived"}
    assert "blue heron" in json.dumps(results)
    assert len(results) == 2


@pytest.mark.parametrize(("least", "code"), [("66", 0), ("67", 1)])
def test_too_few_killed_is_1(policy: str, kt: Callable[..., Any], least: str, code: int) -> None:
    """And says so."""
    done = kt("policy", "mutate", policy, "--fail-under", least)

    assert done.code == code
    assert ("66.6 % of its mutants are killed" in done.err) is bool(code)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (POLICY.replace("escalate}", "allow}"), "its own tests fail: Terms: the falcon waits"),
        ("pack: [", "E010"),
    ],
)
def test_what_cannot_be_tried_is_2(
    files: Path, kt: Callable[..., Any], text: str, told: str
) -> None:
    """Tests that fail show nothing about mutants."""
    (files / "policy.yaml").write_text(text)

    done = kt("policy", "mutate", "policy.yaml")

    assert done.code == 2
    assert told in done.err


def test_since_tries_what_a_change_touches(
    policy: str, files: Path, kt: Callable[..., Any]
) -> None:
    """A new term, and neither those that were there nor what only moved."""
    git = ("git", "-c", "user.name=n", "-c", "user.email=e@example.com")
    for words in (("init", "-q"), ("add", "policy.yaml"), ("commit", "-qm", "a policy")):
        subprocess.run([*git, *words], check=True, cwd=files)
    changed = POLICY.replace("      - red falcon\n", "      - green orchid\n      - red falcon\n")
    (files / policy).write_text(changed)

    done = kt("policy", "mutate", "--since", "HEAD", "--json", policy)

    (file,) = json.loads(done.out)["files"]
    assert [one["message"] for one in file["mutants"]] == ['"green orchid" is dropped']
    assert json.loads(kt("policy", "mutate", "--since", "HEAD", "--json", "good.yaml").out)
