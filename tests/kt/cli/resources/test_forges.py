"""`kt forge-credentials` and `kt commit-status`: what is sent, and what is shown."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kt.cli.answering import Answers
from tests.kt.cli.resources.rows import ID, OTHER, a_link

Run = Callable[..., Any]

PATH = "/v1/forge-credentials"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"
ROW = {
    "id": ID, "name": "telling", "forge": "github", "kind": "token",
    "api_url": "https://api.github.com", "hosts": ["github.com"], "status_name": "keeptrusts",
    "username": "", "app_id": "", "installation_id": "", "fingerprint": "", "git_repos": 2,
    "failing": 1, "paused_until": None, "created_at": "2026-01-31T12:00:00Z",
    "updated_at": "2026-01-31T12:00:00Z",
}  # fmt: skip
ADD = ("forge-credentials", "add", "telling", "--forge", "github")
LINK = a_link()
STATUS_PATH = f"/v1/git-repos/{ID}/commit-status"
STATUS = {
    "git_repo": ID, "url": LINK["url"], "path": "policies/", "credential": "telling",
    "status_name": "keeptrusts/policies", "commit": "a" * 40, "state": "success",
    "error": {"code": "auth_failed", "message": "It refuses the credential."},
    "action": "Send another.", "error_since": "2026-01-31T12:00:00Z",
}  # fmt: skip


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with files of secrets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FORGE_TOKEN", "by-env")
    monkeypatch.setenv("EMPTY", "")
    for name, content in (("token", "by-file\n"), ("key", KEY), ("empty", "\n")):
        (tmp_path / name).write_text(content)
    return tmp_path


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    ("argv", "body"),
    [
        (["--token-env", "FORGE_TOKEN"], {"kind": "token", "token": "by-env"}),
        (["--token-file", "token", "--host", "a", "--host", "b:8443", "--status-name", "two",
          "--forge-api-url", "https://a/api/v3"],
         {"kind": "token", "token": "by-file", "hosts": ["a", "b:8443"], "status_name": "two",
          "api_url": "https://a/api/v3"}),
        (["--token-file", "-", "--username", "u"],
         {"kind": "token", "token": "by-stdin", "username": "u"}),
        (["--kind", "app", "--app-id", "5", "--installation-id", "6", "--private-key-file", "key"],
         {"kind": "app", "app_id": "5", "installation_id": "6", "private_key": KEY}),
    ],
)  # fmt: skip
def test_a_secret_comes_from_a_file_stdin_or_a_variable(
    kt: Run, answers: Answers, monkeypatch: pytest.MonkeyPatch, argv: list[str],
    body: dict[str, Any],
) -> None:  # fmt: skip
    """As those of git servers."""
    monkeypatch.setattr("sys.stdin", io.StringIO("by-stdin\n"))
    answers.says(f"POST {PATH}", ROW, 201)

    done = kt(*ADD, *argv)

    told = "0f3a91c2 (telling, github) goes to https://api.github.com, for github.com\n"
    assert done == (0, told, "")
    assert answers.written()[0].body == {"name": "telling", "forge": "github", **body}


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    ("argv", "told"),
    [
        ([], "give --token-file F or --token-env NAME"),
        (["--kind", "app"], "give --private-key-file F or --private-key-env NAME"),
        (["--token-env", "EMPTY"], "the variable EMPTY is not set"),
        (["--token-file", "empty"], "empty: there is no secret in it"),
        (["--token-file", "no-such"], "no-such: No such file or directory"),
        (["--token-file", "token", "--token-env", "FORGE_TOKEN"], "not allowed with"),
        (["--token", "s3cret"], "--token"),
    ],
)
def test_nothing_is_asked_without_a_secret(
    kt: Run, answers: Answers, monkeypatch: pytest.MonkeyPatch, argv: list[str], told: str
) -> None:
    """And no option takes one."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    done = kt(*ADD, *argv)

    assert (done.code, told in done.err, answers.requests) == (2, True, [])


