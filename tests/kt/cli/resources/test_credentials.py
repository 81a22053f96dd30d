"""`kt credentials`: where secrets come from, and what is sent of them and shown."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kt.cli.answering import Answers
from tests.kt.cli.resources.rows import ID, OTHER, a_link

Run = Callable[..., Any]

PATH = "/v1/git-credentials"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
ROW = {
    "id": ID, "name": "policies", "kind": "token", "hosts": ["forge.example"], "username": "",
    "authorization": "basic", "known_hosts": "", "public_key": "", "fingerprint": "",
    "client_certificate": "", "client_certificate_expires_at": None,
    "expires_at": "2999-01-01T00:00:00Z", "expiring": True, "git_repos": 2,
    "created_at": "2026-01-31T12:00:00Z", "updated_at": "2026-01-31T12:00:00Z",
}  # fmt: skip
ADD = ("credentials", "add", "policies", "--host", "forge.example")


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with files of secrets, one of them written on Windows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FORGE_TOKEN", "by-env")
    monkeypatch.setenv("EMPTY", "")
    for name, content in (("token", "by-file\r\n"), ("key", KEY), ("hosts", "h ssh-ed25519 A\n"),
                          ("chain", "PEM\n"), ("empty", "\n")):  # fmt: skip
        (tmp_path / name).write_bytes(content.encode())
    return tmp_path


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    ("argv", "body"),
    [
        (["--token-env", "FORGE_TOKEN"], {"kind": "token", "token": "by-env"}),
        (["--token-file", "token", "--authorization", "bearer", "--expires-at", "t"],
         {"kind": "token", "token": "by-file", "authorization": "bearer", "expires_at": "t"}),
        (["--token-file", "-"], {"kind": "token", "token": "by-stdin"}),
        (["--kind", "basic", "--username", "u", "--password-file", "-"],
         {"kind": "basic", "username": "u", "password": "by-stdin"}),
        (["--kind", "ssh", "--private-key-file", "key", "--passphrase-env", "FORGE_TOKEN",
          "--known-hosts", "hosts"],
         {"kind": "ssh", "private_key": KEY, "passphrase": "by-env",
          "known_hosts": "h ssh-ed25519 A\n"}),
        (["--kind", "tls", "--client-certificate", "chain", "--client-key-file", "key"],
         {"kind": "tls", "client_certificate": "PEM\n", "client_key": KEY}),
        (["--kind", "app", "--app-id", "5", "--installation-id", "6", "--private-key-file", "key",
          "--app-api-url", "https://x.example/api/v3"],
         {"kind": "app", "app_id": "5", "installation_id": "6", "private_key": KEY,
          "api_url": "https://x.example/api/v3"}),
    ],
)  # fmt: skip
def test_a_secret_comes_from_a_file_stdin_or_a_variable(
    kt: Run, answers: Answers, monkeypatch: pytest.MonkeyPatch, argv: list[str],
    body: dict[str, Any],
) -> None:  # fmt: skip
    """A token without the line break that an editor put behind it, a key as it is."""
    monkeypatch.setattr("sys.stdin", io.StringIO("by-stdin\n"))
    answers.says(f"POST {PATH}", {**ROW, "fingerprint": "SHA256:abc"}, 201)

    done = kt(*ADD, *argv)

    assert done == (
        0, "0f3a91c2 (policies, token) goes to forge.example; its key is SHA256:abc\n", ""
    )  # fmt: skip
    assert answers.written()[0].body == {"name": "policies", "hosts": ["forge.example"], **body}


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    ("argv", "told"),
    [
        ([], "give --token-file F or --token-env NAME"),
        (["--kind", "ssh"], "give --private-key-file F or --private-key-env NAME"),
        (["--kind", "app"], "give --private-key-file F or --private-key-env NAME"),
        (["--token-env", "EMPTY"], "the variable EMPTY is not set"),
        (["--token-env", "NO_SUCH"], "the variable NO_SUCH is not set"),
        (["--token-file", "empty"], "empty: there is no secret in it"),
        (["--token-file", "no-such"], "no-such: No such file or directory"),
        (["--token-file", "-"], "stdin: there is no secret in it"),
        (["--kind", "ssh", "--private-key-file", "-", "--passphrase-file", "-"],
         "only one secret can come from stdin"),
        (["--token-file", "token", "--token-env", "FORGE_TOKEN"], "not allowed with"),
        (["--token", "s3cret"], "--token"),
    ],
)  # fmt: skip
def test_nothing_is_asked_without_a_secret(
    kt: Run, answers: Answers, monkeypatch: pytest.MonkeyPatch, argv: list[str], told: str
) -> None:
    """And no option takes one."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    done = kt(*ADD, *argv)

    assert (done.code, told in done.err, answers.requests) == (2, True, [])


