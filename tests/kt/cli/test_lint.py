"""`kt policy lint`: the files that it reads and its exit codes."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kt.cli.lint import add_arguments, read_plainly

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--file", "good.yaml"], 0),
        (["--file", "bad.yaml"], 1),
        (["--file", "warned.yaml"], 0),
        (["--file", "warned.yaml", "--strict"], 1),
        (["--file", "good.yaml", "--strict"], 0),
        (["--file", "gone.yaml"], 2),
        (["--file", "gone.yaml", "bad.yaml"], 2),
        (["good.yaml", "bad.yaml"], 1),
        (["--file", "good.yaml", "warned.yaml"], 0),
        (["--file", "good.yaml", "--file", "bad.yaml"], 1),
        (["--file", "good.yaml", "--format", "json", "bad.yaml"], 1),
        (["policies"], 1),
        (["policies/a"], 0),
        (["policies/a/"], 0),
        (["policies/b/deep/other.yaml"], 1),
        (["empty"], 2),
        (["good.yaml", "empty"], 2),
        ([], 2),
        (["--format", "yaml", "good.yaml"], 2),
        (["--stric", "good.yaml"], 2),
        (["--file"], 2),
    ],
)
def test_the_exit_code_is_that_of_the_language(
    files: Path, kt: Run, argv: list[str], code: int
) -> None:
    """0 valid, 1 errors found, 2 a file cannot be read or the usage is wrong."""
    (files / "empty").mkdir()
    assert code == kt("policy", "lint", *argv)[0]


@pytest.mark.parametrize(
    "argv",
    [
        ["a"],
        ["--file", "a"],
        ["--file", "a", "b", "c"],
        ["--file", "a", "--json", "b"],
        ["--json", "a", "b", "--strict"],
        ["a", "--strict", "b"],
        ["--strict"],
        [""],
    ],
)
def test_plain_command_lines_are_read_as_argparse_reads_them(argv: list[str]) -> None:
    """The short way and the long way must not differ in anything."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    plain, parsed = read_plainly(argv), parser.parse_intermixed_args(argv)
    assert plain is not None
    assert [*plain.file, *plain.paths] == [*parsed.file, *parsed.paths]
    assert (plain.format, plain.strict) == (parsed.format, parsed.strict)
    assert plain.output == parsed.output


@pytest.mark.parametrize(
    "argv",
    [["-"], ["--file"], ["--file", "--json"], ["a", "--file", "b"], ["--", "a"], ["--help"],
     ["--format=json", "a"], ["--output", "x", "a"], ["--file=a"], ["-x"]],
)  # fmt: skip
def test_other_command_lines_are_left_to_argparse(argv: list[str]) -> None:
    """Among them every one that is wrong."""
    assert read_plainly(argv) is None


def test_stderr_is_empty_unless_the_exit_is_two(files: Path, kt: Run) -> None:
    """Findings are the answer, not a failure of the command."""
    assert kt("policy", "lint", "bad.yaml")[2] == ""
    assert kt("policy", "lint", "gone.yaml")[2] == "kt: gone.yaml: No such file or directory\n"


def test_files_that_can_be_read_are_reported_beside_one_that_cannot(files: Path, kt: Run) -> None:
    """One wrong path does not hide what the others have to say."""
    code, out, err = kt("policy", "lint", "gone.yaml", "bad.yaml", "--json")
    assert (code, "gone.yaml" in err) == (2, True)
    assert [(row["file"], row["valid"]) for row in json.loads(out)] == [
        ("gone.yaml", False),
        ("bad.yaml", False),
    ]


def test_a_directory_stands_for_the_policies_at_any_depth(files: Path, kt: Run) -> None:
    """Files named policy-config.yaml, in order of their paths, and no others."""
    _, out, _ = kt("policy", "lint", "policies", "--json")
    assert [row["file"] for row in json.loads(out)] == [
        "policies/a/policy-config.yaml",
        "policies/b/deep/policy-config.yaml",
    ]


