"""Commands of `kt` without a test module of their own."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kt import __version__
from kt.cli.commands.parsing import Leaf, leaves
from kt.cli.commands.table import COMMANDS
from kt.cli.templates import TEMPLATES
from kt.policy.language import DOCUMENT
from kt.policy.language.shapes import Block, Choice
from kt.policy.lint import lint

Run = Callable[..., tuple[int, str, str]]


def test_the_version_is_that_of_the_package(kt: Run) -> None:
    """One line."""
    assert kt("--version") == (0, f"kt {__version__}\n", "")


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("kt --version >&-", 0, ""),
        ("kt completion bash >&-", 0, ""),
        ("kt policy lint /dev/null >&-", 0, ""),
        ("kt login http://127.0.0.1:9 <&-", 2, "kt: stdin is empty\n"),
        ("kt requests confirm 7 --api-url http://127.0.0.1:9 <&- >&-", 2, "no answer"),
        ("kt no-such-command 2>&-", 2, ""),
        (
            "kt tokens create a --api-url http://127.0.0.1:9 --token-file - >&-",
            2,
            "stdout is closed, and the secret is shown once",
        ),
    ],
)
def test_what_the_shell_has_closed_is_no_bug(kt_line: str, line: str, code: int, told: str) -> None:
    """Neither what is read nor what is written."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "KEEPTRUSTS_API_TOKEN": "x"}
    done = subprocess.run(
        ["bash", "-c", line.replace("kt ", f"{kt_line} ", 1)],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip

    assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (code, "", False)
    assert told in done.stderr


def test_no_command_writes_to_a_stdout_that_may_be_closed() -> None:
    """`print` leaves it be; where bytes are written, the line before asks whether it is there."""
    folder = Path(__file__).parents[3] / "kt" / "cli"
    sources = {path: path.read_text() for path in folder.rglob("*.py") if path.name != "main.py"}

    assert [str(path) for path, text in sources.items() if "sys.stdout.write" in text] == []
    assert [path.name for path, text in sources.items() if "sys.stdout.buffer" in text] == [
        "configurations.py"
    ]


def test_a_bug_is_not_the_answer_no(kt_line: str) -> None:
    """Whose code is 1, by which a pipeline tells drift or findings."""
    program = "from kt.cli import main; main.main = lambda _: 1 // 0; main.entry()"
    line = f"{kt_line.removesuffix(' -m kt')} -c '{program}'"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)

    assert (done.returncode, "ZeroDivisionError" in done.stderr) == (2, True)


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["help"], ["policy", "--help"]])
def test_help_names_every_command(kt: Run, argv: list[str]) -> None:
    """On stdout, since it was asked for."""
    code, out, err = kt(*argv)
    assert (code, err) == (0, "")
    assert all(f"kt {' '.join(command.words)} " in out for command in COMMANDS)


@pytest.mark.parametrize("argv", [[], ["policy"], ["polcy", "lint"], ["policy", "lnt", "x"]])
def test_no_command_is_a_usage_error(kt: Run, argv: list[str]) -> None:
    """And the commands are shown on stderr."""
    code, out, err = kt(*argv)
    assert (code, out) == (2, "")
    assert "kt policy lint" in err


LEAVES = [leaf for command in COMMANDS for leaf in leaves(command)]
CLIENT = tuple(f"kt {' '.join(command.words)}" for command in COMMANDS
               if command.module.startswith(("kt.cli.resources", "kt.cli.apply")))  # fmt: skip
each_command = pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: " ".join(leaf.words))


@each_command
def test_a_command_explains_itself(kt: Run, leaf: Leaf) -> None:
    """With --help, and an example."""
    code, out, _ = kt(*leaf.words, "--help")
    assert (code, out.startswith(f"usage: kt {' '.join(leaf.words)}")) == (0, True)
    assert "\nexample: kt " in out


@each_command
def test_the_example_of_a_command_is_one_of_it(leaf: Leaf) -> None:
    """It names this command, and its parser takes the rest."""
    words = tuple(shlex.split(leaf.example))

    assert words[: len(leaf.words) + 1] == ("kt", *leaf.words)
    leaf.parser.parse_intermixed_args(words[len(leaf.words) + 1 :])


