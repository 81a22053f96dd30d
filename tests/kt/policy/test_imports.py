"""Imports of commands, which decide how fast they start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_HEAVY = {
    "aiohttp", "attr", "click", "django", "email", "http", "jsonschema", "msgspec", "orjson",
    "pathlib", "pydantic", "rest_framework", "rich", "shutil", "ssl", "typer", "urllib", "uvicorn",
}  # fmt: skip


def _loaded(code: str, root: Path) -> set[str]:
    """The modules at the top that a fresh interpreter has after running `code`.

    Isolated from whatever the environment's site packages load at start.
    """
    probe = f"import sys; before = set(sys.modules)\n{code}\n"
    show = "print(*{name.partition('.')[0] for name in set(sys.modules) - before}, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", probe + show], cwd=root, check=True, capture_output=True, text=True
    )
    return set(done.stdout.splitlines()[-400:])


_LINT = "from kt.cli.main import main; main(['policy', 'lint', 'tests/cases/{}'])"


def test_importing_the_language_imports_no_yaml(root: Path) -> None:
    """`kt.policy` alone costs nothing."""
    assert "yaml" not in _loaded("import kt.policy", root)


@pytest.mark.parametrize("case", ["good/minimal.yaml", "good/everything.yaml"])
def test_lint_loads_nothing_heavy(root: Path, case: str) -> None:
    """Neither a framework nor a validator, and no part of a server."""
    assert set() == _loaded(_LINT.format(case), root) & _HEAVY


def test_the_regex_engine_is_loaded_only_for_a_file_with_patterns(root: Path) -> None:
    """Most files have none."""
    without = _loaded(_LINT.format("good/minimal.yaml"), root)
    having = _loaded(_LINT.format("good/everything.yaml"), root)
    assert ("re2" in without, "re2" in having) == (False, True)


def test_a_clean_file_is_answered_without_what_is_slow_to_load(root: Path) -> None:
    """Each of these takes longer to import than a file to lint."""
    slow = {"argparse", "dataclasses", "inspect", "typing"}
    assert set() == _loaded(_LINT.format("good/everything.yaml"), root) & slow


def test_a_format_is_loaded_only_when_asked_for(root: Path) -> None:
    """Text needs no JSON."""
    assert "json" not in _loaded(_LINT.format("good/minimal.yaml"), root)


def test_the_version_is_told_without_the_language(root: Path) -> None:
    """`kt --version` answers before anything is loaded."""
    loaded = _loaded("from kt.cli.main import main; main(['--version'])", root)
    assert set() == loaded & {"yaml", "argparse", "re2"}