@pytest.mark.parametrize("name", [".git", ".keeptrusts", "policies/.cache"])
@pytest.mark.parametrize("command", ["lint", "test"])
def test_hidden_folders_are_left_out(files: Path, kt: Run, name: str, command: str) -> None:
    """What git and tools keep there is not the author's; named itself, such a folder is read."""
    shutil.move("policies/b", name)

    of_all = kt("policy", command, "--json", ".")
    named = kt("policy", command, "--json", name)

    assert name not in of_all[1]
    assert f"{name}/deep/policy-config.yaml" in named[1]
    assert kt("policy", "lint", ".")[0] == 0


def test_a_directory_with_nothing_but_hidden_folders_holds_no_policy(files: Path, kt: Run) -> None:
    """The reason says where nobody looked."""
    shutil.move("policies", ".policies")

    code, _, err = kt("policy", "lint", ".")

    assert (code, "hidden ones apart" in err) == (2, True)


def test_a_file_named_twice_is_linted_once(files: Path, kt: Run) -> None:
    """As itself and as part of a directory."""
    path = "policies/a/policy-config.yaml"
    _, out, _ = kt("policy", "lint", path, "policies/a", "--json")
    assert [row["file"] for row in json.loads(out)] == [path]


def test_an_id_unlike_the_directory_is_a_warning(files: Path, kt: Run) -> None:
    """The directory of the file is known here."""
    path = files / "policies" / "a" / "policy-config.yaml"
    path.write_text(path.read_text().replace("name: good", "name: good, id: other"))
    _, out, _ = kt("policy", "lint", str(path), "--json")
    assert [finding["code"] for finding in json.loads(out)["warnings"]] == ["W003"]


def test_the_directory_of_a_repository_says_nothing_about_an_id(files: Path, kt: Run) -> None:
    """A checkout may be called anything."""
    path = files / "policies" / "a" / "policy-config.yaml"
    path.write_text(path.read_text().replace("name: good", "name: good, id: other"))
    (files / "policies" / "a" / ".git").mkdir()
    _, out, _ = kt("policy", "lint", str(path), "--json")
    assert json.loads(out)["warnings"] == []


def test_stdin_is_a_file(kt_process: Run) -> None:
    """A dash reads it."""
    data = b"pack: {name: p, version: 1.0.0, enabled: true}\npolicies: {chain: [rbac]}\n"
    code, out, _ = kt_process("policy", "lint", "-", "--json", stdin=data)
    shown = json.loads(out)
    assert (
        code,
        shown["file"],
        [finding["code"] for finding in shown["errors"]],
    ) == (1, "<stdin>", ["E003"])


def test_a_name_that_is_not_utf_8_can_be_shown(files: Path, kt: Run) -> None:
    """A file system takes any bytes for a name."""
    (files / "\udcff.yaml").write_text("[")
    code, out, _ = kt("policy", "lint", "\udcff.yaml")
    assert (code, "\ufffd.yaml:2:1" in out) == (1, True)


def test_a_terminal_without_unicode_is_no_reason_to_fail(files: Path, kt_process: Run) -> None:
    """The line is shown with what it cannot print escaped."""
    (files / "bad.yaml").write_text("pack: {näme: p}\n", encoding="utf-8")
    code, out, err = kt_process(
        "policy", "lint", "bad.yaml", PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    )
    assert (code, err) == (1, "")
    assert "n\\xe4me" in out


