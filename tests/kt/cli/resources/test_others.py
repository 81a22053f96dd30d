"""Configurations, gateways, tokens, trusts, requests, events and audit on answers of all kinds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kt.cli.client.controlplane import ControlPlane
from kt.cli.client.refusals import RefusedError
from kt.cli.resources.events import following
from tests.kt.cli.answering import Answers
from tests.kt.cli.resources.rows import ID, OTHER, a_configuration, a_request

Run = Callable[..., Any]

ONE = "/v1/configurations/support-bot"
GATEWAY = {"id": "edge-1", "name": "edge-1", "labels": {"region": "eu"}, "bound": "support-bot",
           "configuration": "support-bot"}  # fmt: skip
TOKEN = {"id": ID, "name": "drift script", "role": "ci", "revoked_at": None, "expires_at": None}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "active"),
        ({"status": "archived"}, "archived"),
        ({"overridden": True}, "overridden"),
        ({"overridden": True, "pin": {"reason": "an audit"}}, "pinned"),
        ({"warning": {"code": "refused_in_force", "message": "m"}}, "refused by the present rules"),
    ],
)
def test_a_configuration_says_how_it_is_in_force(
    kt: Run, answers: Answers, more: dict[str, Any], told: str
) -> None:
    """What is strongest is told."""
    answers.says("/v1/configurations", [a_configuration(**more)])

    row = kt("configurations", "list").out.splitlines()[1]
    assert row.startswith(f"support-bot  3        {told}  ")


@pytest.mark.parametrize(
    ("argv", "method", "path", "body"),
    [
        (["pin", "support-bot", "--reason", "an audit"], "POST", f"{ONE}/pin",
         {"reason": "an audit"}),
        (["pin", "support-bot", "--reason", "r", "--version", "2", "--expires-at", "t"], "POST",
         f"{ONE}/pin", {"reason": "r", "version": 2, "expires_at": "t"}),
        (["unpin", "support-bot"], "DELETE", f"{ONE}/pin", None),
        (["rollback", "support-bot", "1", "--note", "n", "--yes"], "POST", f"{ONE}/rollback",
         {"version": 1, "note": "n"}),
    ],
)  # fmt: skip
def test_a_configuration_is_changed_upon_what_was_read(
    kt: Run, answers: Answers, argv: list[str], method: str, path: str, body: Any
) -> None:
    """With the ETag of the row; where a second person is needed, the command is told."""
    answers.says(ONE, a_configuration(), ETag='"9"')
    answers.says(f"{method} {path}", a_configuration(pin={"reason": "an audit"}))
    done = kt("configurations", *argv)
    [asked] = answers.written()
    error = {"code": "second_person_needed", "message": "m"}
    answers.says_whole(f"{method} {path}", {"error": error}, 409)
    refused = kt("configurations", *argv)

    assert done == (0, "support-bot: version 3, pinned\n", "")
    assert (asked.path, asked.body, asked.headers["if-match"]) == (path, body, '"9"')
    assert f"ask for it: kt requests ask configuration.{argv[0]} support-bot" in refused.err


def test_an_id_is_one_segment_of_the_path(kt: Run, answers: Answers) -> None:
    """Whatever somebody types."""
    kt("configurations", "show", "../tokens?x")

    assert answers.requests[0].path == "/v1/configurations/..%2Ftokens%3Fx"


def test_history_diff_and_content_are_shown(kt: Run, answers: Answers, kt_process: Run) -> None:
    """The content byte for byte."""
    version = {"number": 2, "content_hash": "c" * 64, "author": "Ada", "message": "Why\n\nmore",
               "commit": "d" * 40, "created_at": "2026-01-31T12:00:00Z",
               "trace_id": "e" * 32}  # fmt: skip
    answers.says(f"{ONE}/versions", [version])
    changes = [{"effect": "weaker", "message": "less"}, {"effect": "other", "message": "else"}]
    answers.says(f"{ONE}/diff?from=1&to=2", {"changes": changes})
    answers.by_path[f"{ONE}/content"] = 200, {}, b"a: 1\r\n\n"

    assert kt("configurations", "history", "support-bot").out.splitlines()[1].split() == [
        "2", "2026-01-31", "12:00:00Z", "Ada", "dddddddddddd", "cccccccccccc", "Why", "e" * 32,
    ]  # fmt: skip
    diff = kt("configurations", "diff", "support-bot", "--from", "1", "--to", "2")
    assert diff.out == "- weaker    less\n  other     else\n"
    environment = {"KEEPTRUSTS_API_URL": answers.url, "KEEPTRUSTS_API_TOKEN": "x"}
    content = kt_process("configurations", "show", "support-bot", "--content", **environment)
    assert content == (0, "a: 1\r\n\n", "")


def test_a_gateway_is_told_with_what_it_runs(kt: Run, answers: Answers) -> None:
    """Drift says that; a role that may not read it gets the rest."""
    answers.says("/v1/gateways", [GATEWAY])
    seen = {"gateway": "edge-1", "state": "drifted", "why": "it lags", "running_version": 1,
            "desired_version": 3}  # fmt: skip
    answers.says("/v1/drift", [seen])
    whole, other = kt("gateways", "list"), kt("gateways", "list", "--state", "offline")
    answers.says_whole("/v1/drift", {"error": {"code": "permission_denied"}}, 403)
    part = kt("gateways", "list")

    assert whole.out.splitlines()[1].split() == [
        "edge-1", "drifted", "support-bot", "1", "(not", "3)", "region=eu", "it", "lags",
    ]  # fmt: skip
    assert other.out == "no such gateway\n"
    assert (part.code, part.out.splitlines()[1].split()[:3]) == (0, ["edge-1", "-", "support-bot"])


def test_the_token_of_a_gateway_goes_into_a_new_file(
    kt: Run, answers: Answers, tmp_path: Path
) -> None:
    """For its user alone, and onto no terminal; with how to start it."""
    answers.says("POST /v1/gateways", {**GATEWAY, "token": "ktg_x.y"}, 201)
    file = tmp_path / "edge-1.token"
    argv = ("gateways", "add", "edge-1", "--configuration", "support-bot", "--label", "region=eu",
            "--token-file", str(file))  # fmt: skip

    done, again = kt(*argv), kt(*argv)

    assert (done.code, file.read_text(), file.stat().st_mode & 0o777) == (0, "ktg_x.y\n", 0o600)
    assert "ktg_x.y" not in done.out + done.err
    assert f"--api-url {answers.url} --gateway-token-file {file}" in done.out
    assert again == (2, "", f"kt: {file} is there already; name another file\n")
    assert [one.body for one in answers.written()] == [
        {"id": "edge-1", "labels": {"region": "eu"}, "configuration": "support-bot"}
    ]


def test_a_gateway_gets_a_new_token(kt: Run, answers: Answers, tmp_path: Path) -> None:
    """As when its file could not be written."""
    answers.says("/v1/gateways/edge-1", GATEWAY, ETag='"3"')
    answers.says("POST /v1/gateways/edge-1/rotate-token", {**GATEWAY, "token": "ktg_n.w"})

    done = kt("gateways", "rotate", "edge-1", "--token-file", str(tmp_path / "new"))

    assert (done.code, (tmp_path / "new").read_text()) == (0, "ktg_n.w\n")
    assert "ktg_n.w" not in done.out + done.err
    assert answers.written()[0].headers["if-match"] == '"3"'


def test_a_token_that_is_not_made_leaves_no_file(kt: Run, answers: Answers, tmp_path: Path) -> None:
    """Nor one in a folder that is not there, which is found before anything is asked."""
    answers.says_whole("POST /v1/tokens", {"error": {"code": "invalid", "message": "no"}}, 400)

    refused = kt("tokens", "create", "a", "--token-file", str(tmp_path / "a"))
    nowhere = kt("tokens", "create", "a", "--token-file", str(tmp_path / "b" / "a"))

    assert (refused.code, nowhere.code, list(tmp_path.iterdir())) == (2, 2, [])
    assert len(answers.written()) == 1


def test_a_token_may_go_to_stdout_alone(kt: Run, answers: Answers) -> None:
    """For a pipe into a secret store: nothing else is printed there."""
    answers.says("POST /v1/tokens", {**TOKEN, "token": "kt_new"}, 201)
    done = kt(
        "tokens", "create", "drift script", "--role", "ci", "--ids", "team-a-*",
        "--label", "team=a", "--network", "10.0.0.0/8", "--email", "a@b.c", "--token-file", "-",
    )  # fmt: skip

    assert done == (0, "kt_new\n", "")
    assert answers.written()[0].body == {
        "name": "drift script", "role": "ci", "networks": ["10.0.0.0/8"], "emails": ["a@b.c"],
        "sight": {"ids": ["team-a-*"], "labels": {"team": "a"}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("argv", "method", "path", "body"),
    [
        (["bind", "support-bot", "edge-1"], "PATCH", "/v1/gateways/edge-1",
         {"configuration": "support-bot"}),
        (["bind", "support-bot", "--selector", "ring=canary", "--selector", "a=b"], "POST",
         "/v1/gateway-bindings",
         {"configuration": "support-bot", "selector": {"ring": "canary", "a": "b"}}),
        (["unbind", "0f3a"], "DELETE", f"/v1/gateway-bindings/{ID}", None),
        (["remove", "edge-1", "--yes"], "DELETE", "/v1/gateways/edge-1", None),
    ],
)  # fmt: skip
def test_gateways_are_bound_and_removed(
    kt: Run, answers: Answers, argv: list[str], method: str, path: str, body: Any
) -> None:
    """One by its id, or those of a selector."""
    binding = {"id": ID, "configuration": "support-bot", "selector": {"ring": "canary"}}
    answers.says("/v1/gateways/edge-1", GATEWAY)
    answers.says("/v1/gateway-bindings", [binding])
    answers.says(f"/v1/gateway-bindings/{ID}", binding)
    answers.says(f"{method} {path}", GATEWAY if "bindings" not in path else binding)

    done = kt("gateways", *argv)

    assert (done.code, done.err) == (0, "")
    assert [(one.method, one.path, one.body) for one in answers.written()] == [(method, path, body)]


@pytest.mark.parametrize(
    "argv",
    [
        ["gateways", "bind", "a", "--selector", "r=a", "--selector", "r=b"],
        ["gateways", "add", "a", "--label", "r=a", "--label", "r=a", "--token-file", "-"],
        ["tokens", "create", "a", "--label", "r=", "--label", "r=b", "--token-file", "-"],
    ],
)
def test_a_label_is_given_once(kt: Run, answers: Answers, argv: list[str]) -> None:
    """As in the API: which of two is meant nobody knows."""
    assert kt(*argv) == (2, "", "kt: the label 'r' is given twice\n")
    assert answers.requests == []


@pytest.mark.parametrize("argv", [["bind", "a"], ["bind", "a", "b", "--selector", "c=d"]])
def test_a_binding_is_for_one_or_for_a_selector(kt: Run, answers: Answers, argv: list[str]) -> None:
    """Neither and both are refused."""
    assert "name one gateway, or choose some" in kt("gateways", *argv).err
    assert answers.requests == []


def test_a_label_that_is_none_is_refused(kt: Run) -> None:
    """With what one looks like."""
    done = kt("gateways", "bind", "a", "--selector", "canary")

    assert (done.code, "write such as region=eu" in done.err) == (2, True)


def test_a_token_is_revoked_by_its_name(kt: Run, answers: Answers) -> None:
    """Of those that are good: one that ended may have had the same name."""
    ended = {**TOKEN, "id": OTHER, "revoked_at": "2026-01-31T12:00:00Z"}
    answers.says("/v1/tokens", [ended, TOKEN])
    answers.says(f"/v1/tokens/{ID}", TOKEN)
    answers.says(f"DELETE /v1/tokens/{ID}?descendants=true", TOKEN)

    done = kt("tokens", "revoke", "drift script", "--descendants", "--yes")

    assert done == (0, "revoked 0f3a91c2 (drift script, ci)\n", "")
    assert len(kt("tokens", "list").out.splitlines()) == 2
    assert len(kt("tokens", "list", "--all").out.splitlines()) == 3


def test_a_token_is_rotated_into_a_file(kt: Run, answers: Answers, tmp_path: Path) -> None:
    """It is of no login, so a file is needed."""
    answers.says("/v1/tokens", [TOKEN])
    answers.says(f"/v1/tokens/{ID}", TOKEN, ETag='"1"')
    answers.says(f"POST /v1/tokens/{ID}/rotate", {**TOKEN, "token": "n3w"})

    without, own = kt("tokens", "rotate", "0f3a"), kt("tokens", "rotate")
    done = kt("tokens", "rotate", "0f3a", "--token-file", str(tmp_path / "t"), "--overlap", "0")

    assert (without.code, own.code, done.code) == (2, 2, 0)
    assert (tmp_path / "t").read_text() == "n3w\n"
    assert answers.written()[0].body == {"overlap_seconds": 0}


@pytest.mark.parametrize(
    ("argv", "body"),
    [
        (["--repository-id", "1", "--environment", "policies"],
         {"issuer": "https://token.actions.githubusercontent.com", "repository_id": "1",
          "environment": "policies"}),
        (["--project-id", "20", "--ref", "refs/heads/main", "--ids", "a-*", "--role", "editor"],
         {"issuer": "https://gitlab.com", "project_id": "20", "ref": "refs/heads/main",
          "role": "editor", "sight": {"ids": ["a-*"], "labels": {}}}),
        (["--issuer", "https://i.example", "--subject", "s", "--audience", "https://a.example",
          "--max-seconds", "900"],
         {"issuer": "https://i.example", "subject": "s", "audience": "https://a.example",
          "max_seconds": 900}),
    ],
)  # fmt: skip
def test_a_trust_is_made_for_a_job(
    kt: Run, answers: Answers, argv: list[str], body: dict[str, Any]
) -> None:
    """The issuer follows from the forge's number, the audience is the control plane."""
    answers.says("POST /v1/trusts", {"id": ID, "name": "ci", "role": "ci"}, 201)

    assert kt("trusts", "create", "ci", *argv).code == 0
    assert answers.written()[0].body == {
        "name": "ci", "role": "ci", "audience": answers.url, **body,
    }  # fmt: skip


