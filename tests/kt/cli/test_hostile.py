"""Hostile files and folders, made to stall, mislead or break `kt`."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kt.cli.conftest import GOOD

Kt = Callable[..., Any]
CASE = {"name": "a", "input": {"messages": []}, "expected": {"verdict": "allow"}}


def test_a_pipe_holds_nobody_up(files: Path, kt: Kt) -> None:
    """Nobody writes into it, so it is empty."""
    os.mkfifo("pipe.yaml")

    assert kt("policy", "lint", "pipe.yaml").code == 1


def test_a_pipe_among_the_tests_holds_nobody_up(files: Path, kt: Kt) -> None:
    """It is no JSON."""
    Path("tests").mkdir()
    os.mkfifo("tests/a.json")

    assert kt("policy", "test", "good.yaml").code == 2


def test_tests_without_an_end_are_refused(files: Path, kt: Kt) -> None:
    """No more is read than a file of tests may have."""
    Path("tests").mkdir()
    os.symlink("/dev/zero", "tests/a.json")

    done = kt("policy", "test", "good.yaml")

    assert (done.code, "bytes" in done.err) == (2, True)


@pytest.mark.parametrize("name", ["nl\n::error file=x::pwn", "esc\x1b[2J", "turned\u202e"])
def test_a_folders_name_commands_no_reader(
    files: Path, kt: Kt, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Neither the runner that looks for commands at the start of a line nor a terminal."""
    (files / name).mkdir()
    (files / name / "policy-config.yaml").write_text("pack: [")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    done = kt("policy", "lint", "--format", "text", name)

    assert not any(line.startswith("::") for line in done.out.splitlines())
    assert "\x1b" not in done.out + done.err
    assert "\u202e" not in done.out


def test_tests_beside_a_policy_run_whatever_their_folder_is_called(files: Path, kt: Kt) -> None:
    """A name that is not UTF-8 hides none."""
    folder = os.fsdecode(b"bad\xff")
    os.makedirs(f"{folder}/tests")
    Path(folder, "policy-config.yaml").write_text(GOOD)
    wrong = {**CASE, "expected": {"verdict": "block"}}
    Path(folder, "tests", "a.json").write_text(json.dumps(wrong))

    assert kt("policy", "test", folder).code == 1


@pytest.mark.parametrize(
    "suite",
    [
        {"name": "x", "target": [], "cases": [CASE]},
        {"name": "x", "cases": [{**CASE, "input": {"messages": [1]}}]},
        {"name": "x", "cases": [{**CASE, "input": {"messages": [], "model": 5}}]},
        {"name": "x", "cases": [{**CASE, "input": {"messages": [], "headers": {"x": 5}}}]},
        {"name": "x", "cases": [{**CASE, "expected": {"verdict": "allow", "reason_code": []}}]},
    ],
)
def test_a_test_of_another_shape_is_refused(files: Path, kt: Kt, suite: dict[str, Any]) -> None:
    """With the place and what belongs there."""
    Path("tests").mkdir()
    Path("tests", "a.json").write_text(json.dumps(suite))

    done = kt("policy", "test", "good.yaml")

    assert (done.code, done.out.count("passed,")) == (2, 1)
    assert "tests/a.json: [0]" in done.err


def test_a_disk_that_is_full_is_said(files: Path, kt_line: str) -> None:
    """With the status of a command that could not do its work."""
    done = subprocess.run(
        f"{kt_line} policy explain --all > /dev/full", shell=True, capture_output=True, text=True
    )

    assert (done.returncode, "cannot write" in done.stderr) == (2, True)


def test_a_new_policy_in_an_odd_folder_passes_lint(files: Path, kt: Kt) -> None:
    """Its name keeps what can be printed."""
    folder = 'odd\n: "x'

    assert kt("init", folder).code == 0
    assert kt("policy", "lint", folder).code == 0