@each_command
def test_each_option_of_a_command_is_explained_with_its_default(leaf: Leaf) -> None:
    """So that nobody has to try it out."""
    for action in leaf.parser._actions:
        assert action.help, action.dest
        if action.default not in (None, False, "", [], {}, argparse.SUPPRESS):
            assert "default: " in action.help, action.dest


@each_command
def test_the_help_of_a_command_names_no_path_of_the_api(leaf: Leaf) -> None:
    """Whoever has `kt` asks it, and not with curl."""
    assert "/v1" not in leaf.parser.format_help()


def test_the_table_of_commands_in_docs_is_current() -> None:
    """docs/client.md has those that speak to a control plane. RENEW=1 writes it."""
    path = Path(__file__).parents[3] / "docs" / "client.md"
    rows = "".join(
        f"| `kt {' '.join(leaf.words)}` | {leaf.summary} | `{leaf.example}` |\n"
        for leaf in LEAVES
        if leaf.parser.prog.startswith(CLIENT)
    )
    before, begin, _, end, after = re.split(r"(<!-- commands: (?:begin|end) -->)", path.read_text())
    page = f"{before}{begin}\n| command | does | example |\n|---|---|---|\n{rows}{end}{after}"
    if os.environ.get("RENEW") == "1":
        path.write_text(page)
    assert path.read_text() == page


@pytest.mark.parametrize("group", [c.words for c in COMMANDS if len(c.words) == 1], ids=" ".join)
def test_a_group_lists_its_commands(kt: Run, group: tuple[str, ...]) -> None:
    """With --help, and on stderr when none is named."""
    verbs = [leaf.words for leaf in LEAVES if leaf.words[:1] == group and leaf.words != group]
    if not verbs:
        return
    named, unnamed = kt(*group, "--help"), kt(*group)

    assert (named.code, unnamed.code, unnamed.out) == (0, 2, "")
    for told in (named.out, unnamed.err):
        assert all(f"kt {' '.join(words)} " in told for words in verbs)


@pytest.mark.parametrize("code", ["E002", "e002", "W001"])
def test_explain_prints_the_page_of_a_rule(kt: Run, code: str) -> None:
    """However the code is written."""
    status, out, _ = kt("policy", "explain", code)
    assert (0, code.upper()) == (status, out[:4])
    assert "Right:" in out


def test_explain_lists_the_titles_without_a_code(kt: Run) -> None:
    """One line for each rule."""
    lines = kt("policy", "explain")[1].splitlines()
    assert lines == sorted(lines)
    assert "E002  A key that the policy language does not know." in lines


def test_explain_of_an_unknown_code_is_a_usage_error(kt: Run) -> None:
    """With the code that was meant, where there is one near."""
    code, _, err = kt("policy", "explain", "E02")
    assert (code, err) == (2, "kt: no rule 'E02'; did you mean E002?\n")


def test_the_manual_in_docs_is_current(kt: Run) -> None:
    """docs/lint-codes.md is what `kt policy explain --all` prints. RENEW=1 writes it."""
    page = Path(__file__).parents[3] / "docs" / "lint-codes.md"
    manual = kt("policy", "explain", "--all")[1]
    if os.environ.get("RENEW") == "1":
        page.write_text(manual)
    assert page.read_text() == manual


def test_the_page_of_the_language_in_docs_is_current(kt: Run) -> None:
    """docs/policy.md is what `kt policy schema --format markdown` prints. RENEW=1 writes it."""
    path = Path(__file__).parents[3] / "docs" / "policy.md"
    page = kt("policy", "schema", "--format", "markdown")[1]
    if os.environ.get("RENEW") == "1":
        path.write_text(page)
    assert path.read_text() == page


