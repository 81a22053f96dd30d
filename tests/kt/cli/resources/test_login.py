"""`kt login`, `logout`, `whoami`, and a rotation of one's own token."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kt.cli.client import logins
from tests.kt.cli.answering import Answers
from tests.kt.cli.resources.rows import ID

Run = Callable[..., Any]

TOKEN = {"id": ID, "name": "ada", "role": "editor", "expires_at": None, "sight": None}
WHO = {"token": TOKEN, "actions": ["links.read"]}


@pytest.fixture
def plain(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """A control plane that no variable names."""
    monkeypatch.delenv("KEEPTRUSTS_API_URL")
    monkeypatch.delenv("KEEPTRUSTS_API_TOKEN")
    answers.says("/v1/whoami", WHO)
    return answers


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    """A file as `make run` leaves it."""
    path = tmp_path / "admin-token"
    path.write_text("s3cret\n")
    return str(path)


def test_a_login_is_checked_kept_and_used(kt: Run, plain: Answers, token_file: str) -> None:
    """One command, and those after it need nothing more; the token is never printed."""
    done = kt("login", f"{plain.url}/v1", "--token-file", token_file)
    who = kt("whoami")

    path = logins.path(os.environ)
    assert done == (0, f"logged in to {plain.url} as ada (editor); kept in {path}\n", "")
    assert who.code == 0
    assert [line.split()[:2] for line in who.out.splitlines()[:3]] == [
        ["control_plane", plain.url], ["name", "ada"], ["role", "editor"],
    ]  # fmt: skip
    assert {token for _, token in plain.asked} == {"Bearer s3cret"}
    assert "s3cret" not in done.out + done.err + who.out
    assert json.loads(kt("whoami", "--json").out) == WHO


@pytest.mark.parametrize("given", [["--token-file", "-"], []])
def test_a_token_may_come_by_stdin(
    kt: Run, plain: Answers, monkeypatch: pytest.MonkeyPatch, given: list[str]
) -> None:
    """As from a secret store."""
    monkeypatch.setattr("sys.stdin", io.StringIO("s3cret\n"))

    assert kt("login", plain.url, *given).code == 0
    assert logins.read(os.environ).by_name["default"].token == "s3cret"


def test_a_terminal_is_asked_without_an_echo(
    kt: Run, plain: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the standard library's own prompt."""
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(
        "kt.cli.client.secrets.getpass.getpass", lambda prompt: asked.append(prompt) or "s3cret"
    )

    assert kt("login", plain.url).code == 0
    assert asked == [f"Token for {plain.url}: "]


@pytest.mark.parametrize(
    ("status", "told"),
    [(401, "is it this control plane's token?"), (200, "the answer is not a row")],
)
def test_a_token_that_is_not_taken_is_not_kept(
    kt: Run, plain: Answers, token_file: str, status: int, told: str
) -> None:
    """What was kept before stays."""
    kt("login", plain.url, "--token-file", token_file)
    before = logins.read(os.environ)
    plain.says("/v1/whoami", [], status)
    Path(token_file).write_text("other")

    done = kt("login", plain.url, "--token-file", token_file)

    assert (done.code, done.out, told in done.err) == (2, "", True)
    assert logins.read(os.environ) == before


def test_a_refused_token_is_told_in_one_sentence(kt: Run, plain: Answers, token_file: str) -> None:
    """The control plane's words end in a stop, which goes where more is said."""
    error = {"error": {"code": "not_authenticated", "message": "This token is not known."}}
    plain.says_whole("/v1/whoami", error, 401)

    assert kt("login", plain.url, "--token-file", token_file).err == (
        "kt: GET /v1/whoami: 401 not_authenticated: This token is not known; is it this control"
        " plane's token?\n"
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [("", "is empty"), ("two words", "printable ASCII"), ("tök", "printable ASCII")],
)
def test_what_is_no_token_is_sent_nowhere(
    kt: Run, plain: Answers, token_file: str, content: str, told: str
) -> None:
    """And not repeated."""
    Path(token_file).write_text(content)
    done = kt("login", plain.url, "--token-file", token_file)

    assert (done.code, told in done.err, plain.asked) == (2, True, [])
    assert not content or content not in done.err


def test_several_control_planes_have_names(kt: Run, plain: Answers, token_file: str) -> None:
    """The last one that was logged in to is used, and each by its name."""
    kt("login", plain.url, "--token-file", token_file)
    kt("login", plain.url.replace("127.0.0.1", "localhost"), "--token-file", token_file,
       "--name", "prod")  # fmt: skip

    assert kt("whoami").out.split()[1].startswith("http://localhost:")
    assert kt("whoami", "--login", "default").out.split()[1] == plain.url
    gone = kt("logout")
    assert gone.out.startswith("forgot prod (http://localhost:")
    assert gone.out.endswith(f"; default ({plain.url}) is used now\n")
    assert kt("logout").out == f"forgot default ({plain.url})\n"
    assert kt("logout") == (2, "", "kt: there is no login 'default'\n")


def test_a_logout_may_end_the_token(kt: Run, plain: Answers, token_file: str) -> None:
    """It is forgotten only once it has ended."""
    kt("login", plain.url, "--token-file", token_file)
    refused = kt("logout", "--revoke")
    plain.says(f"DELETE /v1/tokens/{ID}", {**TOKEN, "revoked_at": "2026-01-31T12:00:00Z"})

    assert (refused.code, kt("logout", "--revoke").code) == (2, 0)
    assert [one.path for one in plain.written()] == [f"/v1/tokens/{ID}"] * 2
    assert logins.read(os.environ).by_name == {}


def test_the_token_of_a_login_is_rotated_in_its_place(
    kt: Run, plain: Answers, token_file: str
) -> None:
    """Nobody has to see the new text."""
    kt("login", plain.url, "--token-file", token_file)
    plain.says(f"POST /v1/tokens/{ID}/rotate", {**TOKEN, "token": "n3w"})

    done = kt("tokens", "rotate")

    assert (done.code, "n3w" in done.out) == (0, False)
    assert logins.read(os.environ).by_name["default"].token == "n3w"
    assert plain.written()[0].body == {"overlap_seconds": 3600}
