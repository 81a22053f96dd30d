"""The output formats of `kt policy lint`."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]


def test_text_shows_the_place_the_line_a_caret_and_the_fix(files: Path, kt: Run) -> None:
    """All that is needed to mend it without opening a manual."""
    assert kt("policy", "lint", "bad.yaml")[1] == (
        "bad.yaml:2:20: error[E001]: unknown policy kind 'safety-filtre'\n"
        "  --> policies.chain[0]\n"
        "  2 | policies: {chain: [safety-filtre]}\n"
        "    |                    ^\n"
        "  help: did you mean 'safety-filter'?\n"
        "\n"
        "1 file, 1 error, 0 warnings\n"
    )


def test_text_tells_the_pack_and_the_chain_of_a_good_file(files: Path, kt: Run) -> None:
    """On one line."""
    assert kt("policy", "lint", "good.yaml")[1] == (
        "OK good.yaml is valid: good 1.0.0, safety-filter\n"
    )


def test_text_counts_several_files(files: Path, kt: Run) -> None:
    """At its end."""
    out = kt("policy", "lint", "good.yaml", "bad.yaml", "warned.yaml")[1]
    assert out.splitlines()[-1] == "3 files, 1 error, 1 warning"


def test_text_shows_of_a_long_line_what_is_around_the_place(files: Path, kt: Run) -> None:
    """A megabyte on one line does not fill the screen."""
    long = "x" * 5000
    (files / "long.yaml").write_text(f"{{pack: {{description: {long}, nmae: p}}, policies: 1}}\n")
    out = kt("policy", "lint", "long.yaml")[1]
    shown = [line for line in out.splitlines() if line.startswith("  1 | ")]
    carets = [line for line in out.splitlines() if line.endswith("^")]
    assert max(map(len, shown)) < 140
    pairs = zip(shown, carets, strict=True)
    assert any(line[caret.index("^") :].startswith("nmae") for line, caret in pairs)


def test_text_lets_nothing_of_the_file_reach_the_terminal(files: Path, kt: Run) -> None:
    """An escape sequence in a key is shown, not obeyed."""
    (files / "esc.yaml").write_text('"\\e[2J": 1\npack: {name: "\\x9b31m"}\n')
    out = kt("policy", "lint", "esc.yaml")[1]
    assert out.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("environment", "colored"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)],
)
def test_text_is_coloured_on_a_terminal(
    files: Path, environment: dict[str, str], colored: bool
) -> None:
    """And plain elsewhere, or when NO_COLOR asks for that."""
    out = _on_a_terminal(environment)
    assert colored == (b"\x1b[" in out)
    assert b"E001" in out


def _on_a_terminal(environment: dict[str, str]) -> bytes:
    import os
    import pty
    import subprocess
    import sys

    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "kt", "policy", "lint", "bad.yaml"],
        stdout=theirs,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), **environment},
    )
    os.close(theirs)
    out = b""
    try:
        while chunk := os.read(ours, 4096):
            out += chunk
    except OSError:
        pass  # Linux says that the other end is closed by an error.
    finally:
        os.close(ours)
    assert child.wait() == 1
    return out


def test_json_of_a_good_file_is_as_the_language_says(files: Path, kt: Run) -> None:
    """Key for key."""
    assert json.loads(kt("policy", "lint", "good.yaml", "--json")[1]) == {
        "valid": True,
        "file": "good.yaml",
        "pack": {"name": "good", "version": "1.0.0"},
        "chain": ["safety-filter"],
        "policy_count": 1,
        "warnings": [],
    }


def test_json_of_a_bad_file_is_as_the_language_says(files: Path, kt: Run) -> None:
    """Key for key."""
    assert json.loads(kt("policy", "lint", "bad.yaml", "--format", "json")[1]) == {
        "valid": False,
        "file": "bad.yaml",
        "errors": [
            {
                "code": "E001",
                "path": "policies.chain[0]",
                "message": "unknown policy kind 'safety-filtre'",
                "suggestion": "did you mean 'safety-filter'?",
                "line": 2,
                "column": 20,
            }
        ],
    }


@pytest.mark.parametrize(
    ("argv", "kind"),
    [(["good.yaml"], dict), (["good.yaml", "bad.yaml"], list), (["policies/a"], list)],
)
def test_json_of_several_files_is_a_list(files: Path, kt: Run, argv: list[str], kind: type) -> None:
    """A directory counts as several, however many policies it holds today."""
    assert isinstance(json.loads(kt("policy", "lint", *argv, "--json")[1]), kind)


def test_strict_makes_warnings_errors_in_the_report_too(files: Path, kt: Run) -> None:
    """Whoever reads the report sees why the exit code is 1."""
    shown = json.loads(kt("policy", "lint", "warned.yaml", "--json", "--strict")[1])
    assert (shown["valid"], [error["code"] for error in shown["errors"]]) == (False, ["W006"])


def _sarif(out: str) -> Any:
    (run,) = json.loads(out)["runs"]
    return run


def test_sarif_gives_places_from_the_repositorys_root(
    files: Path, kt: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forge finds the file wherever the command was started."""
    (files / ".git").mkdir()
    monkeypatch.chdir(files / "policies")
    run = _sarif(kt("policy", "lint", "b", "--format", "sarif")[1])
    assert run["originalUriBaseIds"]["%SRCROOT%"]["uri"] == f"{files.as_uri()}/"
    (found,) = run["results"]
    assert found["locations"][0]["physicalLocation"] == {
        "artifactLocation": {
            "uri": "policies/b/deep/policy-config.yaml",
            "uriBaseId": "%SRCROOT%",
        },
        "region": {"startLine": 2, "startColumn": 20},
    }