def test_a_trust_is_removed_by_its_name(kt: Run, answers: Answers) -> None:
    """Its answer has no body."""
    answers.says("/v1/trusts", [{"id": ID, "name": "ci"}])
    answers.says(f"/v1/trusts/{ID}", {"id": ID})
    answers.by_path[f"DELETE /v1/trusts/{ID}"] = 204, {}, b""

    assert kt("trusts", "remove", "ci", "--yes") == (0, "removed 0f3a91c2 (ci)\n", "")


@pytest.mark.parametrize(
    ("argv", "body"),
    [
        (["--claim", "groups=a", "--claim", "groups=b=c", "--claim", "hd=x.example"],
         {"claims": {"groups": ["a", "b=c"], "hd": ["x.example"]}, "role": "viewer"}),
        (["--claim", "email=a@x.example", "--role", "editor", "--position", "0", "--ids", "a-*",
          "--network", "10.0.0.0/8"],
         {"claims": {"email": ["a@x.example"]}, "role": "editor", "position": 0,
          "sight": {"ids": ["a-*"], "labels": {}}, "networks": ["10.0.0.0/8"]}),
    ],
)  # fmt: skip
def test_a_rule_of_sign_in_is_made(
    kt: Run, answers: Answers, argv: list[str], body: dict[str, Any]
) -> None:
    """All texts of a claim go together."""
    answers.says("POST /v1/sign-in-rules", {"id": ID, "name": "all", "role": "viewer"}, 201)

    made = kt("sign-in-rules", "add", "all", "--issuer", "https://i.example", *argv)

    assert made == (0, "0f3a91c2 (all) lets them in as viewer\n", "")
    assert answers.written()[0].body == {"name": "all", "issuer": "https://i.example", **body}


