"""`kt repos` on answers of all kinds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kt.cli.answering import Answers
from tests.kt.cli.resources.rows import COMMIT, HELD, ID, OTHER, a_link

Run = Callable[..., Any]

URL = "https://forge.example/org/policies.git"
FILE = {"path": "policies/a/policy-config.yaml", "configuration": "a", "outcome": "synced",
        "findings": []}  # fmt: skip
FINDING = {"code": "E002", "message": "unknown key 'x'", "suggestion": "did you mean 'y'?",
           "line": 3, "column": 1}  # fmt: skip


@pytest.fixture
def linked(answers: Answers) -> Answers:
    """A control plane with one link that is well."""
    answers.says("/v1/git-repos", [a_link()])
    answers.says(f"/v1/git-repos/{ID}", a_link(), ETag='"4"')
    answers.says(f"/v1/git-repos/{ID}/files", [FILE])
    return answers


def test_a_repository_is_linked_and_its_first_sync_shown(kt: Run, linked: Answers) -> None:
    """One command: what is asked for is the API's, and configurations are made."""
    linked.says("POST /v1/git-repos", a_link(status="pending"), 201)
    linked.says(f"POST /v1/git-repos/{ID}/sync?wait=20", a_link())

    done = kt("repos", "add", URL, "--path", "policies/", "--branch", "main")

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"0f3a91c2  synced  {URL}  aaaaaaaaaaaa  2 synced",
        "OUTCOME  CONFIGURATION  PATH",
        "synced   a              policies/a/policy-config.yaml",
    ]
    assert linked.written()[0].body == {
        "url": URL, "path": "policies/", "branch": "main", "auto_create_configuration": True,
    }  # fmt: skip


def test_what_a_link_is_asked_for_may_be_said_in_full(
    kt: Run, linked: Answers, tmp_path: Path
) -> None:
    """Each option is a field of the API; a token comes from a file and is shown nowhere."""
    for name in ("token", "signers", "keys"):
        (tmp_path / name).write_text(f"{name}-text\n")
    linked.says("POST /v1/git-repos", a_link(suspended=True, status="suspended"), 201)

    done = kt(
        "repos", "add", URL, "--semver", "^1.2", "--access-token-file", str(tmp_path / "token"),
        "--id-prefix", "a-", "--include", "x/**", "--include", "y/**", "--exclude", "z",
        "--interval", "60", "--allowed-signers", str(tmp_path / "signers"),
        "--allowed-openpgp-keys", str(tmp_path / "keys"), "--fail-on", "weaker", "--four-eyes",
        "--adopt", "--prune", "--no-create", "--suspended", "--minimum-coverage", "80",
        "--minimum-killed", "95",
    )  # fmt: skip

    assert (done.code, "token-text" in done.out + done.err) == (0, False)
    assert linked.written()[0].body == {
        "url": URL, "semver": "^1.2", "access_token": "token-text", "id_prefix": "a-",
        "include": ["x/**", "y/**"], "exclude": ["z"], "poll_interval_seconds": 60,
        "allowed_signers": "signers-text\n", "allowed_openpgp_keys": "keys-text\n",
        "fail_on": "weaker", "four_eyes": True, "adopt": True, "prune": True,
        "auto_create_configuration": False, "suspended": True, "minimum_coverage": 80,
        "minimum_killed": 95,
    }  # fmt: skip
    assert len(linked.written()) == 1


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        ({"status": "error", "error": {"code": "auth_failed", "message": "the forge wants a token"},
          "conditions": [{"action": "Give it one."}, {"action": "Give it one."}, {"action": None}]},
         1, ["  auth_failed: the forge wants a token", "  help: Give it one."]),
        ({"status": "held", "held": HELD}, 1,
         ["  held: it removes 9 of 10",
          f"  look at it, then: kt repos confirm 0f3a91c2 {COMMIT}"]),
        ({"files": {"synced": 1, "quarantined": 1}}, 1, []),
        ({"files": {"synced": 1, "missing": 0, "pinned": 1}}, 0, []),
    ],
)  # fmt: skip
def test_a_sync_says_what_came_of_it(
    kt: Run, linked: Answers, more: dict[str, Any], code: int, told: list[str]
) -> None:
    """1 where not all of it is in force, with the reason and what helps."""
    linked.says(f"POST /v1/git-repos/{ID}/sync?wait=20", a_link(**more))
    linked.says(f"/v1/git-repos/{ID}/files", [])

    done = kt("repos", "sync", "0f3a")

    assert (done.code, done.out.splitlines()[1:]) == (code, told)


def test_a_file_that_is_refused_is_told_with_its_place(kt: Run, linked: Answers) -> None:
    """Line and column, and the fix."""
    linked.says(f"/v1/git-repos/{ID}/files", [{**FILE, "findings": [FINDING]}])

    out = kt("repos", "show", URL).out

    assert "  policies/a/policy-config.yaml:3:1: E002: unknown key 'x' (did you mean 'y'?)" in out
    assert "branch                     main" in out or "branch" in out