def test_a_secret_of_one_line_is_asked_for_on_a_terminal(
    kt: Run, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unseen; who types nothing has not made one."""
    typed = ["typed", ""]
    monkeypatch.setattr("kt.cli.client.secrets.is_terminal", lambda _: True)
    monkeypatch.setattr("getpass.getpass", lambda _: typed.pop(0))
    answers.says(f"POST {PATH}", ROW, 201)

    done, nothing = kt(*ADD), kt(*ADD)

    assert (done.code, answers.written()[0].body["token"]) == (0, "typed")
    assert nothing == (2, "", "kt: nothing was typed\n")


def test_credentials_are_listed_and_shown_with_their_links(kt: Run, answers: Answers) -> None:
    answers.says(PATH, [ROW, {**ROW, "id": OTHER, "name": "deploy", "expiring": False}])
    answers.says(f"{PATH}?kind=ssh", [])
    answers.says("/v1/git-repos?credential=policies", [a_link()])

    rows = kt("credentials", "list").out.splitlines()
    shown = kt("credentials", "show", "policies")

    assert rows[1].split() == [
        "0f3a91c2", "policies", "token", "forge.example", "2", "2999-01-01", "00:00:00Z",
        "expiring",
    ]  # fmt: skip
    assert rows[2].split()[-1] == "-"
    assert kt("credentials", "list", "--kind", "ssh").out.startswith("no credential;")
    assert ["hosts", "forge.example"] in [line.split() for line in shown.out.splitlines()]
    assert shown.out.splitlines()[-1].split()[1] == "https://forge.example/org/policies.git"


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    ("argv", "body"),
    [
        (["--token-env", "FORGE_TOKEN"], {"token": "by-env"}),
        (["--host", "a", "--host", "b:8443", "--token-file", "token"],
         {"hosts": ["a", "b:8443"], "token": "by-file"}),
        (["--name", "other", "--never-expires"], {"name": "other", "expires_at": None}),
        (["--no-client-certificate"], {"client_certificate": None}),
        (["--username", ""], {"username": ""}),
    ],
)  # fmt: skip
def test_a_credential_is_edited_upon_what_was_read(
    kt: Run, answers: Answers, argv: list[str], body: dict[str, Any]
) -> None:
    """By its name, with the ETag of the row, and with what was given alone."""
    answers.says(PATH, [ROW])
    answers.says(f"{PATH}/{ID}", ROW, ETag='"5"')
    answers.says(f"PATCH {PATH}/{ID}", ROW)

    done = kt("credentials", "edit", "policies", *argv)

    [asked] = answers.written()
    assert done == (0, "0f3a91c2 (policies, token) is changed for 2 links\n", "")
    assert (asked.body, asked.headers["if-match"]) == (body, '"5"')


def test_an_edit_of_nothing_is_refused(kt: Run, answers: Answers) -> None:
    assert "nothing to change" in kt("credentials", "edit", "policies").err
    assert answers.requests == []


def test_a_credential_is_removed_once_no_link_uses_it(kt: Run, answers: Answers) -> None:
    """Asked about; what is in use is refused in the control plane's words."""
    answers.says(PATH, [ROW])
    answers.says(f"{PATH}/{ID}", ROW, ETag='"5"')
    answers.says(f"DELETE {PATH}/{ID}", {"id": ID})

    unasked = kt("credentials", "remove", "policies")
    done = kt("credentials", "remove", "policies", "--yes")
    error = {"code": "in_use", "message": "2 links use it"}
    answers.says_whole(f"DELETE {PATH}/{ID}", {"error": error}, 409)
    refused = kt("credentials", "remove", "policies", "--yes")

    assert (unasked.code, "give --yes" in unasked.err) == (2, True)
    assert done == (0, "removed 0f3a91c2 (policies, token)\n", "")
    assert (refused.code, "in_use: 2 links use it" in refused.err) == (2, True)
