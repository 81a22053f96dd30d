"""`kt apply` and `kt export` on a server that answers what it is told to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kt.cli.answering import Answers
from tests.kt.cli.apply.test_plan import URL, a_live

Run = Callable[..., Any]

FILE = f"""\
git_repos:
  - url: {URL}
    suspended: true
    access_token: {{env: FORGE_TOKEN}}
gateways:
  - id: edge-1
    labels: {{region: eu}}
  - id: edge-2
    token_file: edge-2.token
"""
LINK = a_live("git_repos", suspended=True, has_access_token=True)


@pytest.fixture
def folder(answers: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the file, beside a control plane that has one gateway of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FORGE_TOKEN", "f0rge")
    (tmp_path / "keeptrusts.yaml").write_text(FILE)
    gateway = a_live("gateways")
    answers.says("/v1/git-repos", [])
    answers.says("/v1/gateways", [gateway, a_live("gateways", id="old", name="old")])
    answers.says("/v1/gateways/edge-1", gateway, ETag='"5"')
    answers.says("/v1/gateways/old", a_live("gateways", id="old", name="old"))
    answers.says("POST /v1/git-repos", LINK, 201)
    answers.says("PATCH /v1/gateways/edge-1", {**gateway, "labels": {"region": "eu"}})
    answers.says("POST /v1/gateways", {**a_live("gateways", id="edge-2"), "token": "ktg_x"}, 201)
    answers.says("DELETE /v1/gateways/old", {})
    return tmp_path


PLAN = f"""\
+ git_repos  {URL} (HEAD, all of it)
    url: {URL}
    suspended: yes
    access_token: from env FORGE_TOKEN
~ gateways  edge-1
    labels: - -> region=eu
+ gateways  edge-2
    id: edge-2
"""


def test_a_dry_run_shows_the_plan_and_changes_nothing(
    kt: Run, folder: Path, answers: Answers
) -> None:
    """1 where something would change; what is not in the file is told."""
    done = kt("apply", "--dry-run")

    assert (done.code, done.out) == (1, PLAN)
    assert done.err == "1 of gateways are not in the file; --prune removes them\n"
    assert answers.written() == []
    changes = json.loads(kt("apply", "--dry-run", "--json").out)["changes"]
    assert [(one["action"], one["kind"]) for one in changes] == [
        ("create", "git_repos"), ("update", "gateways"), ("create", "gateways"),
    ]  # fmt: skip


def test_the_plan_is_made_true(kt: Run, folder: Path, answers: Answers) -> None:
    """Each change upon what was read; the secret is sent and shown nowhere."""
    done = kt("apply", "--yes")

    assert (done.code, done.out) == (0, PLAN)
    assert "f0rge" not in done.out + done.err
    assert [(one.method, one.path, one.body) for one in answers.written()] == [
        ("POST", "/v1/git-repos", {"url": URL, "suspended": True, "access_token": "f0rge"}),
        ("PATCH", "/v1/gateways/edge-1", {"labels": {"region": "eu"}}),
        ("POST", "/v1/gateways", {"id": "edge-2"}),
    ]
    assert answers.written()[1].headers["if-match"] == '"5"'
    token = folder / "edge-2.token"
    assert (token.read_text(), token.stat().st_mode & 0o777) == ("ktg_x\n", 0o600)


def test_what_is_as_the_file_has_it_is_left_alone(
    kt: Run, folder: Path, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No secret is needed for that, and nobody is asked."""
    monkeypatch.delenv("FORGE_TOKEN")
    answers.says("/v1/git-repos", [LINK])
    edges = [a_live("gateways", labels={"region": "eu"}), a_live("gateways", id="edge-2",
             name="edge-2")]  # fmt: skip
    answers.says("/v1/gateways", edges)

    assert kt("apply") == (0, "nothing to do\n", "")
    assert kt("apply", "--dry-run").code == 0


