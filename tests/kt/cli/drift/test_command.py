"""`kt drift` on a checkout, with answers of all kinds from the control plane."""

from __future__ import annotations

import argparse
import json
import re
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from kt.cli.drift.checkout import policies
from kt.cli.drift.command import add_arguments
from kt.cli.drift.comparison import CommittedPolicy, Scope, compare, drifts
from tests.kt.cli.sarif import told
from tests.support.httpserver import HTTPServer
from tests.support.repo import Repo, policy

Run = Callable[..., tuple[int, str, str]]
HERE = "a" * 64
THERE = "b" * 64
POLICY = CommittedPolicy("support-bot", "policies/support-bot/policy-config.yaml", HERE)


class Answers:
    """A server on loopback that answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.by_path: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[tuple[str, str]] = []
        answers = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answers.asked.append((self.path, self.headers["authorization"]))
                status, headers, body = answers.by_path.get(self.path, (404, {}, b"{}"))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def says(self, path: str, rows: Any, status: int = 200, **headers: str) -> None:
        """Answer a path with rows under `data`."""
        self.by_path[path] = status, headers, json.dumps({"data": rows}).encode()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """A server that is asked instead of a control plane."""
    server = Answers()
    monkeypatch.setenv("KEEPTRUSTS_API_URL", server.url)
    monkeypatch.setenv("KEEPTRUSTS_API_TOKEN", "s3cret")
    yield server
    server.close()


@pytest.fixture
def checkout(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A repository to stand in."""
    repo.commit({"policies/support-bot/policy-config.yaml": policy("Bot")})
    monkeypatch.chdir(repo.clone)
    return repo


def in_force(content: str, **more: Any) -> list[dict[str, Any]]:
    """`/v1/configurations` with one row."""
    digest = sha256(content.encode()).hexdigest()
    return [{"id": "support-bot", "content_hash": digest, "overridden": False, **more}]


def states(
    configuration: dict[str, Any] | None, *gateways: dict[str, Any]
) -> list[tuple[str, str]]:
    """Gateway and state of each row."""
    known = [] if configuration is None else [{"id": "support-bot", **configuration}]
    seen = [{"configuration": "support-bot", **row} for row in gateways]
    return [(row.gateway, row.state) for row in compare([POLICY], known, seen, scope=Scope())]


def test_equal_hashes_are_in_sync() -> None:
    """Whatever else a row says."""
    assert states({"content_hash": HERE, "overridden": True}) == [("", "in_sync")]


def test_another_hash_is_drift_with_its_cause() -> None:
    """An override, a file that was refused, or something newer or older."""
    refused = {"gateway": None, "git_hash": HERE, "state": "quarantined"}
    assert states({"content_hash": THERE, "overridden": True}) == [("", "overridden")]
    assert states({"content_hash": THERE}, refused) == [("", "quarantined")]
    assert states({"content_hash": THERE}) == [("", "drifted")]
    assert states(None) == [("", "drifted")]


def test_a_gateway_has_the_state_that_the_control_plane_gives_it() -> None:
    """One that this version does not know is none that is clean."""
    rows = [{"gateway": "edge-1", "state": "stale"}, {"gateway": "edge-2", "state": "melted"}]
    found = states({"content_hash": HERE}, *rows)
    assert found == [("", "in_sync"), ("edge-1", "stale"), ("edge-2", "drifted")]


def test_a_configuration_without_a_file_is_told_and_no_drift() -> None:
    """Another repository may feed it; an id without the prefix certainly comes from elsewhere."""
    known = [{"id": "a-one", "content_hash": HERE}, {"id": "b-two", "content_hash": HERE}]
    rows = compare([], known, [], scope=Scope("a-"))
    assert [(row.configuration, row.state) for row in rows] == [("a-one", "no_file")]
    assert not drifts(rows, [])


HELD = {
    "git_repo": "11111111-1111-4111-8111-111111111111",
    "commit": "5c0ffee" + "0" * 33,
    "reason": "mass_removal",
    "message": "4 of 6 configurations would lose their file at once.",
}


def test_a_removal_that_a_link_holds_is_drift() -> None:
    """Git has it removed, and it is in force until somebody confirms; `--ignore held` allows it."""
    known = [{"id": name, "content_hash": HERE} for name in ("gone", "elsewhere")]
    seen = [{"configuration": "gone", "gateway": None, "held": HELD},
            {"configuration": "elsewhere", "gateway": None, "held": None}]  # fmt: skip
    rows = compare([], known, seen, scope=Scope())

    assert [(row.configuration, row.state) for row in rows] == [
        ("gone", "held"),
        ("elsewhere", "no_file"),
    ]
    assert "4 of 6 configurations" in rows[0].why
    assert HELD["git_repo"] in rows[0].why
    assert drifts(rows, [])
    assert not drifts(rows, ["held"])


def test_a_checkout_from_before_a_held_removal_is_in_sync() -> None:
    """The row says all the same what is to come."""
    known = [{"id": "support-bot", "content_hash": HERE}]
    seen = [{"configuration": "support-bot", "gateway": "edge-1", "state": "in_sync", "held": HELD}]
    [row, _] = compare([POLICY], known, seen, scope=Scope())

    assert (row.state, "holds that" in row.why) == ("in_sync", True)