@pytest.mark.parametrize("claim", ["groups", "=a", "groups=", ""])
def test_a_claim_that_is_none_is_refused(kt: Run, answers: Answers, claim: str) -> None:
    """Before anything is sent."""
    made = kt("sign-in-rules", "add", "all", "--issuer", "https://i.example", "--claim", claim)

    assert made.code == 2 and "write CLAIM=TEXT" in made.err
    assert answers.written() == []


def test_rules_of_sign_in_are_listed_shown_and_removed(kt: Run, answers: Answers) -> None:
    """In the order in which they count; one is named by its name."""
    claims = {"groups": ["a", "b"], "hd": ["x.example"]}
    row = {"id": ID, "name": "all", "position": 5, "role": "viewer", "claims": claims}
    answers.says("/v1/sign-in-rules", [row, {"id": ID[::-1], "name": "odd", "claims": None}])
    answers.says(f"/v1/sign-in-rules/{ID}", row)
    answers.by_path[f"DELETE /v1/sign-in-rules/{ID}"] = 204, {}, b""

    assert "groups: a, b; hd: x.example" in kt("sign-in-rules", "list").out
    assert "x.example" in kt("sign-in-rules", "show", "all").out
    removed = kt("sign-in-rules", "remove", "all", "--yes")
    assert removed == (0, "removed 0f3a91c2 (all)\n", "")