def test_the_page_of_the_language_names_every_word_and_shows_a_valid_file(kt: Run) -> None:
    """Keys, kinds and choices, the refused ones too."""
    page = kt("policy", "schema", "--format", "markdown")[1]
    (example,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    names = {*re.findall(r"`([^`\n]+)`", page), *re.findall(r"^#+ (\S+)$", page, re.MULTILINE)}

    assert lint(example.encode()).findings == ()
    assert words_of(DOCUMENT) <= {
        part.removesuffix("[]") for name in names for part in name.split(".")
    }


def words_of(value: Any) -> set[str]:
    """The keys and choices in a shape, at any depth."""
    if isinstance(value, Choice):
        return {*value.values, *value.unsupported}
    if isinstance(value, Block):
        below = (words_of(field.shape) for field in value.fields.values())
        return {*value.fields, *value.unsupported}.union(*below)
    inner = (getattr(value, name, None) for name in ("item", "key", "value", "long", "options"))
    return set().union(*(words_of(one) for one in inner if not isinstance(one, str | None)))


def test_the_schema_is_printed_as_json(kt: Run) -> None:
    """With every key at the top."""
    code, out, _ = kt("policy", "schema")
    assert (0, list(DOCUMENT.fields)) == (code, list(json.loads(out)["properties"]))


def test_diff_says_what_gets_weaker(files: Path, kt: Run) -> None:
    """A line for each change, the effect in front."""
    code, out, _ = kt("policy", "diff", "good.yaml", "warned.yaml")
    assert (0, out) == (
        code,
        (
            '  other     pack.name: "good" becomes "warned"\n'
            "- weaker    policies.chain: safety-filter no longer runs\n"
        ),
    )


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("good.yaml", "warned.yaml", 1),
        ("warned.yaml", "good.yaml", 0),
        ("good.yaml", "good.yaml", 0),
    ],
)
def test_diff_fails_on_weaker_when_asked_to(
    files: Path, kt: Run, before: str, after: str, code: int
) -> None:
    """A gate for reviews."""
    assert code == kt("policy", "diff", before, after, "--fail-on", "weaker")[0]


def test_diff_prints_json(files: Path, kt: Run) -> None:
    """The changes, and how many of each effect."""
    shown = json.loads(kt("policy", "diff", "warned.yaml", "good.yaml", "--json")[1])
    assert shown["summary"] == {"stronger": 1, "weaker": 0, "other": 1}
    assert shown["changes"][1] == {
        "effect": "stronger",
        "path": "policies.chain",
        "message": "policies.chain: safety-filter now runs",
    }


def test_diff_of_stdin_with_itself_is_a_failure(files: Path, kt: Run) -> None:
    """There is only one."""
    message = "kt: stdin can be one of the two policies, not both\n"

    assert kt("policy", "diff", "-", "-") == (2, "", message)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("policy", "explian"), "kt policy explain"),
        (("polcy", "lint"), "kt policy lint"),
        (("policy", "xyzzyq"), None),
        # A command's own word, with a group in front of it that is not its own, or without.
        (("policy", "init"), "kt init"),
        (("policy", "drift"), "kt drift"),
        (("lint", "policies"), "kt policy lint"),
        (("lint",), "kt policy lint"),
        (("tset", "policies"), "kt policy test"),
        (("lint", "test"), "kt policy lint"),
        (("gatway", "run"), "kt gateway run"),
        (("gateway", "init"), "kt init"),
        # One for many, and a slip in a group.
        (("gateway", "list"), "kt gateways list"),
        (("repo", "add"), "kt repos add"),
        (("token",), "kt tokens"),
        (("repos", "lst"), "kt repos list"),
        (("repos", "xyzzyq"), None),
    ],
)
def test_a_slip_in_a_command_is_asked_about(
    files: Path, kt: Run, words: tuple[str, ...], meant: str | None
) -> None:
    """Before the list of them all."""
    done = kt(*words)

    first = done.err.splitlines()[0]
    assert done.code == 2
    assert first.endswith(f"; did you mean {meant!r}?") if meant else "did you mean" not in first


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ("gone.yaml", "kt: gone.yaml: No such file or directory\n"),
        ("bad.yaml", "kt: bad.yaml does not pass kt policy lint; mend that first\n"),
        ("policies", "kt: policies is a directory; name the policy file in it\n"),
    ],
)
def test_diff_of_what_is_no_policy_is_a_failure(
    files: Path, kt: Run, before: str, message: str
) -> None:
    """Nothing can be said about it."""
    assert kt("policy", "diff", before, "good.yaml") == (2, "", message)


