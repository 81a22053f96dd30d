"""The guide's own jobs, unmodified: their scripts, run as a runner runs them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.repo import Repo, policy
from tests.support.stack import CONTRACT

DEEP = "policies/eu/desk/policy-config.yaml"
CASES = '[{"name": "a", "input": {"messages": []}, "expected": {"verdict": "allow"}}]'


def _script(file: str, job: str, step: str = "") -> str:
    """The script of a job in GitLab's form, or of a named step in GitHub's."""
    jobs: Any = yaml.safe_load((CONTRACT / file).read_text())
    if not step:
        return "\n".join(jobs[job]["script"])
    [found] = [one["run"] for one in jobs["jobs"][job]["steps"] if one.get("name") == step]
    return str(found)


VALIDATE = _script("governance-ci.yml", "validate", "Validate policy configs")
DIFF = _script("governance-ci.yml", "validate", "Check policy diff")
DEPLOY = _script("governance-deploy.yml", "governance-gate", "Validate all policy configs")
GITLAB = _script("gitlab-ci.yml", "governance:validate")


def _run(script: str, at: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script],
        cwd=at,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def change(repo: Repo) -> Repo:
    """A pull request with prose, a test, a deep policy and a deletion, in a runner's checkout."""
    base = repo.commit(
        {
            "policy-config.yaml": policy("Root"),
            "policies/bot/policy-config.yaml": policy("Bot"),
            # Unlike all others, so that git does not take one of them for it.
            "policies/old/policy-config.yaml": policy("Old") + "# Kept until the audit.\n" * 20,
        }
    )
    repo.git("update-ref", "refs/remotes/origin/main", base)
    repo.git("checkout", "--quiet", "--detach")
    repo.write("policies/README.md", "# Policies\n\nOne for each team.\n")
    repo.write("policies/bot/tests/more.json", CASES)
    repo.write("policies/bot/policy-config.yaml", policy("Bot", description="more"))
    repo.write(DEEP, policy("Desk"))
    (repo.clone / "policies/old/policy-config.yaml").unlink()
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "--message", "Change")
    return repo


@pytest.mark.parametrize("script", [VALIDATE, DIFF, DEPLOY, GITLAB])
def test_a_change_of_much_else_passes(change: Repo, script: str) -> None:
    """What is no policy, and what is there no longer, stops nobody."""
    done = _run(script, change.clone)

    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_each_changed_file_is_named(change: Repo) -> None:
    """With what was found, in the order of git."""
    done = _run(DIFF, change.clone)

    named = [line for line in done.stdout.splitlines() if line.startswith("--- Changed: ")]
    assert len(named) == 5
    assert done.stdout.count("warning[not_a_policy]") == 2
    assert done.stdout.count("warning[deleted]") == 1
    assert f"OK {DEEP} is valid" in done.stdout


def test_a_fault_is_found_however_deep(change: Repo) -> None:
    """The loop over what changed ends where it is found."""
    change.write(DEEP, "pack: [")

    done = _run(DIFF, change.clone)

    assert done.returncode == 1
    assert "error[E010]" in done.stdout


def test_a_fault_at_the_root_stops_the_job(change: Repo) -> None:
    """Of GitLab's form, which lints that one file."""
    change.write("policy-config.yaml", "pack: [")

    assert _run(GITLAB, change.clone).returncode == 1
