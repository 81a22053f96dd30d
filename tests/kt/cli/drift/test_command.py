"""`kt drift` on a checkout, with answers of all kinds from the control plane."""

from __future__ import annotations

import argparse
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from kt.cli.drift.command import add_arguments
from tests.kt.cli.answering import Answers
from tests.kt.cli.drift.rows import HELD, HERE, LINK
from tests.kt.cli.sarif import told
from tests.support.repo import Repo, policy

Run = Callable[..., tuple[int, str, str]]


def in_force(content: str, **more: Any) -> list[dict[str, Any]]:
    """`/v1/configurations` with one row."""
    digest = sha256(content.encode()).hexdigest()
    return [{"id": "support-bot", "content_hash": digest, "overridden": False, **more}]


def test_links_are_asked_for_where_they_decide(kt: Run, answers: Answers, checkout: Repo) -> None:
    """A hold of a tag's link, whose ids have a prefix, fails no checkout of the branch."""
    rows = [{**in_force(policy("Bot"))[0], "git_repo": "link-1"}]
    answers.says("/v1/drift", [{"configuration": "rel-bot", "gateway": None, "held": HELD}])
    answers.says("/v1/configurations", rows)
    assert kt("drift")[0] == 0
    assert "/v1/git-repos" not in dict(answers.asked)

    answers.says("/v1/configurations", [*rows, {"id": "rel-bot", "git_repo": "link-2"}])
    answers.says("/v1/git-repos", [LINK, {**LINK, "id": "link-2", "id_prefix": "rel-"}])

    code, text, _ = kt("drift", "--path", "policies")

    assert (code, text.splitlines()[1:]) == (
        0, ["no_file      rel-bot: this checkout has no file for it", "1 in_sync, 1 no_file"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("url", "path", "state"),
    [
        (LINK["url"], "policies/gone/policy-config.yaml", "held"),
        (LINK["url"], "other/gone/policy-config.yaml", "no_file"),
        ("https://forge.example/q.git", "policies/gone/policy-config.yaml", "no_file"),
    ],
)
def test_without_links_to_read_versions_tell_whose_a_file_is(
    kt: Run, answers: Answers, checkout: Repo, url: str, path: str, state: str
) -> None:
    """The role `ci` reads no links, and is told what is its checkout's all the same."""
    fed = {**in_force(policy("Bot"))[0], "git_repo": "link-1"}
    answers.says("/v1/configurations", [fed, {"id": "gone", "git_repo": "link-2"}])
    answers.says("/v1/drift", [{"configuration": "gone", "gateway": None, "held": HELD}])
    answers.says("/v1/git-repos", [], 403)
    here = {"repo_url": LINK["url"], "path": "policies/support-bot/policy-config.yaml"}
    answers.says("/v1/configurations/support-bot/versions", [here])
    answers.says("/v1/configurations/gone/versions", [{"repo_url": url, "path": path}])

    code, text, _ = kt("drift", "--path", "policies")

    assert (code, text.split("gone")[0].split()[-1]) == (int(state == "held"), state)


@pytest.mark.parametrize(
    ("url", "path", "state"),
    [
        (LINK["url"], "policies/gone/policy-config.yaml", "orphaned"),
        (LINK["url"], "other/gone/policy-config.yaml", "no_file"),
        ("https://forge.example/q.git", "policies/gone/policy-config.yaml", "no_file"),
    ],
)
def test_what_lost_its_link_is_told_where_its_file_was(
    kt: Run, answers: Answers, checkout: Repo, url: str, path: str, state: str
) -> None:
    """Its versions say from which repository they came; that one alone has it orphaned."""
    fed = {**in_force(policy("Bot"))[0], "git_repo": "link-1"}
    answers.says("/v1/configurations", [fed, {"id": "gone", "git_repo": ""}])
    nobody = {"configuration": "gone", "gateway": None, "state": "orphaned", "why": "no link"}
    answers.says("/v1/drift", [nobody])
    answers.says("/v1/git-repos", [LINK])
    versions = [{"repo_url": "", "path": ""}, {"repo_url": url, "path": path}]
    answers.says("/v1/configurations/gone/versions", versions)

    code, text, _ = kt("drift", "--path", "policies")

    assert (code, text.split("gone")[0].split()[-1]) == (int(state == "orphaned"), state)


def test_what_no_file_feeds_is_told_in_each_format(
    kt: Run, answers: Answers, checkout: Repo
) -> None:
    """There is no file to show it at, so it is the checkout's."""
    gone = {"id": "gone", "content_hash": HERE}
    answers.says("/v1/configurations", [*in_force(policy("Bot")), gone])
    seen = {"configuration": "gone", "gateway": "edge-1", "state": "orphaned", "why": "no file"}
    answers.says("/v1/drift", [{**seen, "configuration_state": "orphaned"}])

    code, text, _ = kt("drift")

    assert code == 1
    assert "orphaned     gone on edge-1: no file\n" in text
    assert "title=orphaned edge-1::gateway edge-1: no file" in kt("drift", "--format", "github")[1]
    assert ET.fromstring(kt("drift", "--format", "junit")[1]).get("failures") == "2"
    assert {one[:3] for one in told(kt("drift", "--format", "sarif")[1])} == {
        ("error", "orphaned", ".")
    }
    assert kt("drift", "--ignore", "orphaned")[0] == 0


@pytest.mark.parametrize(
    ("who", "sight", "state"),
    [
        ("token", {"ids": ["support-*"], "labels": {}}, "unseen"),
        ("trust", {"ids": ["support-bot"], "labels": {}}, "unseen"),
        ("token", {"ids": [], "labels": {"team": "a"}}, "unseen"),
        ("token", {"ids": ["*-bot"], "labels": {}}, "drifted"),
        ("token", None, "drifted"),
    ],
)
def test_what_a_narrowed_token_does_not_see_is_no_drift(
    kt: Run, answers: Answers, checkout: Repo, who: str, sight: Any, state: str
) -> None:
    """Unless a glob of its sight names it: then it would be seen, if it were there."""
    checkout.commit({"policies/rel-bot/policy-config.yaml": policy("Rel")})
    answers.says("/v1/configurations", in_force(policy("Bot")))
    answers.says("/v1/drift", [])
    answers.says("/v1/whoami", {who: {"sight": sight}})

    code, text, _ = kt("drift", "--path", "policies")

    assert (code, text.split("rel-bot")[0].split()[-1]) == (int(state == "drifted"), state)


def test_in_sync_is_0_and_drift_is_1(kt: Run, answers: Answers, checkout: Repo) -> None:
    """With a line for each configuration, and a count."""
    answers.says("/v1/drift", [])
    answers.says("/v1/configurations", in_force(policy("Bot")))
    clean = kt("drift")
    answers.says("/v1/configurations", in_force(policy("Else"), overridden=True))
    drifted = kt("drift")

    assert clean == (0, "in_sync      support-bot\n1 in_sync\n", "")
    assert drifted == (
        1, "overridden   support-bot: changed by the API, not in git\n1 overridden\n", "",
    )  # fmt: skip
    assert kt("drift", "--ignore", "overridden")[0] == 0
    assert {token for _, token in answers.asked} == {"Bearer s3cret"}


def test_a_pin_is_told_with_who_and_why(kt: Run, answers: Answers, checkout: Repo) -> None:
    """It is released otherwise than an override is."""
    pin = {"actor": "on call", "reason": "an audit"}
    answers.says("/v1/drift", [])
    answers.says("/v1/configurations", in_force(policy("Else"), overridden=True, pin=pin))

    assert kt("drift")[1].startswith("overridden   support-bot: pinned by on call: an audit\n")


def test_each_format_tells_the_same(kt: Run, answers: Answers, checkout: Repo) -> None:
    """For programs, for GitHub and for any CI."""
    answers.says("/v1/configurations", in_force(policy("Bot")))
    row = {"configuration": "support-bot", "gateway": "edge-1", "state": "stale", "why": "silent"}
    answers.says("/v1/drift", [row])
    report = json.loads(kt("drift", "--json")[1])
    suites = ET.fromstring(kt("drift", "--format", "junit")[1])

    assert (report["ok"], report["summary"]) == (False, {"in_sync": 1, "stale": 1})
    assert report["rows"][1]["gateway"] == "edge-1"
    assert kt("drift", "--format", "github")[1] == (
        "::error file=policies/support-bot/policy-config.yaml,line=1,col=1,title=stale edge-1"
        "::gateway edge-1: silent\n"
    )
    assert (suites.get("name"), suites.get("failures")) == ("kt drift", "1")
    file = "policies/support-bot/policy-config.yaml"
    assert told(kt("drift", "--format", "sarif")[1]) == [("error", "stale", file, 1, 1)]
    ignoring = kt("drift", "--format", "sarif", "--ignore", "stale")
    assert (ignoring[0], told(ignoring[1])) == (0, [("warning", "stale", file, 1, 1)])


@pytest.mark.parametrize("format_name", ["github", "junit", "sarif"])
def test_paths_are_from_the_root_wherever_it_is_called(
    kt: Run, answers: Answers, checkout: Repo, monkeypatch: pytest.MonkeyPatch, format_name: str
) -> None:
    """A forge looks for the file there."""
    answers.says("/v1/configurations", in_force(policy("Bot")))
    row = {"configuration": "support-bot", "gateway": "edge-1", "state": "stale", "why": "silent"}
    answers.says("/v1/drift", [row])
    monkeypatch.chdir(checkout.clone / "policies" / "support-bot")
    out = kt("drift", "--format", format_name)[1]

    assert re.search(r"""[="]policies/support-bot/policy-config\.yaml[",]""", out)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, b'{"error": {"code": "not_authenticated"}}', "401 not_authenticated"),
        (302, b"", "302"),
        (200, b"nonsense", "no data"),
        (200, b'{"error": {}}', "no data"),
        (200, b'{"data": {}}', "not a list"),
        (200, b'{"data": [1]}', "not a list"),
        (200, b"[" * 100_000, "no data"),
        (503, b"", "503"),
    ],
)
def test_an_answer_that_tells_nothing_is_2(
    kt: Run, answers: Answers, checkout: Repo, status: int, body: bytes, message: str
) -> None:
    """It must not look like one without drift."""
    answers.by_path["/v1/configurations"] = status, {"Location": f"{answers.url}/else"}, body
    answers.says("/else", [])
    code, out, err = kt("drift")

    assert (code, out) == (2, "")
    assert message in err
    assert "s3cret" not in err
    assert [path for path, _ in answers.asked] == ["/v1/configurations"]


