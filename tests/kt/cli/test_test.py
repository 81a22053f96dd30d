"""`kt policy test` over several files."""

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