@pytest.mark.parametrize(
    ("files_of", "argv", "told"),
    [
        # By pack.id, whatever the directories are called.
        ({"a": "same", "b": "same"}, ["policies"], {"a": "b", "b": "a"}),
        ({"a": "same", "b": "same", "c": "other"}, ["policies"], {"a": "b", "b": "a"}),
        # A directory's name is the id of a file that gives none.
        ({"a": "b", "b": ""}, ["policies"], {"a": "b", "b": "a"}),
        ({"a": "", "x/a": ""}, ["policies"], {"a": "x/a", "x/a": "a"}),
        ({"a": "same", "b": "same"}, ["policies/a", "policies/b"], {"a": "b", "b": "a"}),
        # One file, however often it is named, and one file alone.
        ({"a": "same", "b": "same"}, ["policies/a"], {}),
        ({"a": "a"}, ["policies/a", "./policies/a/policy-config.yaml"], {}),
        ({"a": "", "b": ""}, ["policies"], {}),
    ],
)
def test_two_files_of_one_id_are_an_error_in_each(
    tmp_path: Path,
    kt: Run,
    monkeypatch: pytest.MonkeyPatch,
    files_of: dict[str, str],
    argv: list[str],
    told: dict[str, str],
) -> None:
    """A control plane would take neither; each names the other."""
    monkeypatch.chdir(tmp_path)
    for folder, named in files_of.items():
        path = tmp_path / "policies" / folder / "policy-config.yaml"
        path.parent.mkdir(parents=True)
        id_ = f"id: {named}, " if named else ""
        pack = f"{{{id_}name: n, version: 1.0.0, enabled: true}}"
        path.write_text(f"pack: {pack}\npolicies: {{chain: [safety-filter]}}\n")

    code, out, _ = kt("policy", "lint", "--json", *argv)

    shown = json.loads(out)
    found = {
        one["file"].removeprefix("policies/").removesuffix("/policy-config.yaml"): told["message"]
        for one in (shown if isinstance(shown, list) else [shown])
        for told in one.get("warnings", ())
        if told["code"] == "W014"
    }
    assert code == 0
    assert found.keys() == told.keys()
    for file, other in told.items():
        assert found[file].endswith(f"is also that of policies/{other}/policy-config.yaml")


@pytest.mark.parametrize("name", ["text", "json", "sarif", "github", "gitlab", "junit"])
def test_every_format_shows_two_files_of_one_id(files: Path, kt: Run, name: str) -> None:
    """At the place of the id, in both."""
    shutil.copytree("policies/a", "twins/a")
    shutil.copytree("policies/a", "twins/b/a")

    code, out, _ = kt("policy", "lint", "--format", name, "twins")
    strict, _, _ = kt("policy", "lint", "--strict", "--format", name, "twins")

    assert (code, strict) == (0, 1)
    assert out.count("W014") >= 2
    assert "the id 'a' is also that of twins/b/a/policy-config.yaml" in out


def test_a_reader_that_goes_away_is_no_failure(files: Path, kt_line: str) -> None:
    """`kt policy lint … | head -1` ends quietly."""
    (files / "bad.yaml").write_text("".join(f"zz{number}: 1\n" for number in range(400)))
    line = f"{kt_line} policy lint bad.yaml | head -n 1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("count", [400, 20_000])
def test_what_nobody_read_to_the_end_is_not_good(files: Path, kt_line: str, count: int) -> None:
    """In a pipeline that looks at all its codes, as those of most CI do."""
    (files / "bad.yaml").write_text("".join(f"zz{number}: 1\n" for number in range(count)))
    line = f"set -o pipefail; {kt_line} policy lint bad.yaml | head -n 1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=False)
    assert (done.returncode in (1, 141), done.stderr) == (True, b"")


def test_find_fails_with_a_plus_and_not_with_a_semicolon(files: Path, kt_line: str) -> None:
    """`-exec … {} \\;` throws exit codes away, `-exec … {} +` and a directory keep them."""
    lint = f"{kt_line} policy lint"
    find = f"find policies -name policy-config.yaml -exec env {lint} --file {{}}"
    lines = (f"{find} \\;", f"{find} +", f"{lint} policies")
    codes = [
        subprocess.run(["bash", "-c", line], capture_output=True, check=False).returncode
        for line in lines
    ]
    assert codes == [0, 1, 1]


@pytest.mark.parametrize("count", [500, pytest.param(5000, marks=pytest.mark.soak)])
def test_many_files_are_linted_at_once(files: Path, kt: Run, count: int) -> None:
    """In one process, and every one of them."""
    text = (files / "good.yaml").read_text()
    for number in range(count):
        folder = files / "many" / str(number)
        folder.mkdir(parents=True)
        named = text.replace("pack: {", f'pack: {{id: "{number}", ')
        (folder / "policy-config.yaml").write_text(named)
    code, out, _ = kt("policy", "lint", "many")
    assert (code, len(out.splitlines())) == (0, count + 1)
    assert out.splitlines()[-1] == f"{count} files, 0 errors, 0 warnings"