def test_what_the_file_does_not_have_goes_when_that_is_asked_for(
    kt: Run, folder: Path, answers: Answers
) -> None:
    """At the end, after what is made."""
    done = kt("apply", "--yes", "--prune")

    assert done.code == 0
    assert done.out.endswith("- gateways  old\n")
    assert answers.written()[-1][:2] == ("DELETE", "/v1/gateways/old")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder, monkeypatch: monkeypatch.delenv("FORGE_TOKEN"),
         "the variable FORGE_TOKEN is not set"),
        (lambda folder, monkeypatch: (folder / "edge-2.token").write_text(""),
         "edge-2.token is there already"),
        (lambda folder, monkeypatch: (folder / "keeptrusts.yaml").write_text(
            FILE.replace("    token_file: edge-2.token\n", "")),
         "line 8: edge-2 is new, and its token is shown once"),
        (lambda folder, monkeypatch: (folder / "keeptrusts.yaml").write_text(
            FILE.replace("env: FORGE_TOKEN", "file: gone")), "gone: No such file"),
    ],
)  # fmt: skip
def test_what_is_missing_is_found_before_the_first_change(
    kt: Run, folder: Path, answers: Answers, monkeypatch: pytest.MonkeyPatch, spoil: Any, told: str
) -> None:
    """Nothing is done by halves for that."""
    spoil(folder, monkeypatch)
    done = kt("apply", "--yes")

    assert (done.code, told in done.err, answers.written()) == (2, True, [])