def test_a_case_to_paste_is_told_in_its_lines(kt: Run, linked: Answers) -> None:
    """What steers a terminal is escaped in each."""
    finding = {**FINDING, "suggestion": "a case:\n- name: x\n  input: {a: \x1b[2J}\n"}
    linked.says(f"/v1/git-repos/{ID}/files", [{**FILE, "findings": [finding]}])

    out = kt("repos", "show", URL).out

    place = "  policies/a/policy-config.yaml:3:1: E002: unknown key 'x'; a case:"
    assert f"{place}\n      - name: x\n        input: {{a: \\x1b[2J}}\n" in out


def test_a_sync_that_nobody_had_time_for_is_waited_for(
    kt: Run, linked: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the link was before is not taken for what came of it."""
    naps: list[float] = []
    monkeypatch.setattr("kt.cli.resources.watching.time.sleep", naps.append)
    later = (202, {}, json.dumps({"data": a_link(status="error")}).encode())
    done = (200, {}, json.dumps({"data": a_link()}).encode())
    linked.in_turn[f"POST /v1/git-repos/{ID}/sync?wait=20"] = [later, done]

    assert kt("repos", "sync", ID).code == 0
    assert naps == [1]


@pytest.mark.parametrize(
    ("word", "rows", "told"),
    [
        ("0f3a", [a_link(), a_link(id=OTHER, url="u")], ""),
        ("policies", [a_link(), a_link(id=OTHER, url="https://x/else.git")], ""),
        ("org/policies", [a_link(), a_link(id=OTHER, url="https://x/else.git")], ""),
        (URL, [a_link(), a_link(id=OTHER, url=f"{URL}/x")], ""),
        ("policies", [a_link(), a_link(id=OTHER)], f"may be each of 0f3a91c2 ({URL}), 7d3a91c2"),
        ("0f3", [a_link()], "there is no '0f3'; kt repos list"),
        ("nobody", [], "there is no 'nobody'; kt repos list"),
    ],
)
def test_a_link_is_named_by_what_tells_it_apart(
    kt: Run, linked: Answers, word: str, rows: list[dict[str, Any]], told: str
) -> None:
    """The beginning of its id, or the end of its url; of two, neither is taken."""
    linked.says("/v1/git-repos", rows)
    done = kt("repos", "show", word, "--json")

    assert (done.code, told in done.err) == (2 if told else 0, True)
    if not told:
        assert json.loads(done.out)["id"] == ID


def test_links_are_listed_as_a_table_and_as_the_api_has_them(kt: Run, linked: Answers) -> None:
    """Text of a server commands nobody's terminal, in either."""
    linked.says("/v1/git-repos", [a_link(url="https://x/\x1b[2J\u202e")])
    table, data = kt("repos", "list"), kt("repos", "list", "--json")

    assert table.out.splitlines()[0].split()[:3] == ["ID", "STATUS", "URL"]
    assert "\\x1b[2J\\u202e" in table.out
    assert json.loads(data.out)[0]["url"] == "https://x/\x1b[2J\u202e"
    assert not {"\x1b", "\u202e"} & set(table.out + data.out)


def test_a_held_commit_is_confirmed_as_it_was_seen(kt: Run, linked: Answers) -> None:
    """By its id, or by whoever is asked; another than the held one is not."""
    linked.says("/v1/git-repos", [a_link(status="held", held=HELD)])
    linked.says(f"POST /v1/git-repos/{ID}/confirm", a_link(status="pending"), 202)
    linked.says(f"POST /v1/git-repos/{ID}/sync?wait=20", a_link())

    other = kt("repos", "confirm", ID, "b" * 40)
    nobody = kt("repos", "confirm", ID)
    named = kt("repos", "confirm", ID, COMMIT[:8])

    assert (other.code, nobody.code, named.code) == (2, 2, 0)
    assert "holds aaaa" in other.err
    assert "give --yes" in nobody.err
    assert linked.written()[0].body == {"commit": COMMIT}


def test_a_link_that_holds_nothing_has_nothing_to_confirm(kt: Run, linked: Answers) -> None:
    """Nothing is sent."""
    assert kt("repos", "confirm", ID) == (2, "", "kt: 0f3a91c2 holds no commit\n")
    assert linked.written() == []


def test_where_a_second_person_is_needed_the_command_that_asks_is_told(
    kt: Run, linked: Answers
) -> None:
    """In the server's words, and ready to be copied."""
    error = {"code": "second_person_needed", "message": "It is under four eyes."}
    linked.says_whole(f"PATCH /v1/git-repos/{ID}", {"error": error}, 409)

    done = kt("repos", "suspend", ID)

    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == [
        f"kt: PATCH /v1/git-repos/{ID}: 409 second_person_needed: It is under four eyes.",
        (
            f"  ask for it: kt requests ask git_repo.edit {ID} --change '{{\"suspended\": true}}'"
            " --reason '…'"
        ),
    ]
    assert linked.written()[0].headers["if-match"] == '"4"'


def test_a_link_is_removed_when_somebody_says_so(
    kt: Run, linked: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal is asked; what stays in force is told."""
    linked.says(f"DELETE /v1/git-repos/{ID}", {"id": ID, "orphaned_configurations": ["a", "b"]})
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    for answer, code in (("n\n", 1), ("\n", 1), ("y\n", 0)):
        monkeypatch.setattr("sys.stdin.readline", lambda answer=answer: answer, raising=False)
        done = kt("repos", "remove", ID)
        assert done.code == code

    assert done.out.endswith("in force with nobody to feed them: a, b\n")
    assert len(linked.written()) == 1


PREVIEW = {"commit": COMMIT, "error": None, "held": None, "would_remove": [],
           "files": [{**FILE, "changes": [{"effect": "weaker", "message": "less"}]}]}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        ({}, 0, "policies/a/policy-config.yaml: weaker: less"),
        ({"error": {"code": "unreachable", "message": "no route"}}, 1, "error: unreachable: no"),
        ({"held": {"reason": "weaker", "message": "it waits"}}, 1, "held: weaker: it waits"),
        ({"files": [{**FILE, "outcome": "quarantined"}]}, 1, "quarantined"),
    ],
)
@pytest.mark.parametrize("command", ["test", "sync"])
def test_a_trial_says_what_would_be(
    kt: Run, linked: Answers, more: dict[str, Any], code: int, told: str, command: str
) -> None:
    """1 where it would not all be in force; nothing is kept."""
    preview = {**PREVIEW, **more}
    linked.says("POST /v1/git-repos/test", preview)
    linked.says(f"POST /v1/git-repos/{ID}/sync?dry_run=true", preview)
    argv = ("test", URL) if command == "test" else ("sync", ID, "--dry-run")

    done = kt("repos", *argv)

    assert (done.code, told in done.out) == (code, True)
    assert json.loads(kt("repos", *argv, "--json").out) == preview


@pytest.mark.parametrize(
    ("given", "body"),
    [
        (["--branch", "next"], {"branch": "next"}),
        (["--path", "", "--semver", "^1.2"], {"path": "", "semver": "^1.2"}),
        (["--interval", "60", "--fail-on", "weaker"],
         {"poll_interval_seconds": 60, "fail_on": "weaker"}),
        (["--fail-on", "", "--credential", "", "--access-token-file", "", "--allowed-signers", ""],
         {"fail_on": "", "credential": "", "access_token": "", "allowed_signers": ""}),
        (["--include", "a/**", "--include", "b"], {"include": ["a/**", "b"]}),
        (["--include", ""], {"include": []}),
        (["--minimum-coverage", "0", "--minimum-killed", "100"],
         {"minimum_coverage": 0, "minimum_killed": 100}),
        (["--four-eyes", "--no-prune", "--create", "--no-adopt"],
         {"four_eyes": True, "prune": False, "auto_create_configuration": True, "adopt": False}),
        (["--url", "https://forge.example/else.git"], {"url": "https://forge.example/else.git"}),
    ],
)  # fmt: skip
def test_of_a_link_is_edited_what_is_named(
    kt: Run, linked: Answers, given: list[str], body: dict[str, Any]
) -> None:
    """Upon what was read, and nothing else; an empty text takes away."""
    linked.says(f"PATCH /v1/git-repos/{ID}", a_link())

    done = kt("repos", "edit", "policies", *given)
    [asked] = linked.written()

    assert (done.code, done.err) == (0, "")
    assert (asked.body, asked.headers["if-match"]) == (body, '"4"')


def test_an_edit_that_names_nothing_is_none(kt: Run, linked: Answers) -> None:
    """Nobody is asked."""
    done = kt("repos", "edit", "policies")

    assert (done.code, linked.requests) == (2, [])
    assert "name what is to be changed" in done.err


def test_no_secret_stands_in_the_command_that_asks_for_an_edit(
    kt: Run, linked: Answers, tmp_path: Path
) -> None:
    """A request has none either."""
    (tmp_path / "token").write_text("s3cret\n")
    error = {"error": {"code": "second_person_needed", "message": "m"}}
    linked.says_whole(f"PATCH /v1/git-repos/{ID}", error, 409)
    plain = kt("repos", "edit", "policies", "--path", "p/")
    secret = kt("repos", "edit", "policies", "--access-token-file", str(tmp_path / "token"))

    assert f"kt requests ask git_repo.edit {ID} --change" in plain.err
    assert (secret.code, "s3cret" in secret.err, "ask for it" in secret.err) == (2, False, False)


@pytest.mark.parametrize("verb", [("add", URL), ("edit", "policies")])
@pytest.mark.parametrize("option", ["--allowed-signers", "--allowed-openpgp-keys"])
def test_an_empty_file_of_signers_is_no_wish_for_none(
    kt: Run, linked: Answers, tmp_path: Path, verb: tuple[str, str], option: str
) -> None:
    """It would take the check away, or never have it."""
    (tmp_path / "signers").write_text("\n")
    done = kt("repos", *verb, option, str(tmp_path / "signers"))

    assert (done.code, linked.written()) == (2, [])
    assert done.err.endswith("signers: there is nothing in it\n")
