"""Lint: reports and limits, beside the findings of the golden cases."""

from __future__ import annotations

import pytest

from kt.policy.findings import Finding
from kt.policy.lint import MAX_FINDINGS, lint
from kt.policy.report import Pack, Report
from tests.support.repo import policy

HEAD = b"pack: {name: p, version: 1.0.0, enabled: true}\npolicies: {chain: [dlp-filter]}\n"


def _codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


def test_a_clean_file_is_ok_and_tells_its_pack_and_chain() -> None:
    """Whoever asked needs no second reading to show what was checked."""
    data = (
        b"pack: {name: Support, version: 1.2.3, enabled: true, id: support}\n"
        b"policies: {chain: [safety-filter, pii-detector: {stage: pre-request}]}\n"
    )
    report = lint(data)
    pack = Pack("support", "Support", "1.2.3", True)
    assert report == Report((), pack, ("safety-filter", "pii-detector"), complete=True)
    assert report.ok


@pytest.mark.parametrize(
    ("pack", "expected"),
    [
        (b"{name: p, version: 1.0, enabled: false}", Pack(None, "p", None, False)),
        (b"{name: [p], id: UPPER}", Pack("UPPER", None, None, True)),
        (b"{enabled: no}", Pack(None, None, None, True)),
        (b"[name, p]", None),
    ],
)
def test_as_much_of_the_pack_as_can_be_read_is_told(pack: bytes, expected: Pack | None) -> None:
    """A field of the wrong type is left out; the others stand."""
    assert lint(b"pack: " + pack + b"\npolicies: {chain: []}\n").pack == expected


def test_the_pack_is_told_when_the_yaml_breaks_below_it() -> None:
    """A quarantined file keeps its name in the list of findings."""
    report = lint(b"pack: {name: p, version: 1.0.0, enabled: true}\npolicies: {chain: [\n")
    assert (report.pack, _codes(report)) == (Pack(None, "p", "1.0.0", True), ["E010"])


def test_warnings_leave_a_file_ok() -> None:
    """Only errors stop a policy."""
    report = lint(b"pack: {name: p, version: 1.0.0, enabled: false}\npolicies: {chain: []}\n")
    assert report.ok
    assert _codes(report) == ["W007", "W006"]
    assert ((), report.findings) == (report.errors, report.warnings)


def test_findings_are_in_the_order_of_the_file() -> None:
    """Whatever order the rules run in."""
    data = b"zzz: 1\n" + HEAD + b"policy:\n  rbac: {}\n  dlp-filter: {detect_patterns: ['[']}\n"
    findings = lint(data).findings
    places = [(finding.line, finding.column) for finding in findings]
    assert sorted(places) == places
    assert [finding.code for finding in findings] == ["E002", "W001", "E022"]


@pytest.mark.parametrize(
    ("directory", "codes"), [(None, []), ("chosen", []), ("other", ["W003"]), ("", ["W003"])]
)
def test_an_id_unlike_the_directory_is_a_warning(directory: str | None, codes: list[str]) -> None:
    """Scripts that look for drift find a policy by its directory."""
    data = (
        b"pack: {name: p, version: 1.0.0, enabled: true, id: chosen}\n"
        b"policies: {chain: [safety-filter]}\n"
    )
    assert codes == _codes(lint(data, directory=directory))


@pytest.mark.parametrize(
    ("data", "directory", "fix"),
    [
        (policy("Bot"), "bot", "write id: bot"),
        (policy("Bot"), "Not An Id", "write pack.id"),
        (policy("Bot"), "", "write pack.id"),
        (policy("Bot"), None, None),
        (policy("Bot", id="bot"), "bot", None),
        (policy("Bot") + "nonsense: 1\n", "bot", None),
    ],
)
def test_a_pack_that_leaves_its_id_to_its_directory_is_a_warning_to_its_author(
    data: str, directory: str | None, fix: str | None
) -> None:
    """A rename would make another configuration; where files are synced it is not said."""
    told = lint(data.encode(), directory=directory, authoring=True)

    found = [finding.suggestion for finding in told.findings if finding.code == "W013"]
    assert found == ([fix] if fix else [])
    assert "W013" not in _codes(lint(data.encode(), directory=directory))