def test_a_request_is_confirmed_as_it_was_shown(kt: Run, answers: Answers) -> None:
    """What is sent is what was read in this very command."""
    answers.says("/v1/requests/7", a_request())
    answers.says("POST /v1/requests/7/confirm", a_request(state="confirmed"))

    nobody, done = kt("requests", "confirm", "7"), kt("requests", "confirm", "7", "--yes")

    assert (nobody.code, done) == (2, (0, "request 7 is confirmed\n", ""))
    assert [one.body for one in answers.written()] == [{"content_hash": "b" * 64}]


def test_a_change_is_asked_for(kt: Run, answers: Answers) -> None:
    """As the refused command says it."""
    answers.says("POST /v1/requests", a_request(), 202)
    argv = ("requests", "ask", "configuration.pin", "desk", "--reason", "r")

    done = kt(*argv, "--change", '{"reason": "an audit"}')
    wrong = kt(*argv, "--change", "[]")

    assert done.out == ("request 7 is waiting; somebody else confirms it: kt requests confirm 7\n")
    assert answers.written()[0].body == {
        "kind": "configuration.pin", "target": "desk", "reason": "r",
        "change": {"reason": "an audit"},
    }  # fmt: skip
    assert (wrong.code, "must be a JSON object" in wrong.err) == (2, True)


