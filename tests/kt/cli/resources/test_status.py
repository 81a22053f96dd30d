"""`kt status`: what needs somebody."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kt.cli.commands.parsing import leaves
from kt.cli.commands.table import COMMANDS
from tests.kt.cli.answering import Answers
from tests.kt.cli.resources.rows import HELD, ID, a_configuration, a_link, a_request

Run = Callable[..., Any]

PATHS = ("/v1/git-repos", "/v1/configurations", "/v1/drift", "/v1/git-credentials", "/v1/tokens",
         "/v1/requests?state=waiting", "/v1/commit-statuses?failing=true")  # fmt: skip
SOON = (datetime.now(UTC) + timedelta(days=3)).isoformat()
LATE = (datetime.now(UTC) + timedelta(days=300)).isoformat()
PAST = (datetime.now(UTC) - timedelta(days=3)).isoformat()
WELL: dict[str, list[dict[str, Any]]] = {
    "/v1/git-repos": [a_link(), a_link(status="pending"), a_link(status="suspended")],
    "/v1/configurations": [a_configuration(pin={"reason": "an audit"})],
    "/v1/drift": [{"configuration": "a", "gateway": "g", "state": "in_sync"},
                  {"configuration": "b", "gateway": "h", "state": "rolling_out"}],
    "/v1/git-credentials": [{"name": "c", "expiring": False}],
    "/v1/tokens": [{"id": ID, "name": "t", "expires_at": LATE, "revoked_at": None},
                   {"id": ID, "name": "t", "expires_at": None, "revoked_at": None},
                   {"id": ID, "name": "t", "expires_at": PAST, "revoked_at": None},
                   {"id": ID, "name": "t", "expires_at": SOON, "revoked_at": PAST},
                   {"id": ID, "name": "t", "expires_at": "never", "revoked_at": None}],
    "/v1/requests?state=waiting": [],
    "/v1/commit-statuses?failing=true": [],
}  # fmt: skip
FAULTS = [
    ("/v1/configurations", a_configuration(overridden=True, pin={"reason": "an audit"}),
     "overridden", "kt configurations unpin support-bot"),
    ("/v1/configurations", a_configuration(overridden=True), "overridden",
     "kt configurations history support-bot"),
    ("/v1/git-repos", a_link(status="held", held=HELD), "held", "kt repos confirm 0f3a91c2"),
    ("/v1/git-repos", a_link(status="error", error={"code": "c", "message": "m"}), "failing",
     "kt repos show 0f3a91c2"),
    ("/v1/git-repos", a_link(status="stalled", error={"code": "c", "message": "m"}), "failing",
     "kt repos show 0f3a91c2"),
    ("/v1/git-repos", a_link(files={"quarantined": 1}), "quarantined", "kt repos show 0f3a91c2"),
    ("/v1/git-repos", a_link(files={"conflict": 2}), "conflict", "kt repos show 0f3a91c2"),
    ("/v1/configurations", a_configuration(warning={"message": "m"}), "refused in force",
     "kt configurations show support-bot"),
    ("/v1/drift", {"configuration": "a", "gateway": "g", "state": "drifted", "why": "w"},
     "drifting", "kt gateways show g"),
    ("/v1/drift", {"configuration": "a", "gateway": "g", "state": "offline", "why": "w"},
     "drifting", "kt gateways show g"),
    ("/v1/drift", {"configuration": "a", "gateway": None, "state": "orphaned", "why": "w"},
     "orphaned", "kt configurations show a"),
    ("/v1/git-credentials", {"name": "c", "expiring": True, "expires_at": SOON}, "expiring",
     "kt apply -f FILE --renew-secrets"),
    ("/v1/tokens", {"id": ID, "name": "t", "expires_at": SOON, "revoked_at": None}, "expiring",
     "kt tokens rotate 0f3a91c2 --token-file FILE"),
    ("/v1/requests?state=waiting", a_request(break_glass=True), "waiting", "kt requests show 7"),
    ("/v1/commit-statuses?failing=true",
     {"git_repo": ID, "url": "u", "error": {"code": "auth_failed", "message": "m."}, "action": "a"},
     "status not told", "kt commit-status show 0f3a91c2"),
]  # fmt: skip


@pytest.fixture
def well(answers: Answers) -> Answers:
    """A control plane that needs nobody."""
    for path, rows in WELL.items():
        answers.says(path, rows)
    return answers


def test_where_all_is_well_nothing_needs_anybody(kt: Run, well: Answers) -> None:
    """What is deliberate, over or under way is no fault."""
    done = kt("status")

    assert done.code == 0
    assert done.out.splitlines() == [
        (
            f"{well.url}: links 3, configurations 1, rows of drift 2, credentials 1,"
            " failing commit statuses 0, tokens 5, requests 0"
        ),
        "nothing needs anybody",
    ]


@pytest.mark.parametrize(("path", "row", "kind", "command"), FAULTS)
def test_each_fault_is_told_with_the_command_that_helps(
    kt: Run, well: Answers, path: str, row: dict[str, Any], kind: str, command: str
) -> None:
    """And the exit is 1."""
    well.says(path, [*WELL[path], row])

    done, data = kt("status"), json.loads(kt("status", "--json").out)

    assert (done.code, data["ok"]) == (1, False)
    assert [(need["kind"], need["command"]) for need in data["needs"]] == [(kind, command)]
    assert f"\n{kind} (1)\n" in done.out
    assert done.out.endswith(f"\n    {command}\n")


def test_an_orphan_whose_gateway_has_a_trouble_is_told_with_its_own_reason(
    kt: Run, well: Answers
) -> None:
    """That of the gateway is beside it."""
    row = {"configuration": "a", "gateway": "g", "state": "offline", "why": "it stopped",
           "configuration_state": "orphaned"}  # fmt: skip
    well.says("/v1/drift", [row])

    told = {need["kind"]: need["why"] for need in json.loads(kt("status", "--json").out)["needs"]}

    assert told == {"drifting": "offline: it stopped",
                    "orphaned": "no file in git feeds it any more"}  # fmt: skip


@pytest.mark.parametrize("command", sorted({fault[3] for fault in FAULTS}))
def test_the_command_that_helps_is_one(command: str) -> None:
    """Its parser takes it."""
    words = tuple(command.split()[1:])
    found = [
        leaf for row in COMMANDS for leaf in leaves(row) if words[: len(leaf.words)] == leaf.words
    ]

    [leaf] = found
    leaf.parser.parse_intermixed_args(words[len(leaf.words) :])


def test_pages_of_requests_are_followed(kt: Run, well: Answers) -> None:
    """They come in pages whether or not one is asked for."""
    first = "/v1/requests?state=waiting"
    second = f"{first}&cursor=c"
    well.says_whole(first, {"data": [a_request()], "next_cursor": "c"})
    well.says_whole(second, {"data": [a_request(id=8)], "next_cursor": None})

    assert "waiting (2)" in kt("status").out


def test_many_of_a_kind_are_counted(kt: Run, well: Answers) -> None:
    """A page, and not a thousand lines; JSON has all."""
    rows = [{"configuration": "a", "gateway": f"g{n}", "state": "stale"} for n in range(500)]
    well.says("/v1/drift", rows)
    done = kt("status")

    assert "drifting (500)" in done.out
    assert "… and 490 more" in done.out
    assert len(done.out.splitlines()) < 40
    assert len(json.loads(kt("status", "--json").out)["needs"]) == 500


def test_what_the_role_may_not_read_is_named(kt: Run, well: Answers) -> None:
    """It is no fault, and no all-clear either; nothing at all is 2."""
    denied = {"error": {"code": "permission_denied", "message": "no"}}
    for path in ("/v1/tokens", "/v1/requests?state=waiting"):
        well.says_whole(path, denied, 403)
    part = kt("status")
    for path in PATHS:
        well.says_whole(path, denied, 403)
    nothing = kt("status")

    assert (part.code, nothing.code) == (0, 2)
    assert part.out.splitlines()[-1].endswith(", or the control plane is older: tokens, requests")
    assert "not looked at, since the token's role may not" in part.out


def test_a_control_plane_of_an_older_release_has_less_to_look_at(kt: Run, well: Answers) -> None:
    """What it does not have is named; what it has is told. A fault of it ends the look."""
    unknown = {"error": {"code": "not_found", "message": "no"}}
    well.says_whole("/v1/commit-statuses?failing=true", unknown, 404)
    older = kt("status")
    well.says_whole("/v1/commit-statuses?failing=true", unknown, 500)
    faulty = kt("status")

    assert older.code == 0
    assert older.out.endswith("the control plane is older: failing commit statuses\n")
    assert (faulty.code, faulty.out) == (2, "")


@pytest.mark.parametrize(
    "rows",
    [
        [{}],
        [dict.fromkeys(("status", "files", "error", "held"), 7)],
        [{"status": "held"}, {"status": "error"}, {"state": "stale"}],
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_rows_that_make_no_sense_end_nothing(
    kt: Run, well: Answers, path: str, rows: list[dict[str, Any]]
) -> None:
    """A server of another release, or a hostile one."""
    well.says(path, rows)
    done = kt("status")

    assert done.code in (0, 1)
    assert done.err == ""
