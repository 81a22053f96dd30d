"""Authors' commands on files that cannot be read, and on a weakened policy."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.examples.conftest import SUPPORT_BOT


@pytest.fixture
def policies(kt_on_path: None, tmp_path: Path) -> Path:
    """A folder with a good policy in it, to put others beside."""
    good = tmp_path / "policies" / "support-bot" / "policy-config.yaml"
    good.parent.mkdir(parents=True)
    good.write_text(SUPPORT_BOT)
    return good.parent.parent


def _kt(*argv: str | Path) -> tuple[int, str, str]:
    done = subprocess.run(["kt", *argv], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _opens_and_fails(path: Path) -> None:
    path.symlink_to("/proc/self/mem")  # Its first byte cannot be read.


def _forbidden(path: Path) -> None:
    path.write_text(SUPPORT_BOT)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_loop, "Too many levels of symbolic links"),
        (_opens_and_fails, "Input/output error"),
        (_forbidden, "Permission denied"),
    ],
)
@pytest.mark.parametrize("named", [True, False], ids=["named", "found"])
def test_a_file_that_cannot_be_read_is_a_failure(
    policies: Path,
    make: Callable[[Path], None],
    why: str,
    named: bool,
) -> None:
    """Lint exits with 2 and the reason, and still reports what it could read."""
    path = policies / "other" / "policy-config.yaml"
    path.parent.mkdir()
    make(path)
    code, out, err = _kt(
        "policy", "lint", *([path, policies / "support-bot"] if named else [policies])
    )

    assert (code, err) == (2, f"kt: {path}: {why}\n")
    assert "support-bot/policy-config.yaml is valid" in out


def test_the_fix_of_a_weakened_policy_is_no_weakening(policies: Path) -> None:
    """The gate stops one direction only."""
    good, weak = policies / "support-bot" / "policy-config.yaml", policies / "weak.yaml"
    weak.write_text(SUPPORT_BOT.replace("    - pii-detector\n", ""))

    assert _kt("policy", "diff", "--fail-on", "weaker", good, weak)[0] == 1
    assert _kt("policy", "diff", "--fail-on", "weaker", weak, good)[0] == 0
