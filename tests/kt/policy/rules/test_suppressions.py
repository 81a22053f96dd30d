"""Comments that suppress a warning."""

from __future__ import annotations

import pytest

from kt.policy.lint import lint
from kt.policy.rules.base import CATALOGUE
from kt.policy.verify import verify

FILE = """\
pack:
  name: a
  version: 1.0.0
  enabled: false{comment}
policies:
  chain: [{kind}]
"""
ALLOW = "  # kt: allow W007 because it is retired"


def _codes(kind: str = "audit-logger", comment: str = "") -> list[str]:
    report = lint(FILE.format(kind=kind, comment=comment).encode())
    return [finding.code for finding in report.findings]


def test_a_suppressed_warning_is_told_apart_with_its_reason() -> None:
    """The rest of the report is as it was, and a verification says the same."""
    data = FILE.format(kind="audit-logger", comment=ALLOW).encode()
    for report in (lint(data), verify(data)):
        (one,) = report.suppressed
        assert report.findings == ()
        assert (one.finding.code, one.finding.line, one.reason) == ("W007", 4, "it is retired")
        assert report.chain == ("audit-logger",)


def test_all_of_a_code_in_the_line_are_suppressed() -> None:
    """A place is a line."""
    data = FILE.format(kind="audit-logger", comment=ALLOW) + "policy: {rbac: {}, dlp-filter: {}}"
    before = [finding.code for finding in lint(data.encode()).findings]
    after = lint(f"{data}  # kt: allow {before[0]} because of both".encode())

    assert before == [before[0]] * 2
    assert after.findings == ()
    assert [one.finding.code for one in after.suppressed] == ["W007", *before]


@pytest.mark.parametrize("code", sorted(code for code in CATALOGUE if code.startswith("E")))
def test_no_error_can_be_suppressed(code: str) -> None:
    """Else a file that is refused elsewhere would look fine here."""
    found = _codes("safety-filtre", f"  # kt: allow {code} because it is known")

    assert found == ["W007", "W015", "E001"]


def test_with_an_error_nothing_is_called_unused() -> None:
    """Rules may not have come that far; what is suppressed stays so."""
    assert _codes("safety-filtre", "  # kt: allow W006 because a") == ["W007", "E001"]
    assert _codes("safety-filtre", ALLOW) == ["E001"]
    assert _codes("audit-logger", "  # kt: allow W006 because a") == ["W007", "W016"]


@pytest.mark.parametrize("code", ["W003", "W013"])
def test_what_only_some_readers_can_know_is_never_unused(code: str) -> None:
    """One file, one answer: of the control plane, a gateway, and an author's desk."""
    data = FILE.replace("enabled: false", "enabled: true").format(kind="audit-logger", comment="")
    named = data.replace("name: a\n", "name: a\n  id: b\n") if code == "W003" else data
    line = next(one.line for one in lint(named.encode(), directory="a", authoring=True).findings)
    lines = named.splitlines()
    lines[line - 1] += f"  # kt: allow {code} because of a move"
    text = "\n".join(lines).encode()

    assert lint(text).findings == lint(text, directory="a", authoring=True).findings == ()
    assert len(lint(text, directory="a", authoring=True).suppressed) == 1


def test_a_file_that_cannot_be_read_to_its_end_has_its_error() -> None:
    """Comments of broken YAML mean nothing."""
    report = lint(b"pack: {enabled: false} # kt: allow W007 because\na: [")

    assert [finding.severity for finding in report.findings] == ["error"]
    assert report.suppressed == ()