def test_sarif_carries_the_manual_of_every_rule(files: Path, kt: Run) -> None:
    """A result points at its rule by place and by name."""
    run = _sarif(kt("policy", "lint", "bad.yaml", "--format", "sarif")[1])
    (found,) = run["results"]
    rule = run["tool"]["driver"]["rules"][found["ruleIndex"]]
    assert (found["ruleId"], rule["id"], found["level"]) == ("E001", "E001", "error")
    assert "Wrong:" in rule["help"]["text"]


def test_sarif_encodes_a_path(files: Path, kt: Run) -> None:
    """A URI holds neither spaces nor umlauts."""
    (files / "größte datei.yaml").write_text("[]")
    run = _sarif(kt("policy", "lint", "größte datei.yaml", "--format", "sarif")[1])
    artifact = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact["uri"] == "gr%C3%B6%C3%9Fte%20datei.yaml"


@pytest.mark.parametrize("name", ["sarif", "gitlab", "junit", "github"])
def test_a_report_is_written_when_clean(files: Path, kt: Run, name: str) -> None:
    """An empty report says "checked"; a missing one says nothing."""
    code, out, _ = kt("policy", "lint", "good.yaml", "--format", name)
    empty = {"sarif": '"results": []', "gitlab": "[]", "junit": 'failures="0"', "github": ""}
    assert code == 0
    assert empty[name] in out


def test_github_annotations_are_workflow_commands(files: Path, kt: Run) -> None:
    """With everything escaped that would end one."""
    (files / "a,b:c.yaml").write_text("pack: '100%'\n")
    _, out, _ = kt("policy", "lint", "bad.yaml", "a,b:c.yaml", "--format", "github")
    assert out.splitlines()[0] == (
        "::error file=bad.yaml,line=2,col=20,title=E001 policies.chain[0]"
        "::unknown policy kind 'safety-filtre'; did you mean 'safety-filter'?"
    )
    assert "::error file=a%2Cb%3Ac.yaml,line=1,col=7," in out
    assert "the text '100%25'" in out


