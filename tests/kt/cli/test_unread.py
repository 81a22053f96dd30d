"""Every report against every reason for which a file could not be looked at: none is green."""

from __future__ import annotations

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kt.policy.files import MAX_BYTES
from tests.kt.cli.conftest import GOOD

Kt = Callable[..., Any]

TESTED = GOOD + (
    "testing: {suites: [{name: s, cases: [{name: c, input: {messages: "
    "[{role: user, content: Hello.}]}, expected: {verdict: allow}}]}]}\n"
)

# What stands at the path, and whether its bytes could be read.
MAKERS: dict[str, tuple[Callable[[Path], object], bool]] = {
    "missing": (lambda _: None, False),
    "a loop": (lambda path: path.symlink_to(path), False),
    "an error of the disk": (lambda path: path.symlink_to("/proc/self/mem"), False),
    "a directory without a policy": (Path.mkdir, False),
    "not UTF-8": (lambda path: path.write_bytes(b"pack: \xff\n"), True),
    "broken YAML": (lambda path: path.write_text("pack: ["), True),
    "a key twice": (lambda path: path.write_text(f"{TESTED}testing: {{suites: []}}\n"), True),
    "too large": (lambda path: path.write_text(TESTED + "#" * MAX_BYTES), True),
    "empty": (lambda path: path.write_text(""), True),
}
each_reason = pytest.mark.parametrize("reason", MAKERS)


def _json(out: str) -> set[str]:
    rows = json.loads(out)
    return {row["file"] for row in (rows if isinstance(rows, list) else [rows]) if not row["valid"]}


def _sarif(out: str) -> set[str]:
    (run,) = json.loads(out)["runs"]
    found = [one for one in run["results"] if one["level"] == "error"]
    places = [one["locations"][0]["physicalLocation"] for one in found]
    return {place["artifactLocation"]["uri"] for place in places}


def _github(out: str) -> set[str]:
    return set(re.findall(r"^::error file=([^,]+),", out, re.MULTILINE))


def _gitlab(out: str) -> set[str]:
    return {one["location"]["path"] for one in json.loads(out) if one["severity"] == "major"}


def _junit(out: str) -> set[str]:
    suites = [*ET.fromstring(out)]
    for one in suites:
        assert int(one.get("errors", "")) == len(one.findall("*/error"))
        assert int(one.get("failures", "")) == len(one.findall("*/failure"))
    return {
        one.get("name", "") for one in suites if one.findall("*/error") + one.findall("*/failure")
    }


def _text(out: str) -> set[str]:
    assert ", 0 errors" not in out.splitlines()[-1]
    return set(re.findall(r"^(\S+?):\d+:\d+: error", out, re.MULTILINE))


REPORTS: dict[str, Callable[[str], set[str]]] = {
    "json": _json,
    "sarif": _sarif,
    "github": _github,
    "gitlab": _gitlab,
    "junit": _junit,
    "text": _text,
}


@each_reason
@pytest.mark.parametrize("format_name", REPORTS)
def test_no_report_of_lint_is_green(files: Path, kt: Kt, format_name: str, reason: str) -> None:
    """Alone and beside a good file, written and printed; the exit says which of the two it was."""
    make, was_read = MAKERS[reason]
    make(files / "other.yaml")
    shown = REPORTS[format_name]
    argv = ("policy", "lint", "--format", format_name)

    for paths in (["other.yaml"], ["good.yaml", "other.yaml"]):
        done = kt(*argv, *paths)
        assert (done.code, done.err == "") == ((1, True) if was_read else (2, False))
        assert shown(done.out) == {"other.yaml"}
        kt(*argv, "--output", "report", *paths)
        assert Path("report").read_text() == done.out


@each_reason
def test_only_what_was_looked_at_whole_is_called_a_success(
    files: Path, kt: Kt, reason: str
) -> None:
    """By the formats that tell a failure of the tool from a finding."""
    make, was_read = MAKERS[reason]
    make(files / "other.yaml")
    (run,) = json.loads(kt("policy", "lint", "other.yaml", "--format", "sarif").out)["runs"]
    junit = ET.fromstring(kt("policy", "lint", "other.yaml", "--format", "junit").out)
    (invocation,) = run["invocations"]

    assert invocation["executionSuccessful"] is was_read
    assert ("toolExecutionNotifications" in invocation) is not was_read
    assert (junit.get("errors") == "0") is was_read


@each_reason
def test_no_report_of_the_tests_is_green(files: Path, kt: Kt, reason: str) -> None:
    """Beside a policy whose tests pass, too."""
    MAKERS[reason][0](files / "other.yaml")
    (files / "good.yaml").write_text(TESTED)

    for paths, passed in ((["other.yaml"], 0), (["good.yaml", "other.yaml"], 1)):
        report = json.loads(kt("policy", "test", "--json", *paths).out)
        suites = ET.fromstring(kt("policy", "test", "--format", "junit", *paths).out)
        done = kt("policy", "test", *paths)

        assert (report["ok"], len(report["results"])) == (False, passed)
        assert [one["file"] for one in report["errors"]] == ["other.yaml"]
        assert (suites.get("tests"), suites.get("errors")) == (str(passed + 1), "1")
        assert [one.get("name") for one in suites if one.find("*/error") is not None] == [
            "other.yaml"
        ]
        assert done.out.splitlines()[-1] == f"{passed} passed, 0 failed, 1 file not tested"
        assert (done.code, done.err.startswith("kt: other.yaml")) == (2, True)


@pytest.mark.parametrize(
    ("code", "name", "content"),
    [
        ("E016", "policy-config.yaml", TESTED + "testing: {suites: []}\n"),
        ("E010", "policy-config.yaml", "pack: ["),
        ("no_tests", "policy-config.yaml", GOOD),
        ("bad_tests", "tests/more.json", "[{}]"),
        ("bad_tests", "tests/more.json", "{"),
    ],
)
def test_the_reason_has_a_code(files: Path, kt: Kt, code: str, name: str, content: str) -> None:
    """That of the finding, or one of its own."""
    Path("tests").mkdir()
    Path("policy-config.yaml").write_text(TESTED)
    Path(name).write_text(content)
    report = json.loads(kt("policy", "test", "policy-config.yaml", "--json").out)

    assert [one["code"] for one in report["errors"]] == [code]


@pytest.mark.parametrize("loop", ["tests", "tests/more.json"])
def test_tests_that_cannot_be_read_make_no_green_report(files: Path, kt: Kt, loop: str) -> None:
    """The policy's own are then not all of them."""
    Path(loop).parent.mkdir(exist_ok=True)
    os.symlink(Path(loop).name, loop)
    Path("policy-config.yaml").write_text(TESTED)
    report = json.loads(kt("policy", "test", "policy-config.yaml", "--json").out)

    assert (report["ok"], [one["code"] for one in report["errors"]]) == (False, ["not_read"])


@pytest.mark.parametrize("redirection", ["<&-", "0>written"])
def test_standard_input_that_cannot_be_read_is_no_file_without_findings(
    files: Path, kt_line: str, redirection: str
) -> None:
    """Nothing of it was linted."""
    line = f"{kt_line} policy lint - --json {redirection}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)

    assert (done.returncode, json.loads(done.stdout)["valid"]) == (2, False)
    assert done.stderr.startswith("kt: <stdin>: ")
