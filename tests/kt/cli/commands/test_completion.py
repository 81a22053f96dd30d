"""Completion, in the shells that are installed here."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kt.cli.commands.completion import vocabulary
from kt.cli.commands.parsing import leaves
from kt.cli.commands.table import COMMANDS

Run = Callable[..., tuple[int, str, str]]

# Words typed, the last one begun, and what is offered.
TYPED = [
    (["rep"], ["repos"]),
    (
        ["policy", ""],
        ["lint", "test", "mutate", "review", "explain", "diff", "score", "schema"],
    ),
    (["repos", "s"], ["show", "sync", "suspend"]),
    (["repos", "add", "--pa"], ["--path"]),
    (["tokens", "create", "a name", "--ro"], ["--role"]),
    (["drift", "--path", "policies/", "--js"], ["--json"]),
    (["completion", ""], ["bash", "zsh", "fish"]),
    (["run", "--gateway-i"], ["--gateway-id"]),
    (["repos", "show", "x", "nonsense"], []),
]


def test_every_command_and_option_is_known() -> None:
    """As the parsers know them."""
    known = {words.after: set(words.choices) for words in vocabulary()}

    for command in COMMANDS:
        for leaf in leaves(command):
            *before, last = leaf.words
            assert last in known[" ".join(before)]
            options = {word for action in leaf.parser._actions for word in action.option_strings}
            assert options <= known[" ".join(leaf.words)]


@pytest.mark.parametrize(("typed", "offered"), TYPED, ids=lambda one: " ".join(one))
def test_bash_offers_what_may_follow(
    kt: Run, tmp_path: Path, typed: list[str], offered: list[str]
) -> None:
    """By the function that bash itself calls."""
    (tmp_path / "kt.bash").write_text(kt("completion", "bash")[1])
    script = (
        'source "$1"; shift; COMP_WORDS=(kt "$@"); COMP_CWORD=$(($#)); _kt;'
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", str(tmp_path / "kt.bash"), *typed],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert (done.stdout.split(), done.stderr) == (offered, "")


@pytest.mark.skipif(not shutil.which("fish"), reason="there is no fish here")
@pytest.mark.parametrize(("typed", "offered"), TYPED, ids=lambda one: " ".join(one))
def test_fish_offers_what_may_follow(
    kt: Run, tmp_path: Path, typed: list[str], offered: list[str]
) -> None:
    """In an order of its own; options, too, where nothing of a word is typed."""
    (tmp_path / "kt.fish").write_text(kt("completion", "fish")[1])
    line = " ".join(["kt", *(f"'{word}'" if " " in word else word for word in typed)])
    done = subprocess.run(
        ["fish", "--no-config", "-c", 'source kt.fish; complete -C "$argv"', line],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip

    words = [one.split("\t")[0] for one in done.stdout.splitlines()]
    words = sorted(word for word in words if typed[-1] or not word.startswith("-"))
    assert (words, done.stderr) == (sorted(offered), "")


ZSH = """
compdef() { : }
source $1; shift
_describe() { print -l -- ${${(P)2}%%:*} }
_files() { : }
words=(kt "$@"); CURRENT=$#words; _kt
"""


@pytest.mark.skipif(not shutil.which("zsh"), reason="there is no zsh here")
@pytest.mark.parametrize(("typed", "offered"), TYPED, ids=lambda one: " ".join(one))
def test_zsh_offers_what_may_follow(
    kt: Run, tmp_path: Path, typed: list[str], offered: list[str]
) -> None:
    """By what it hands to the function that compares it with what is typed."""
    (tmp_path / "kt.zsh").write_text(kt("completion", "zsh")[1])
    done = subprocess.run(
        ["zsh", "-f", "-c", ZSH, "zsh", str(tmp_path / "kt.zsh"), *typed],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    words = [word for word in done.stdout.split() if word.startswith(typed[-1])]
    assert (words, done.stderr) == (offered, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_one_of_its_shell(kt: Run, tmp_path: Path, shell: str) -> None:
    """The shell reads it without running it."""
    code, script, err = kt("completion", shell)
    path = tmp_path / "script"
    path.write_text(script)

    assert (code, err) == (0, "")
    assert script.startswith("#")
    assert not {"CASES", "LINES", "KNOWN"} & set(script.split())
    if shutil.which(shell):
        subprocess.run([shell, "-n", str(path)], check=True)