def test_auto_notices_github_actions(files: Path, kt: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """People read the text in the log, and see the annotations beside the change."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    out = kt("policy", "lint", "bad.yaml")[1]
    assert "  help: did you mean" in out
    assert "::error file=bad.yaml" in out


def test_gitlab_fingerprints_are_unique_and_outlive_a_move(files: Path, kt: Run) -> None:
    """Three alike findings have three; lines that are put above change none of them."""
    text = "zz: 1\nzz: 2\nzz: 3\nzz: 4\npack: 1\npolicies: 1\n"
    prints = []
    for above in ("", "# Two lines\n# more\n"):
        (files / "moved.yaml").write_text(above + text)
        issues = json.loads(kt("policy", "lint", "moved.yaml", "--format", "gitlab")[1])
        prints.append([issue["fingerprint"] for issue in issues])
    assert prints[0] == prints[1]
    assert len(set(prints[0])) == len(prints[0]) == 6


def test_gitlab_issues_have_what_its_report_needs(files: Path, kt: Run) -> None:
    """Description, check, fingerprint, severity, path, line."""
    (issue,) = json.loads(kt("policy", "lint", "warned.yaml", "--format", "gitlab")[1])
    assert re.fullmatch("[0-9a-f]{64}", issue.pop("fingerprint"))
    assert issue == {
        "description": "W006: the chain is empty, so every request passes",
        "check_name": "W006",
        "severity": "minor",
        "location": {"path": "warned.yaml", "lines": {"begin": 2}},
    }


def test_junit_has_a_suite_for_each_file(files: Path, kt: Run) -> None:
    """A case failed for each error, one that passed for a clean file or a warning."""
    _, out, _ = kt("policy", "lint", "good.yaml", "bad.yaml", "warned.yaml", "--format", "junit")
    suites = ET.fromstring(out)
    told = [
        (*map(suite.get, ("name", "tests", "failures")), len(suite.findall("*/failure")))
        for suite in suites
    ]
    assert told == [
        ("good.yaml", "1", "0", 0),
        ("bad.yaml", "1", "1", 1),
        ("warned.yaml", "1", "0", 0),
    ]
    assert (suites.get("tests"), suites.get("failures")) == ("3", "1")


def test_junit_can_be_read_whatever_the_file_holds(files: Path, kt: Run) -> None:
    """XML has no way to write some characters, and a few that mean something to it."""
    (files / "odd.yaml").write_text('"<&\\"\'>\\x01\\u2028\\ud7ff": 1\n')
    _, out, _ = kt("policy", "lint", "odd.yaml", "--format", "junit")
    names = [case.get("name", "") for case in ET.fromstring(out).iter("testcase")]
    assert any(name.startswith("E002 <&") for name in names)


def test_output_writes_the_report_and_leaves_text_for_people(files: Path, kt: Run) -> None:
    """One run for the forge and for the log."""
    code, out, err = kt("policy", "lint", "bad.yaml", "--format", "sarif", "--output", "x.sarif")
    assert (code, err) == (1, "")
    assert "error[E001]" in out
    assert len(_sarif((files / "x.sarif").read_text())["results"]) == 1


def test_output_that_cannot_be_written_is_a_failure(files: Path, kt: Run) -> None:
    """The report was asked for and is not there."""
    code, _, err = kt("policy", "lint", "good.yaml", "--output", "gone/x.json", "--json")
    assert (code, err) == (2, "kt: gone/x.json: No such file or directory\n")


SUPPRESSED = (
    "pack: {name: s, version: 1.0.0, enabled: false} # kt: allow W007 because of <a & b>\n"
    "policies: {chain: []}\n"
)


@pytest.fixture
def suppressed(files: Path) -> str:
    """A file with one warning that a comment suppresses, and one that none does."""
    (files / "suppressed.yaml").write_text(SUPPRESSED)
    return "suppressed.yaml"


def test_text_counts_what_is_suppressed(suppressed: str, kt: Run) -> None:
    """And does not show it, `--strict` or not."""
    out = kt("policy", "lint", suppressed)[1]
    assert "W007" not in out
    assert out.splitlines()[-1] == (f"OK {suppressed} is valid: s 1.0.0, empty chain, 1 suppressed")
    code, out, _ = kt("policy", "lint", "--strict", suppressed)
    assert (code, out.splitlines()[-1]) == (1, "1 file, 1 error, 0 warnings, 1 suppressed")
    assert "W007" not in out


@pytest.mark.parametrize("strict", [[], ["--strict"]])
def test_json_lists_what_is_suppressed(suppressed: str, kt: Run, strict: list[str]) -> None:
    """With its reason, whether the file is valid or not."""
    told = json.loads(kt("policy", "lint", "--json", suppressed, *strict)[1])
    (one,) = told["suppressed"]
    assert [row["code"] for row in told["errors" if strict else "warnings"]] == ["W006"]
    assert (one["code"], one["line"], one["reason"]) == ("W007", 1, "of <a & b>")


def test_sarif_lists_what_is_suppressed(suppressed: str, kt: Run) -> None:
    """Where one result tells of suppressions, all of the run do."""
    run = _sarif(kt("policy", "lint", suppressed, "bad.yaml", "--format", "sarif")[1])
    assert {one["ruleId"]: one["suppressions"] for one in run["results"]} == {
        "W007": [{"kind": "inSource", "justification": "of <a & b>"}],
        "W006": [],
        "E001": [],
    }


@pytest.mark.parametrize("name", ["github", "gitlab", "junit"])
def test_other_formats_leave_out_what_is_suppressed(suppressed: str, kt: Run, name: str) -> None:
    """They have no place for it."""
    out = kt("policy", "lint", suppressed, "--format", name)[1]
    assert ("W006" in out, "W007" in out) == (True, False)