def test_a_token_is_asked_for_on_a_terminal(
    kt: Run, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unseen."""
    monkeypatch.setattr("kt.cli.client.secrets.is_terminal", lambda _: True)
    monkeypatch.setattr("getpass.getpass", lambda _: "typed")
    answers.says(f"POST {PATH}", ROW, 201)

    assert kt(*ADD).code == 0
    assert answers.written()[0].body["token"] == "typed"


def test_credentials_are_listed_and_shown(kt: Run, answers: Answers) -> None:
    """With how many links fail with each."""
    answers.says(PATH, [ROW, {**ROW, "id": OTHER, "name": "other", "failing": 0}])
    answers.says(f"{PATH}?forge=gitea", [])

    rows = kt("forge-credentials", "list").out.splitlines()
    shown = kt("forge-credentials", "show", "telling").out.splitlines()

    assert rows[1].split() == [
        "0f3a91c2", "telling", "github", "token", "https://api.github.com", "2", "1", "-",
    ]  # fmt: skip
    assert kt("forge-credentials", "list", "--forge", "gitea").out.startswith("no credential of")
    assert ["failing", "1"] in [line.split() for line in shown]


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    ("argv", "body"),
    [
        (["--token-env", "FORGE_TOKEN"], {"token": "by-env"}),
        (["--name", "other", "--host", "a"], {"name": "other", "hosts": ["a"]}),
        (["--forge-api-url", "https://a/api", "--token-file", "token"],
         {"api_url": "https://a/api", "token": "by-file"}),
    ],
)  # fmt: skip
def test_a_credential_is_edited_upon_what_was_read(
    kt: Run, answers: Answers, argv: list[str], body: dict[str, Any]
) -> None:
    """With the ETag of the row, and with what was given alone; nothing is refused."""
    answers.says(PATH, [ROW])
    answers.says(f"{PATH}/{ID}", ROW, ETag='"5"')
    answers.says(f"PATCH {PATH}/{ID}", ROW)

    done = kt("forge-credentials", "edit", "telling", *argv)
    nothing = kt("forge-credentials", "edit", "telling")

    [asked] = answers.written()
    assert done == (0, "0f3a91c2 (telling, github) is changed for 2 links\n", "")
    assert (asked.body, asked.headers["if-match"]) == (body, '"5"')
    assert (nothing.code, "nothing to change" in nothing.err) == (2, True)


def test_a_credential_is_removed_once_somebody_agreed(kt: Run, answers: Answers) -> None:
    answers.says(PATH, [ROW])
    answers.says(f"{PATH}/{ID}", ROW, ETag='"5"')
    answers.says(f"DELETE {PATH}/{ID}", {"id": ID})

    unasked = kt("forge-credentials", "remove", "telling")
    done = kt("forge-credentials", "remove", "telling", "--yes")

    assert (unasked.code, "give --yes" in unasked.err) == (2, True)
    assert done == (0, "removed 0f3a91c2 (telling, github)\n", "")
    assert [one.headers["if-match"] for one in answers.written()] == ['"5"']


def test_links_that_cannot_be_told_of_are_listed(kt: Run, answers: Answers) -> None:
    """And one is shown, with the code and what helps."""
    answers.says("/v1/commit-statuses", [STATUS, {**STATUS, "git_repo": OTHER, "error": None}])
    answers.says("/v1/commit-statuses?failing=true&credential=telling", [STATUS])
    answers.says("/v1/git-repos", [LINK])
    answers.says(STATUS_PATH, STATUS)

    rows = kt("commit-status", "list").out.splitlines()
    failing = kt("commit-status", "list", "--failing", "--credential", "telling").out.splitlines()
    shown = kt("commit-status", "show", "policies").out

    assert (len(rows), len(failing)) == (3, 2)
    assert rows[1].split()[:7] == [
        ID[:8], LINK["url"], "policies/", "telling", "a" * 12, "success", "auth_failed",
    ]  # fmt: skip
    assert ["action", "Send", "another."] in [line.split() for line in shown.splitlines()]
    assert "auth_failed" in shown


def test_a_link_is_told_or_not(kt: Run, answers: Answers) -> None:
    """By the name of a credential, or by null, upon what was read."""
    answers.says("/v1/git-repos", [LINK])
    answers.says(STATUS_PATH, STATUS, ETag='"5"')
    answers.says(f"PATCH {STATUS_PATH}", STATUS)

    on = kt("commit-status", "on", "policies", "--credential", "telling")
    off = kt("commit-status", "off", "policies")

    assert on == (0, f"the commits of {LINK['url']} are told as keeptrusts/policies\n", "")
    assert off == (0, f"nothing is told of {LINK['url']}\n", "")
    bodies = [(one.body, one.headers["if-match"]) for one in answers.written()]
    assert bodies == [({"credential": "telling"}, '"5"'), ({"credential": None}, '"5"')]