@pytest.mark.parametrize(
    ("state", "of_configuration", "told"),
    [
        ("orphaned", "orphaned", True),
        ("offline", "orphaned", True),
        ("offline", "in_sync", False),
        ("in_sync", None, False),
    ],
)
def test_a_gateway_of_what_no_repository_feeds_is_drift(
    state: str, of_configuration: str | None, told: bool
) -> None:
    """One of what another repository feeds is not this checkout's to tell."""
    seen = {"configuration": "gone", "gateway": "edge-1", "state": state}
    if of_configuration:
        seen["configuration_state"] = of_configuration

    rows = compare([], [{"id": "gone", "content_hash": HERE}], [seen], scope=Scope())

    expected = [("", "orphaned"), ("edge-1", state)] if told else [("", "no_file")]
    assert [(row.gateway, row.state) for row in rows] == expected
    assert drifts(rows, []) == told


LINK = {"id": "link-1", "url": "https://forge.example/p.git", "branch": "main", "id_prefix": ""}


def test_what_lost_its_file_is_orphaned_without_a_gateway_too() -> None:
    """With what helps; what was made by the API, and never came from git, is not."""
    known = [{"id": "gone", "git_repo": "link-1"}, {"id": "left"}, {"id": "made"}]
    seen = [{"configuration": name, "gateway": None, "state": state, "configuration_state": state,
             "why": why}
            for name, state, why in (("gone", "orphaned", "p/x is gone"),
                                     ("left", "orphaned", "its link was deleted"),
                                     ("made", "in_sync", ""))]  # fmt: skip

    rows = compare([], known, seen, scope=Scope(links=[LINK]))

    assert [(row.state, row.why) for row in rows] == [
        (
            "orphaned",
            "p/x is gone; bring its file back, archive the configuration, or set `prune`",
        ),
        (
            "orphaned",
            "its link was deleted; link its repository again, or archive the configuration",
        ),
        ("no_file", "this checkout has no file for it"),
    ]
    assert drifts(rows, [])
    assert not drifts(rows[2:], [])


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({}, True),
        ({"path": "policies/support-bot"}, True),
        ({"path": "other/"}, False),
        ({"id_prefix": "rel-"}, False),
        ({"branch": "", "tag": "v1"}, False),
        ({"url": "https://forge.example/q.git"}, False),
    ],
)
@pytest.mark.parametrize("state", ["held", "orphaned"])
def test_what_this_checkout_cannot_feed_is_not_its_to_tell(
    other: dict[str, str], told: bool, state: str
) -> None:
    """Another link's, by its prefix, path, ref or repository."""
    known = [
        {"id": "support-bot", "content_hash": HERE, "git_repo": "link-1"},
        {"id": "rel-bot", "content_hash": HERE, "git_repo": "link-2"},
    ]
    seen = {"configuration": "rel-bot", "gateway": "edge-1", "state": "in_sync"}
    seen |= {"configuration_state": "orphaned"} if state == "orphaned" else {"held": HELD}
    links = [LINK, {**LINK, "id": "link-2", **other}]

    rows = compare([POLICY], known, [seen], scope=Scope("", "policies", links))

    assert [row.state for row in rows if not row.gateway] == [
        "in_sync",
        state if told else "no_file",
    ]
    assert drifts(rows, []) == told


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


def test_a_state_can_be_ignored() -> None:
    """That one and no other."""
    known = [{"id": "support-bot", "content_hash": THERE, "overridden": True}]
    rows = compare([POLICY], known, [], scope=Scope())
    assert (drifts(rows, []), drifts(rows, ["overridden"]), drifts(rows, ["stale"])) == (
        True, False, True,
    )  # fmt: skip


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


def test_what_is_committed_counts(checkout: Repo) -> None:
    """Not what a checkout makes of it, and not what is edited and not committed."""
    checkout.commit({".gitattributes": "* text eol=crlf\n"})
    path = checkout.clone / "policies/support-bot/policy-config.yaml"
    path.write_bytes(policy("Edited").replace("\n", "\r\n").encode())
    (found,) = policies(".")

    assert (found.path, found.data) == (
        "policies/support-bot/policy-config.yaml", policy("Bot").encode(),
    )  # fmt: skip


def test_a_path_is_seen_from_where_one_stands(
    checkout: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory or a file of any name; the same rule as that of a link."""
    checkout.commit({"other/policy-config.yaml": policy("Other"), "one.yaml": policy("One")})
    monkeypatch.chdir(checkout.clone / "policies")

    def found(path: str) -> list[str]:
        return [one.path for one in policies(path)]

    assert found(".") == ["policies/support-bot/policy-config.yaml"]
    assert found("../other") == ["other/policy-config.yaml"]
    assert found("../one.yaml") == ["one.yaml"]
    assert len(found("..")) == 2


def test_without_git_the_files_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an archive that was unpacked."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "policy-config.yaml").write_text(policy("Bot"))
    (found,) = policies(".")

    assert (found.path, found.data) == ("bot/policy-config.yaml", policy("Bot").encode())


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

    assert "authentication_failed: Not [2J known. Ever." in err
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
    ("url", "token", "missing"),
    [
        ("", "", "KEEPTRUSTS_API_URL and KEEPTRUSTS_API_TOKEN"),
        ("http://127.0.0.1:1", "", "KEEPTRUSTS_API_TOKEN"),
        ("", "s3cret", "KEEPTRUSTS_API_URL"),
    ],
)
def test_what_is_not_set_is_named(
    kt: Run, monkeypatch: pytest.MonkeyPatch, url: str, token: str, missing: str
) -> None:
    """And not what is set."""
    monkeypatch.setenv("KEEPTRUSTS_API_URL", url)
    monkeypatch.setenv("KEEPTRUSTS_API_TOKEN", token)

    assert kt("drift") == (2, "", f"kt: set {missing}\n")


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