def test_a_refused_token_is_named_with_what_the_api_says(
    kt: Run, answers: Answers, checkout: Repo
) -> None:
    """Which variable to change, and why, on one line whatever the answer holds."""
    body = (
        b'{"error": {"code": "authentication_failed", "message": "Not\\u001b[2J known.\\nEver."}}'
    )
    answers.by_path["/v1/configurations"] = 401, {}, body

    _, _, err = kt("drift")

    assert "authentication_failed: Not\\x1b[2J known.\\nEver;" in err
    assert "KEEPTRUSTS_API_TOKEN" in err
    assert len(err.splitlines()) == 1


def test_without_an_answer_it_cannot_tell(
    kt: Run, answers: Answers, checkout: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens, nobody is named, or the token could be read on its way."""
    answers.close()
    silent = kt("drift")
    monkeypatch.setenv("KEEPTRUSTS_API_URL", "http://control.example")
    in_clear = kt("drift")
    monkeypatch.delenv("KEEPTRUSTS_API_TOKEN")
    nobody = kt("drift")

    assert [silent[0], in_clear[0], nobody[0]] == [2, 2, 2]
    assert f"GET {answers.url}/v1/configurations: no answer" in silent[2]
    assert "not https" in in_clear[2]
    assert "KEEPTRUSTS_API_TOKEN" in nobody[2]


def test_without_files_it_cannot_tell(kt: Run, answers: Answers, checkout: Repo) -> None:
    """Nor with two of one id, or one of none."""
    answers.says("/v1/drift", [])
    answers.says("/v1/configurations", [])
    nothing = kt("drift", "--path", "elsewhere")
    checkout.commit({"a/support-bot/policy-config.yaml": policy("Bot")})
    twice = kt("drift")
    checkout.commit({"a/support-bot/policy-config.yaml": None, "A B/policy-config.yaml": policy()})
    nameless = kt("drift", "--path", "A B")

    assert [nothing[0], twice[0], nameless[0]] == [2, 2, 2]
    assert "no policy file there at HEAD" in nothing[2]
    assert "both have the id support-bot" in twice[2]
    assert "directory's name" in nameless[2]


def test_a_blob_that_is_not_there_is_2(kt: Run, answers: Answers, checkout: Repo) -> None:
    """As in a partial clone that cannot reach its origin, or a damaged one."""
    answers.says("/v1/configurations", [])
    answers.says("/v1/drift", [])
    blob = checkout.git("rev-parse", "HEAD:policies/support-bot/policy-config.yaml").strip()
    (Path(checkout.clone) / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    code, out, err = kt("drift")

    assert (code, out) == (2, "")
    assert f"git cat-file: {blob} missing" in err


def test_text_of_the_control_plane_stays_on_its_line(
    kt: Run, answers: Answers, checkout: Repo
) -> None:
    """And commands nobody's terminal."""
    answers.says("/v1/configurations", in_force(policy("Bot")))
    row = {"configuration": "support-bot", "gateway": "e\x1b[2J", "state": "stale", "why": "a\nb"}
    answers.says("/v1/drift", [row])
    out = kt("drift")[1]

    assert "\x1b" not in out
    assert len(out.splitlines()) == 3


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("stael", "no state 'stael'; did you mean 'stale'?"),
        ("stale,", "no state ''; choose from in_sync, "),
        ("stale,melted", "no state 'melted'; choose from in_sync, "),
    ],
)
def test_a_state_that_is_none_is_refused(kt: Run, given: str, told: str) -> None:
    """It would ignore nothing."""
    code, _, err = kt("drift", "--ignore", given)

    assert code == 2
    assert told in err


@pytest.mark.parametrize(
    ("argv", "ignored"),
    [
        ([], []),
        (["--ignore", "stale"], ["stale"]),
        (["--ignore", "stale,offline"], ["stale", "offline"]),
        (["--ignore", "stale, offline", "--ignore=held"], ["stale", "offline", "held"]),
    ],
)
def test_states_to_ignore_are_given_as_the_api_takes_them(
    argv: list[str], ignored: list[str]
) -> None:
    """With commas, or one by one."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    assert parser.parse_args(argv).ignore == ignored