def event(number: int) -> dict[str, Any]:
    """An event of that number."""
    return {
        "id": number, "kind": "failed", "git_repo": ID, "configuration": "",
        "message": f"m{number}\x1b", "created_at": f"2026-01-31T12:00:{number:02}Z",
    }  # fmt: skip


def test_events_are_told_with_the_newest_last(kt: Run, answers: Answers) -> None:
    """As a log is read."""
    answers.says("/v1/events?kind=failed&limit=20", [event(2), event(1)])

    done = kt("events", "--kind", "failed")

    assert done.out.splitlines() == [
        "2026-01-31 12:00:01Z  failed                0f3a91c2  m1\\x1b",
        "2026-01-31 12:00:02Z  failed                0f3a91c2  m2\\x1b",
    ]


@pytest.mark.parametrize("has_ids", [True, False])
def test_events_are_followed_without_a_gap_or_a_repetition(
    answers: Answers, monkeypatch: pytest.MonkeyPatch, has_ids: bool
) -> None:
    """Over pages, also where a narrowed token is shown no ids."""
    rows = [event(number) for number in range(1, 8)]
    if not has_ids:
        rows = [{name: row[name] for name in row if name != "id"} for row in rows]
    looks = [[rows[1], rows[0]], [rows[5], rows[4]], [rows[6], rows[5]]]
    monkeypatch.setattr("kt.cli.resources.events.time.sleep", lambda _: None)
    page = "/v1/events?limit=100"
    answers.in_turn[f"GET {page}"] = [
        (200, {}, json.dumps({"data": look, "next_cursor": "c"}).encode()) for look in looks
    ]
    older = {"data": [rows[3], rows[2], rows[1]], "next_cursor": None}
    answers.says_whole(f"{page}&cursor=c", older)

    heard = following(ControlPlane(answers.url, "x"), {}, rows[:2])

    assert [next(heard)["message"] for _ in range(5)] == [row["message"] for row in rows[2:]]


