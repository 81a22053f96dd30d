"""What `kt gateway run` says when it cannot start with a policy file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kt.cli.gateway import command

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is needed to fail."""
    monkeypatch.setattr(command, "_listen", lambda _: [])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("policies/a", "policies/a is a directory; give policies/a/policy-config.yaml"),
        ("policies/a/", "policies/a/ is a directory; give policies/a/policy-config.yaml"),
        ("policies", "policies is a directory; give the file in it"),
        ("gone.yaml", "gone.yaml: No such file or directory"),
    ],
)
def test_a_path_without_a_policy_is_told_with_what_to_give(
    files: Path, kt: Run, path: str, message: str
) -> None:
    """A directory is what lint takes, and a gateway does not."""
    assert kt("gateway", "run", "--policy-config", path) == (2, "", f"kt: {message}\n")


def test_a_policy_that_cannot_be_served_is_told_as_lint_tells_it(files: Path, kt: Run) -> None:
    """Each error with what to do about it."""
    expected = (
        "kt: the policy cannot be served\n"
        "bad.yaml:2:20 E001 unknown policy kind 'safety-filtre'\n"
        "  help: did you mean 'safety-filter'?\n"
    )

    assert kt("gateway", "run", "--policy-config", "bad.yaml") == (2, "", expected)