@pytest.mark.parametrize(
    ("before", "after", "command"),
    [
        ("HEAD:a.yaml", "good.yaml", "git show HEAD:a.yaml | kt policy diff - good.yaml"),
        ("good.yaml", "v1.0:a b", "git show 'v1.0:a b' | kt policy diff good.yaml -"),
    ],
)
def test_diff_of_a_file_of_a_commit_says_how(
    files: Path, kt: Run, before: str, after: str, command: str
) -> None:
    """Git's own diff takes such names."""
    named = before if ":" in before else after
    message = f"kt: {named}: No such file or directory; for a file of a commit: {command}\n"

    assert kt("policy", "diff", before, after) == (2, "", message)


@pytest.mark.parametrize("template", TEMPLATES)
def test_init_writes_a_policy_without_a_finding(files: Path, kt: Run, template: str) -> None:
    """Named after its directory, with tests, and with comments for whoever goes on from there."""
    code, out, _ = kt("init", "new pack", "--template", template)
    data = (files / "new pack" / "policy-config.yaml").read_bytes()
    report = lint(data)
    assert (code, report.findings) == (0, ())
    assert report.pack is not None
    assert report.pack.name == "new pack"
    assert b"testing:" in data
    assert b"\n# " in data or data.startswith(b"# ")
    assert "kt policy lint" in out


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize(
    ("directory", "named"),
    [("bot", "bot"), ("a/deep.er", "deep.er"), ("New Pack", "new-pack"), ("on", "on"),
     ("2026", "2026"), ("null", "null"), ("日本", "policy")],
)  # fmt: skip
def test_init_names_the_configuration(
    files: Path, kt: Run, template: str, directory: str, named: str
) -> None:
    """By its directory, where that may be an id; so the file can move."""
    kt("init", directory, "--template", template)
    data = (files / directory / "policy-config.yaml").read_bytes()

    report = lint(data, directory=named, authoring=True)

    assert report.pack is not None
    assert (report.pack.id, report.findings) == (named, ())


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_tests_that_init_writes_pass(files: Path, kt: Run, template: str) -> None:
    """A starter shows how a policy is tested, so its own tests must hold."""
    kt("init", "pack", "--template", template)
    code, out, _ = kt("policy", "test", "pack", "--json")
    assert (code, json.loads(out)["ok"]) == (0, True)


def test_init_without_arguments_writes_here(files: Path, kt: Run) -> None:
    """The first template, into the working directory."""
    assert kt("init")[0] == 0
    assert (files / "policy-config.yaml").is_file()


def test_init_overwrites_only_when_told_to(files: Path, kt: Run) -> None:
    """A policy that is there is somebody's work."""
    path = files / "policies" / "a" / "policy-config.yaml"
    before = path.read_text()
    code, _, err = kt("init", "policies/a")
    assert (2, before) == (code, path.read_text())
    assert "--force" in err
    assert kt("init", "policies/a", "--force")[0] == 0
    assert path.read_text() != before


def test_init_where_nothing_can_be_written_is_a_failure(files: Path, kt: Run) -> None:
    """A file stands where the directory would be."""
    code, _, err = kt("init", "good.yaml/x")
    assert (code, err) == (2, "kt: good.yaml/x/policy-config.yaml: Not a directory\n")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("policies/x/policy-config.yaml", "policies/x"),
        ("policy-config.yaml", "."),
        ("a b/policy.YML", "'a b'"),
        ("x.yaml/", "."),
    ],
)
def test_init_takes_no_name_of_a_file(files: Path, kt: Run, given: str, meant: str) -> None:
    """It would be the name of a directory."""
    message = (
        f"kt: {given} is the name of a file; kt init {meant} writes the policy-config.yaml there"
    )

    assert kt("init", given) == (2, "", f"{message}\n")
    assert not (files / given).exists()


def test_every_template_has_a_module() -> None:
    """The table and the folder agree."""
    folder = Path(__file__).parents[3] / "kt" / "cli" / "templates"
    found = {path.stem.replace("_", "-") for path in folder.glob("*.py")} - {"--init--"}
    assert set(TEMPLATES) == found
