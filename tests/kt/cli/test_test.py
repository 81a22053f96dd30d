"""`kt policy test` over several files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

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
