"""Golden cases: good files are clean, bad ones give exactly the findings written down."""

from __future__ import annotations

from pathlib import Path

from kt.policy.findings import Finding
from kt.policy.lint import lint


def test_a_good_case_has_no_finding(good_case: Path) -> None:
    """Not even a warning: good cases show the language as it should be written."""
    assert lint(good_case.read_bytes()).findings == ()


def test_a_bad_case_gives_the_findings_written_beside_it(bad_case: Path, renew: bool) -> None:
    """`x.out` holds the findings of `x.yaml`, one a line, in the order of the file."""
    report = lint(bad_case.read_bytes())
    actual = "".join(f"{_line(finding)}\n" for finding in report.findings)
    golden = bad_case.with_suffix(".out")
    if renew:
        golden.write_text(actual)
    assert golden.read_text() == actual


def test_a_bad_case_shows_the_rule_it_is_named_after(bad_case: Path) -> None:
    """`E002-unknown-key.yaml` has a finding E002."""
    code = bad_case.name.partition("-")[0]
    assert code in {finding.code for finding in lint(bad_case.read_bytes()).findings}


def _line(finding: Finding) -> str:
    place = f"{finding.line}:{finding.column} {finding.severity}[{finding.code}] {finding.path}"
    return f"{place}: {finding.message}" + (
        f" | help: {finding.suggestion}" if finding.suggestion else ""
    )