def test_a_directory_says_nothing_about_a_pack_without_an_id() -> None:
    """Its id is the directory's name."""
    data = b"pack: {name: p, version: 1.0.0, enabled: true}\npolicies: {chain: [safety-filter]}\n"
    assert lint(data, directory="other").findings == ()


def test_findings_stop_at_a_number() -> None:
    """A file with thousands of mistakes does not fill a page, a report or the memory."""
    terms = ", ".join(["1"] * (MAX_FINDINGS + 7))
    data = HEAD + f"policy: {{dlp-filter: {{blocked_terms: [{terms}]}}}}\n".encode()
    findings = lint(data).findings
    assert len(findings) == MAX_FINDINGS + 1
    assert sorted({finding.code for finding in findings}) == ["E005", "E029"]
    assert findings[-1].code == "E029"


def test_exactly_that_many_findings_are_all_listed() -> None:
    """The note about more comes only when there are more."""
    terms = ", ".join(["1"] * MAX_FINDINGS)
    data = HEAD + f"policy: {{dlp-filter: {{blocked_terms: [{terms}]}}}}\n".encode()
    assert {"E005"} == set(_codes(lint(data)))


def test_patterns_are_compiled_only_up_to_a_budget() -> None:
    """Each is small enough by itself; together they would hold a gateway up."""
    pattern = r"'([^a]{10}){90}'"
    data = HEAD + b"policy:\n  dlp-filter:\n    detect_patterns:\n"
    report = lint(data + f"      - {pattern}\n".encode() * 100)
    assert _codes(report) == ["E022"]
    assert "together" in report.findings[0].message


_MEGABYTE = 1_048_576


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"[" * _MEGABYTE, "E014", id="a megabyte of brackets"),
        pytest.param(b"{" * _MEGABYTE, "E014", id="a megabyte of braces"),
        pytest.param(b"- " * (_MEGABYTE // 2), "E014", id="a megabyte of dashes"),
        pytest.param(b"x" * _MEGABYTE, "E005", id="a single line"),
        pytest.param(b'"' + b"x" * (_MEGABYTE - 2) + b'"', "E005", id="a single quoted line"),
        pytest.param(b"\n" * _MEGABYTE, "E012", id="nothing but line breaks"),
        pytest.param(b"\0" * _MEGABYTE, "E010", id="nothing but NULs"),
        pytest.param(b"- a\n" * (_MEGABYTE // 4), "E015", id="a megabyte of items"),
        pytest.param(b"a: b\n" * (_MEGABYTE // 5), "E016", id="one key, again and again"),
        pytest.param(b"&a " * (_MEGABYTE // 3), "E010", id="anchors of anchors"),
        pytest.param(b"--- a\n" * (_MEGABYTE // 6), "E019", id="many documents"),
        pytest.param(b"- !a b\n" * 90_000, "E017", id="many tags"),
        pytest.param(b"%TAG !a! b\n" * 90_000, "E017", id="many directives"),
        pytest.param(b"a: " + b"eyJaaaaaaaaaa" * 80_000, "E002", id="what begins like a token"),
        pytest.param(b"a: !!python/object:os.system x\n", "E017", id="an object of Python's"),
        pytest.param(b"\xed\xa0\x80: x\n", "E011", id="a surrogate in bytes"),
        pytest.param(b'"\\ud800": x\n', "E010", id="a surrogate as an escape"),
        pytest.param(b'"\\udb40\\udc20": x\n', "E010", id="a pair of surrogates"),
        pytest.param(b"&a [*a]\n", "E018", id="a list inside itself"),
        pytest.param(b"&a {b: *a}\n", "E018", id="a mapping inside itself"),
        pytest.param(b"&a {*a : b}\n", "E018", id="a mapping as its own key"),
        pytest.param(b"&a {<<: *a}\n", "E018", id="a mapping merged into itself"),
        pytest.param(b"x" * (_MEGABYTE + 1), "E013", id="a byte too many"),
    ],
)
def test_hostile_bytes_are_a_finding(data: bytes, code: str) -> None:
    """They are refused with a reason, after bounded work."""
    assert code in _codes(lint(data))


def test_a_finding_cannot_be_changed() -> None:
    """It is kept, compared and shown by others."""
    finding: Finding = lint(b"").findings[0]
    with pytest.raises(AttributeError):
        finding.line = 2  # type: ignore[misc]
