"""Every command on answers that make no sense: an exit code, and never a bug."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from kt.cli.commands.parsing import leaves
from kt.cli.commands.table import COMMANDS
from tests.kt.cli.answering import Answers
from tests.kt.cli.resources.rows import ID

Run = Callable[..., Any]

MEMBERS = (
    "id", "name", "url", "path", "status", "state", "error", "held", "files", "conditions", "pin",
    "warning", "labels", "selector", "findings", "changes", "shows", "asker", "actor", "token",
    "details", "message", "code", "sight", "kind", "hosts", "configuration", "content_hash",
    "version", "number", "commit", "last_commit", "created_at", "expires_at", "revoked_at",
    "next_cursor", "notices", "would_remove", "orphaned_configurations", "actions",
    "configuration_state",
)  # fmt: skip
VALUES: list[Any] = [
    None,
    7,
    True,
    "\x1b[2J\u202e",
    [],
    [7],
    {},
    {"\x1b": 7},
    [{}],
    [[{"a": None}]],
]
ROWS: list[Any] = [{}, *(dict.fromkeys(MEMBERS, value) for value in VALUES)]
# What leads a command as far as it gets: the row that it looks for is there.
NAMED = {"id": ID, "url": "governance-policies", "name": "drift script"}


def whole(row: dict[str, Any]) -> Any:
    """The one that is looked for, which is printed as JSON."""
    return {**row, **NAMED}


FORMS: list[Callable[[dict[str, Any]], Any]] = [
    whole, lambda row: row, lambda row: [row, row], lambda row: [whole(row)],
]  # fmt: skip
EXAMPLES = [
    leaf.words
    for command in COMMANDS
    if command.module.startswith(("kt.cli.resources", "kt.cli.apply"))
    for leaf in leaves(command)
]


def argv_of(words: tuple[str, ...], folder: Path) -> list[str]:
    """The example of a command, with answers to its questions and files of its own."""
    [leaf] = [one for row in COMMANDS for one in leaves(row) if one.words == words]
    argv = shlex.split(leaf.example)[1:]
    options = {option for action in leaf.parser._actions for option in action.option_strings}
    argv += ["--yes"] if "--yes" in options and "--yes" not in argv else []
    argv += ["--wait", "1"] if "--wait" in options else []
    argv = [word for word in argv if word != "--follow"]
    if "--token-file" in argv:
        argv[argv.index("--token-file") + 1] = str(folder / "a-token")
    return argv


@pytest.mark.parametrize("words", EXAMPLES, ids=" ".join)
def test_answers_that_make_no_sense_end_no_command_in_a_bug(
    kt: Run,
    answers: Answers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    """And nothing of them steers the terminal, as a table or as JSON."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kt.cli.resources.watching.time.sleep", lambda _: None)
    monkeypatch.setattr("kt.cli.resources.watching._AT_ONCE_SECONDS", 0)
    monkeypatch.setenv("FORGE_TOKEN", "s3cret")
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "admin-token").write_text("s3cret")
    (tmp_path / "keeptrusts.yaml").write_text("git_repos: []\ngateways: [{id: edge-1}]\n")
    argv = argv_of(words, tmp_path)
    for row, form in product(ROWS, FORMS):
        answers.otherwise = 200, {}, json.dumps({**row, "data": form(row)}).encode()
        (tmp_path / "a-token").unlink(missing_ok=True)
        done = kt(*argv, *(["--json"] if form is whole else []))
        assert done.code in (0, 1, 2)
        assert not {"\x1b", "\u202e"} & set(done.out + done.err)