def test_a_stream_says_when_to_look(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    """And where it ends, or nobody answers, it is asked again after a while."""
    naps: list[float] = []
    monkeypatch.setattr("kt.cli.resources.events.time.sleep", naps.append)
    stream = b"retry: 1000\n\nevent: open\ndata: {}\n\n: ping\n\nevent: event\ndata: {}\nid: x\n\n"
    answers.by_path["/v1/stream?resources=events"] = 200, {}, stream
    looks = [[event(1)], [event(2), event(1)], [event(3), event(2)]]
    page = "GET /v1/events?limit=100"
    answers.in_turn[page] = [(200, {}, json.dumps({"data": look}).encode()) for look in looks]

    heard = following(ControlPlane(answers.url, "x"), {}, [event(1)])

    assert [next(heard)["id"], next(heard)["id"], naps] == [2, 3, []]
    paths = [path for path, _ in answers.asked]
    assert paths == [page.split()[1], "/v1/stream?resources=events", *[page.split()[1]] * 2]
    answers.close()
    with pytest.raises(KeyboardInterrupt):
        _until_it_slept(heard, monkeypatch)


def _until_it_slept(heard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on until the third rest, as somebody who then presses Ctrl-C."""
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("kt.cli.resources.events.time.sleep", nap)
    next(heard)


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_token_that_is_refused_meanwhile_ends_it(
    answers: Answers, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """With the words of the control plane."""
    monkeypatch.setattr("kt.cli.resources.events.time.sleep", lambda _: None)
    answers.says_whole("/v1/events?limit=100", {"error": {"code": "c", "message": "m"}}, status)

    with pytest.raises(RefusedError, match="c: m"):
        next(following(ControlPlane(answers.url, "x"), {}, []))


def test_the_audit_log_is_read_as_far_as_asked(kt: Run, answers: Answers) -> None:
    """Over pages."""
    entry = {"at": "2026-01-31T12:00:00Z", "actor": {"name": "ada"}, "action": "token.created",
             "target": ID, "before": None, "after": {"name": "x"}}  # fmt: skip
    first = "/v1/audit-log?action=token.created&limit=3"
    answers.says_whole(first, {"data": [entry] * 2, "next_cursor": "c"})
    answers.says_whole(f"{first}&cursor=c", {"data": [entry] * 2, "next_cursor": "d"})

    done = kt("audit", "--action", "token.created", "--limit", "3")

    assert len(done.out.splitlines()) == 4
    assert done.out.splitlines()[1].split()[2:] == ["ada", "token.created", ID, "name=x"]


def test_an_earlier_version_is_shown(kt: Run, answers: Answers) -> None:
    """Where it came from, or its exact bytes."""
    answers.says(f"{ONE}/versions/2", {"number": 2, "commit": "a" * 40, "author": "Ada"})
    answers.by_path[f"{ONE}/versions/2/content"] = 200, {}, b"a: 2\r\n"
    shown = kt("configurations", "show", "support-bot", "--version", "2")
    content = kt("configurations", "show", "support-bot", "--version", "2", "--content")

    assert shown == (0, f"number  2\ncommit  {'a' * 40}\nauthor  Ada\n", "")
    assert content.code == 0
    assert [one.path for one in answers.requests] == [
        f"{ONE}/versions/2", f"{ONE}/versions/2/content",
    ]  # fmt: skip


def test_a_version_that_is_not_there_is_named(kt: Run, answers: Answers) -> None:
    """By the control plane; `kt` says where those are that there are."""
    told = "There is no version 9 of configuration 'support-bot'."
    error = {"error": {"code": "not_found", "message": told}}
    answers.says_whole(f"{ONE}/diff?from=9", error, 404)
    answers.says_whole(f"{ONE}/versions/9", error, 404)
    diff = kt("configurations", "diff", "support-bot", "--from", "9")
    show = kt("configurations", "show", "support-bot", "--version", "9")

    for done in (diff, show):
        assert done.code == 2
        assert (
            f"{told}\n  kt configurations history support-bot has those that there are" in done.err
        )


def test_the_bytes_in_force_go_nowhere_where_stdout_is_closed(
    kt: Run, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As all that is printed."""
    answers.by_path[f"{ONE}/content"] = 200, {}, b"a: 1"
    monkeypatch.setattr("sys.stdout", None)

    assert kt("configurations", "show", "support-bot", "--content").code == 0