def test_nobody_is_passed_over(
    kt: Run, folder: Path, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a terminal `--yes` is needed; on one the answer counts."""
    alone = kt("apply")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin.readline", lambda: "no\n", raising=False)
    refused = kt("apply", "--prune")

    assert (alone.code, refused.code, answers.written()) == (2, 1, [])
    assert "Make 3 changes? Nobody can be asked here: give --yes" in alone.err
    assert "Make 4 changes? 1 of them remove something." in refused.err


def test_a_failure_says_what_was_done_and_what_was_not(
    kt: Run, folder: Path, answers: Answers
) -> None:
    """In the server's words; the next run goes on from there."""
    error = {"code": "second_person_needed", "message": "It is under four eyes."}
    answers.says_whole("PATCH /v1/gateways/edge-1", {"error": error}, 409)

    done = kt("apply", "--yes")

    assert done.code == 2
    assert done.err.splitlines()[2:] == [
        (
            "kt: ~ gateways edge-1: PATCH /v1/gateways/edge-1: 409 second_person_needed: It is"
            " under four eyes."
        ),
        (
            "  ask for it: kt requests ask gateway.edit edge-1 --change"
            """ '{"labels": {"region": "eu"}}' --reason '…'"""
        ),
        "  done before:",
        f"    + git_repos {URL} (HEAD, all of it)",
        "  not tried:",
        "    + gateways edge-2",
        "  apply again to go on from there",
    ]
    assert not (folder / "edge-2.token").exists()


def test_a_row_that_changed_meanwhile_is_not_overwritten(
    kt: Run, folder: Path, answers: Answers
) -> None:
    """The plan that somebody agreed to was another one."""
    answers.says("/v1/gateways/edge-1", a_live("gateways", labels={"region": "us"}))
    done = kt("apply", "--yes")

    assert (done.code, "somebody changed it since the plan was made" in done.err) == (2, True)
    assert [one.method for one in answers.written()] == ["POST"]


def test_a_row_that_is_another_by_now_is_not_removed(
    kt: Run, folder: Path, answers: Answers
) -> None:
    """Whatever of it changed."""
    answers.says("/v1/gateways/old", a_live("gateways", id="old", name="new"))
    done = kt("apply", "--yes", "--prune")

    assert (done.code, "- gateways old: somebody changed it" in done.err) == (2, True)
    assert "DELETE" not in [one.method for one in answers.written()]


def test_a_gateway_is_bound_by_a_request_of_its_own_kind(
    kt: Run, folder: Path, answers: Answers
) -> None:
    """One that an editor may ask for."""
    (folder / "keeptrusts.yaml").write_text("gateways:\n  - {id: edge-1, configuration: bot}\n")
    error = {"code": "second_person_needed", "message": "m"}
    answers.says_whole("PATCH /v1/gateways/edge-1", {"error": error}, 409)

    assert "ask for it: kt requests ask gateway.bind edge-1 " in kt("apply", "--yes").err


def test_what_is_kept_otherwise_is_told(kt: Run, folder: Path, answers: Answers) -> None:
    """As a floor of intervals: the file should say what is there."""
    answers.says("PATCH /v1/gateways/edge-1", a_live("gateways", labels={"region": "EU"}))
    done = kt("apply", "--yes")

    assert done.code == 0
    assert "note: edge-1: labels is region=EU there; write that\n" in done.err


TELLING = """\
forge_credentials:
  - {name: f, forge: github, token: {env: FORGE_TOKEN}}
notification_endpoints:
  - name: on call
    kinds: [failed, held]
    url: {file: url}
    secret_file: whsec
  - {name: chat, form: slack, url: {file: url}}
"""


def test_who_is_told_is_made_as_the_file_has_it(kt: Run, folder: Path, answers: Answers) -> None:
    """The url and the token are sent and not shown; the secret that signs goes into a new file."""
    (folder / "keeptrusts.yaml").write_text(TELLING)
    (folder / "url").write_text("https://hooks.example/s3cret\n")
    old = a_live("notification_endpoints", name="old")
    for path, rows in (("forge-credentials", []), ("notification-endpoints", [old])):
        answers.says(f"/v1/{path}", rows)
        answers.says(f"POST /v1/{path}", {"id": "1", "secret": "whsec_x"}, 201)
    answers.says(f"/v1/notification-endpoints/{old['id']}", old, ETag='"5"')
    answers.says(f"DELETE /v1/notification-endpoints/{old['id']}", {})

    shown = kt("apply", "--dry-run")
    done = kt("apply", "--yes", "--prune")

    assert (shown.code, done.code, done.out.splitlines()) == (
        1, 0, [*shown.out.splitlines(), "- notification_endpoints  old"],
    )  # fmt: skip
    for secret in ("s3cret", "f0rge", "whsec_x"):
        assert secret not in shown.out + shown.err + done.out + done.err
    assert [(one.method, one.path, one.body) for one in answers.written()] == [
        ("POST", "/v1/forge-credentials", {"name": "f", "forge": "github", "token": "f0rge"}),
        ("POST", "/v1/notification-endpoints",
         {"name": "on call", "kinds": ["failed", "held"], "url": "https://hooks.example/s3cret"}),
        ("POST", "/v1/notification-endpoints",
         {"name": "chat", "form": "slack", "url": "https://hooks.example/s3cret"}),
        ("DELETE", f"/v1/notification-endpoints/{old['id']}", None),
    ]  # fmt: skip
    secret_file = folder / "whsec"
    assert (secret_file.read_text(), secret_file.stat().st_mode & 0o777) == ("whsec_x\n", 0o600)


def test_a_new_webhook_needs_a_place_for_its_secret(
    kt: Run, folder: Path, answers: Answers
) -> None:
    """Said before anything is made; what only posts to a chat has none."""
    (folder / "keeptrusts.yaml").write_text(TELLING.replace("    secret_file: whsec\n", ""))
    (folder / "url").write_text("https://hooks.example/\n")
    for path in ("forge-credentials", "notification-endpoints"):
        answers.says(f"/v1/{path}", [])

    done = kt("apply", "--yes")

    assert "line 4: on call is new, and its secret is shown once: say with secret_file" in done.err
    assert (done.code, answers.written()) == (2, [])


def test_export_prints_a_file_that_changes_nothing(kt: Run, folder: Path, answers: Answers) -> None:
    """What the role may not read is left out and named."""
    answers.says("/v1/git-repos", [LINK])
    for path in ("git-credentials", "trusts", "sign-in-rules", "notification-endpoints"):
        answers.says_whole(f"/v1/{path}", {"error": {"code": "permission_denied"}}, 403)
    answers.says_whole("/v1/forge-credentials", {"error": {"code": "not_found"}}, 404)
    answers.says("/v1/gateway-bindings", [a_live("gateway_bindings")])
    answers.says("/v1/gateways", [a_live("gateways"), a_live("gateways", id="x", enrolled_by="t")])

    done = kt("export")
    (folder / "out.yaml").write_text(done.out)

    denied, older = "the token's role may not read them", "the control plane is older and has none"
    assert done.err.splitlines() == [
        f"left out, since {why}: {kind}"
        for kind, why in (
            ("git_credentials", denied), ("forge_credentials", older), ("trusts", denied),
            ("sign_in_rules", denied), ("notification_endpoints", denied),
        )
    ]  # fmt: skip
    assert kt("apply", "-f", "out.yaml", "--prune") == (0, "nothing to do\n", "")
    assert kt("export", "--kind", "gateways").out == "gateways:\n- id: edge-1\n"
    assert kt("export", "--kind", "trusts").code == 2
    assert "did you mean 'trusts'" in kt("export", "--kind", "trust").err
