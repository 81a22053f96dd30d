"""Named files of which there is nothing to lint: no policies, and files that a commit deleted."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kt.cli.conftest import BAD, GOOD
from tests.kt.cli.test_unread import REPORTS

Kt = Callable[..., Any]

CASES = '[{"name": "a", "input": {"messages": []}, "expected": {"verdict": "allow"}}]'
README = f"# Policies\n\nOne looks like this:\n\n```yaml\n{GOOD}```\n"
SCRIPT = f"#!/bin/bash\nset -e\ncat >p <<END\n{GOOD}END\n"


def _found(kt: Kt, *argv: str) -> tuple[int, list[str]]:
    done = kt("policy", "lint", "--json", *argv)
    row = json.loads(done.out)
    return done.code, [one["code"] for one in row.get("warnings", []) + row.get("errors", [])]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("README.md", "# Policies\n\nWhat they do: this.\n"),
        ("README.md", README),
        ("NOTES.markdown", "---\ntitle: a\n---\nText.\n"),
        ("README", "Policies of all teams.\n"),
        ("README.md", ""),
        (".gitkeep", ""),
        (".gitattributes", "* -text\n"),
        ("CODEOWNERS", "* @team\n"),
        ("test-policies.sh", "#!/bin/bash\nset -euo pipefail\necho done\n"),
        ("make.sh", SCRIPT),
        ("tests/harm.json", CASES),
        ("tests/suite.json", '{"name": "s", "cases": []}'),
        ("package.json", '{"name": "x", "version": "1.0.0"}'),
        ("Makefile", "all:\n\tkt policy lint .\n"),
        ("values.csv", "a,b\n1,2\n"),
        ("logo.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("large.bin", b"\0" * 1_100_000),
    ],
)
def test_what_is_plainly_no_policy_is_a_warning(
    files: Path, kt: Kt, name: str, content: str | bytes
) -> None:
    """By name and content; `--strict` makes it an error."""
    path = files / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)

    assert _found(kt, "--file", name) == (0, ["not_a_policy"])
    assert _found(kt, "--strict", "--file", name) == (1, ["not_a_policy"])


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("policy-config.yaml", "", 1),
        ("policy-config.yaml", "# Policies\n", 1),
        ("policy-config.yaml", CASES, 1),
        ("other.yml", "a: b\n", 1),
        ("other.YAML", "", 1),
        ("policy", GOOD, 0),
        ("policy", BAD, 1),
        ("policy.json", '{"pack": {"name": "x"}}', 1),
        ("policy.json", '{"pack": {', 1),
        ("policy.txt", "policies:\n  chain: [\n", 1),
        ("policy-config.yaml.new", "pack: {name: a}\npack: [\n", 1),
        ("README.md", GOOD, 0),
    ],
)
def test_what_may_be_a_policy_is_linted(
    files: Path, kt: Kt, name: str, content: str, code: int
) -> None:
    """A broken one most of all, whatever its name."""
    (files / name).write_text(content)

    found = _found(kt, name)

    assert found[0] == code
    assert "not_a_policy" not in found[1]
    assert bool(found[1]) is bool(code)


def _git(*argv: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@keeptrusts.example")
    subprocess.run(["git", *who, *argv], check=True, capture_output=True)


@pytest.fixture
def checkout(files: Path) -> Path:
    """A checkout with all of the files in one commit."""
    _git("init", "--quiet", "--initial-branch=main")
    _git("add", "--all")
    _git("commit", "--quiet", "--message", "first")
    return files


DEEP = "policies/b/deep/policy-config.yaml"


def _in_the_tree(_: Path) -> None:
    _git("rm", "-r", "--quiet", "policies/b")


def _in_a_commit(_: Path) -> None:
    _git("rm", "-r", "--quiet", "policies/b")
    _git("commit", "--quiet", "--message", "second")


def _on_a_branch(files: Path) -> None:
    """As a runner has it: the commit alone, and the branch that it goes into."""
    _git("branch", "target")
    _in_a_commit(files)
    _git("checkout", "--quiet", "--detach")
    _git("checkout", "--quiet", "--orphan", "alone")
    _git("commit", "--quiet", "--message", "third")


def _moved(_: Path) -> None:
    _git("mv", "policies/b", "policies/c")
    _git("commit", "--quiet", "--message", "second")


@pytest.mark.parametrize("delete", [_in_the_tree, _in_a_commit, _on_a_branch, _moved])
@pytest.mark.parametrize("where", [".", "policies", "policies/a"])
def test_a_deleted_file_is_a_warning(
    checkout: Path,
    kt: Kt,
    monkeypatch: pytest.MonkeyPatch,
    delete: Callable[[Path], None],
    where: str,
) -> None:
    """Wherever the command runs, and with its directory gone, too; `--strict` makes it an error."""
    delete(checkout)
    monkeypatch.chdir(checkout / where)
    up = "../" * len(Path(where).parts)

    for path in (up + DEEP, str(checkout / DEEP)):
        assert _found(kt, "--file", path) == (0, ["deleted"])
        assert _found(kt, "--strict", "--file", path) == (1, ["deleted"])


@pytest.mark.parametrize("path", ["gone.yaml", "policies/b/deep", "policies/b", "policies/*", ""])
def test_what_no_commit_has_is_not_read(checkout: Path, kt: Kt, path: str) -> None:
    """A name that was mistyped, a directory, a pattern that the shell left as it is."""
    _in_a_commit(checkout)

    assert _found(kt, "--file", path) == (2, ["not_read"])


@pytest.mark.parametrize("git", ["none", "empty"])
def test_without_a_commit_nothing_is_deleted(files: Path, kt: Kt, git: str) -> None:
    """Outside of a checkout, and in one that has no commit yet."""
    if git == "empty":
        _git("init", "--quiet")

    assert _found(kt, "gone.yaml") == (2, ["not_read"])


@pytest.mark.parametrize("format_name", REPORTS)
def test_reports_name_them_and_are_not_red(checkout: Path, kt: Kt, format_name: str) -> None:
    """No line of another file's text is shown, and nothing is called valid that is no policy."""
    _in_a_commit(checkout)
    Path("README.md").write_text("# Policies\n")
    argv = ("policy", "lint", "--format", format_name, "README.md", DEEP)

    done, strict = kt(*argv), kt(*argv, "--strict")

    assert (done.code, done.err, strict.code, strict.err) == (0, "", 1, "")
    assert "not_a_policy" in done.out and "deleted" in done.out
    assert "is valid" not in done.out and "# Policies" not in done.out
    assert REPORTS[format_name](strict.out) == {"README.md", DEEP}


def test_they_hide_no_fault_of_others(checkout: Path, kt: Kt) -> None:
    """What is wrong beside them is told as ever."""
    _in_a_commit(checkout)
    Path("README.md").write_text("# Policies\n")

    assert kt("policy", "lint", "README.md", DEEP, "bad.yaml").code == 1
    assert kt("policy", "lint", "README.md", DEEP, "gone.yaml").code == 2
