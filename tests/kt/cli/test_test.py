"""`kt policy test` over several files."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

POLICY = """\
pack: {name: Bot, version: 1.0.0, enabled: true}
policies: {chain: [safety-filter]}
testing:
  suites:
    - name: Harm
      cases:
        - name: passes
          input: {messages: [{role: user, content: Summarize this quarterly report.}]}
          expected: {verdict: allow}
"""


def test_a_file_that_fails_lint_hides_no_other_files_tests(
    files: Path, kt: Callable[..., Any]
) -> None:
    """They are reported; the end is 2, since not everything was tested."""
    (files / "first.yaml").write_text("pack: [")
    (files / "second.yaml").write_text(POLICY)

    done = kt("policy", "test", "first.yaml", "second.yaml")

    assert done.code == 2
    assert "1 passed, 0 failed, 1 file not tested" in done.out
    assert "first.yaml:2:1: E010" in done.err


@pytest.mark.parametrize("format_name", ["json", "junit", "text"])
@pytest.mark.parametrize("content", [POLICY, POLICY.replace("allow}", "block}"), "pack: ["])
def test_a_report_goes_into_a_file_and_the_text_to_people(
    files: Path, kt: Callable[..., Any], format_name: str, content: str
) -> None:
    """Whatever came of the tests, and with the same exit code."""
    (files / "policy.yaml").write_text(content)
    argv = ("policy", "test", "policy.yaml")

    text, report = kt(*argv), kt(*argv, "--format", format_name)
    done = kt(*argv, "--format", format_name, "--output", "report")

    assert done == text
    assert done.code == report.code
    assert Path("report").read_text() == report.out


def test_a_report_that_cannot_be_written_is_no_success(files: Path, kt: Callable[..., Any]) -> None:
    """2, and the reason."""
    (files / "policy.yaml").write_text(POLICY)

    done = kt("policy", "test", "policy.yaml", "--output", "nowhere/report")

    assert (done.code, done.err) == (2, "kt: nowhere/report: No such file or directory\n")


CASE = {
    "name": "passes",
    "input": {"messages": [{"role": "user", "content": "Summarize this."}]},
    "expected": {"verdict": "allow"},
}


def _file(path: Path, content: Any = CASE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


NOT_RUN: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file": (lambda tests: tests.write_text("{}"), "tests: not a folder"),
    "a link to a file": (lambda tests: tests.symlink_to("policy-config.yaml"), "not a folder"),
    "a dangling link": (lambda tests: tests.symlink_to("gone"), "tests: No such file"),
    "a link to itself": (_loop, "tests: Too many levels"),
    "a pipe": (lambda tests: os.mkfifo(tests), "tests: not a folder"),
    "an empty list": (lambda tests: _file(tests / "a.json", []), "a.json: no test in it"),
    "no suites": (lambda tests: _file(tests / "a.json", {"suites": []}), "no test in it"),
    "no cases": (
        lambda tests: _file(tests / "a.json", {"name": "a", "cases": []}),
        "a.json: [0]: no case in this suite",
    ),
    "a suite without cases": (
        lambda tests: _file(tests / "a.json", [CASE, {"name": "a", "cases": []}]),
        "[1]: no case",
    ),
    "a folder below": (lambda tests: _file(tests / "sub" / "a.json"), "sub/a.json: in a folder"),
    "two folders below": (lambda tests: _file(tests / "a" / "b" / "c.JSON"), "b/c.JSON: in a"),
    "a folder like a file": (lambda tests: _file(tests / "a.json" / "b.json"), "move it up"),
    "a dangling test": (
        lambda tests: (tests.mkdir(), (tests / "a.json").symlink_to("gone")),
        "a.json: No such file",
    ),
    "a bad file in capitals": (lambda tests: _file(tests / "a.JSON", 1), "a.JSON: [0]: expected"),
}


@pytest.mark.parametrize(("make", "said"), NOT_RUN.values(), ids=NOT_RUN)
def test_what_looks_like_a_test_and_is_not_run_is_an_error(
    files: Path, kt: Callable[..., Any], make: Callable[[Path], object], said: str
) -> None:
    """Though the policy's other tests, and another policy's, pass."""
    (files / "policy-config.yaml").write_text(POLICY)
    (files / "second.yaml").write_text(POLICY)
    (files / "one").mkdir()
    (files / "one" / "policy-config.yaml").write_text(POLICY)
    make(files / "one" / "tests")

    done = kt("policy", "test", "policy-config.yaml", "one", "--format", "json")

    assert done.code == 2
    assert said in done.err
    shown = json.loads(done.out)
    assert shown["ok"] is False
    assert [one["code"] in ("bad_tests", "not_read") for one in shown["errors"]] == [True]


RUN: dict[str, tuple[Callable[[Path], object], int]] = {
    "no folder": (lambda _tests: None, 1),
    "an empty folder": (lambda tests: tests.mkdir(), 1),
    "capitals": (lambda tests: _file(tests / "a.JSON"), 2),
    "a link to a folder": (
        lambda tests: (_file(tests.parent / "t" / "a.json"), tests.symlink_to("t")),
        2,
    ),
    "a hidden file": (lambda tests: _file(tests / ".a.json", []), 1),
    "what is no JSON": (lambda tests: _file(tests / "sub" / "a.txt"), 1),
    "a policy with its own": (
        lambda tests: (
            _file(tests / "sub" / "tests" / "a.json"),
            (tests / "sub" / "policy-config.yaml").write_text(POLICY),
        ),
        3,
    ),
}


@pytest.mark.parametrize(("make", "count"), RUN.values(), ids=RUN)
def test_what_is_run_or_is_no_test_is_none(
    files: Path, kt: Callable[..., Any], make: Callable[[Path], object], count: int
) -> None:
    """Names in capitals are tests, and a folder below with a policy has tests of its own."""
    (files / "one").mkdir()
    (files / "one" / "policy-config.yaml").write_text(POLICY)
    make(files / "one" / "tests")

    done = kt("policy", "test", "one")

    assert (done.code, done.err) == (0, "")
    assert f"{count} passed, 0 failed" in done.out
