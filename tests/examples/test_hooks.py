"""`.pre-commit-hooks.yaml`: each hook as pre-commit would run it."""

import re
import shlex
import subprocess
from typing import Any

import pytest
import yaml

from tests.examples.conftest import SUPPORT_BOT, Propose
from tests.support.repo import Repo
from tests.support.stack import ROOT

HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
BOT = "policies/support-bot/policy-config.yaml"


@pytest.mark.parametrize("hook", HOOKS.values(), ids=list(HOOKS))
def test_a_hook_is_installed_from_this_project(hook: dict[str, Any]) -> None:
    """pre-commit installs the package and calls its console script."""
    assert hook["language"] == "python"
    assert shlex.split(hook["entry"])[0] == "kt"
    assert hook["name"]


@pytest.mark.parametrize(
    ("hook", "path", "taken"),
    [
        ("kt-policy-lint", "policy-config.yaml", True),
        ("kt-policy-lint", "policies/a/policy-config.yaml", True),
        ("kt-policy-lint", "policies/a/old-policy-config.yaml", False),
        ("kt-policy-lint", "policies/a/policy-config.yaml.bak", False),
        ("kt-policy-lint", "policies/a/tests/more.json", False),
        ("kt-policy-test", "policies/a/policy-config.yaml", True),
        ("kt-policy-test", "policies/a/tests/more.json", True),
        ("kt-policy-test", "policies/a/more.json", False),
        ("kt-policy-test", "README.md", False),
    ],
)
def test_a_hook_takes_the_files_that_it_is_for(hook: str, path: str, taken: bool) -> None:
    """And no other, so that a change of prose costs nothing."""
    assert bool(re.search(HOOKS[hook]["files"], path)) is taken


@pytest.mark.parametrize(
    ("files", "codes"),
    [
        ({BOT: SUPPORT_BOT.replace("90", "180")}, (0, 0)),
        ({BOT: SUPPORT_BOT.replace("- safety-filter", "- safety-filtre")}, (1, 2)),
        ({BOT: SUPPORT_BOT.replace("    - safety-filter\n", "")}, (0, 1)),
        ({BOT: None}, (None, None)),
        ({"README.md": "New.\n"}, (None, None)),
    ],
    ids=["good", "bad", "fails its tests", "deleted", "no policy"],
)
def test_a_commit_is_stopped_when_it_should_be(
    kt_on_path: None,
    propose: Propose,
    repo: Repo,
    files: dict[str, str | bytes | None],
    codes: tuple[int | None, ...],
) -> None:
    """None is a hook that has nothing to do."""
    before = propose(files)

    assert tuple(_run(hook, repo, before) for hook in HOOKS.values()) == codes


def _run(hook: dict[str, Any], repo: Repo, before: str) -> int | None:
    names = repo.git("diff", "--name-only", "--diff-filter=d", before, "HEAD").splitlines()
    taken = [name for name in names if re.search(hook["files"], name)]
    if not taken:
        return None
    argv = [*shlex.split(hook["entry"]), *(taken if hook.get("pass_filenames", True) else [])]
    return subprocess.run(argv, cwd=repo.clone, capture_output=True, check=False).returncode
