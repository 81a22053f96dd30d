"""Conditions of a link, what helps against each, and the list by status."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from gitrepos.errors import RemoteError
from gitrepos.links import conditions as conditions_module
from gitrepos.links.conditions import ACTIONS, REFUSED, STATUSES, conditions
from gitrepos.links.listed import Listed
from gitrepos.models import Link, Remote
from tests.support.api import refusal
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import edit, get, link, poll, shown

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]

NOW = datetime(2031, 1, 2, tzinfo=UTC)
FILE = "bot/policy-config.yaml"
URL = "https://forge.example/org/policies.git"


def standing(row: dict[str, Any]) -> dict[str, str]:
    """The status of each condition, with its reason where it has one."""
    return {c["type"]: f"{c['status']} {c['reason']}".strip() for c in row["conditions"]}


def ready(row: dict[str, Any]) -> dict[str, Any]:
    """The first condition."""
    found: dict[str, Any] = row["conditions"][0]
    assert found["type"] == "Ready"
    return found


def test_a_new_link_is_on_its_way(admin: APIClient) -> None:
    """Nobody knows yet whether it will be ready."""
    row = link(admin, URL)

    assert standing(row) == {
        "Ready": "Unknown Pending",
        "Reconciling": "True Due",
        "Stalled": "False",
        "Warning": "False",
    }
    assert (row["generation"], row["observed_generation"]) == (1, 0)


def test_a_synced_link_is_ready(admin: APIClient, repo: Repo) -> None:
    """Since its last sync, and there is nothing to do."""
    commit = repo.commit({FILE: policy()})
    made = link(admin, repo.url)

    poll()

    row = shown(admin, made)
    assert standing(row) == {
        "Ready": "True Synced",
        "Reconciling": "False",
        "Stalled": "False",
        "Warning": "False",
    }
    assert commit in ready(row)["message"]
    assert (ready(row)["since"], ready(row)["action"]) == (row["last_synced_at"], None)


def test_a_link_with_refused_files_is_ready_and_says_so(admin: APIClient, repo: Repo) -> None:
    """How many, and where to look."""
    repo.commit({FILE: policy(), "x/policy-config.yaml": "pack: 1\n"})
    made = link(admin, repo.url)

    poll()

    row = shown(admin, made)
    assert standing(row)["Ready"] == "True FilesRefused"
    assert "1 quarantined" in ready(row)["message"]
    assert f"/v1/git-repos/{row['id']}/files" in ready(row)["action"]


def test_a_link_without_policies_is_ready_and_says_so(admin: APIClient, repo: Repo) -> None:
    """The commit was applied; there is only nothing in it."""
    repo.commit({"readme.md": "Nothing.\n"})
    made = link(admin, repo.url)

    poll()

    assert standing(shown(admin, made))["Ready"] == "True NoPolicyFiles"


def test_a_failing_link_is_tried_again_and_says_what_would_help(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """Since the first failure; it is not stalled."""
    repo.commit({FILE: policy()})
    made = link(admin, repo.url)
    forge.answers[repo.bare.name] = (401, {}, b"")
    poll()
    first = ready(shown(admin, made))["since"]

    poll()

    row = shown(admin, made)
    forge.release(repo)
    assert standing(row) == {
        "Ready": "False AuthFailed",
        "Reconciling": "True AuthFailed",
        "Stalled": "False",
        "Warning": "False",
    }
    assert (ready(row)["since"], ready(row)["action"]) == (first, ACTIONS["auth_failed"])
    assert ready(row)["message"] == row["error"]["message"]


def test_a_stalled_link_waits_for_somebody(admin: APIClient, settings: Any) -> None:
    """Nothing is tried until an operator or an edit changes it."""
    made = link(admin, "http://127.0.0.1:9/r.git")
    settings.ENV = dataclasses.replace(settings.ENV, git_allowed_networks=())

    poll()

    assert standing(shown(admin, made)) == {
        "Ready": "False HostNotAllowed",
        "Reconciling": "False",
        "Stalled": "True HostNotAllowed",
        "Warning": "False",
    }


def test_a_held_link_waits_for_somebody(admin: APIClient) -> None:
    """With why and since when."""
    made = link(admin, URL)
    held = {
        "reason": "mass_removal",
        "message": "Most files are gone.",
        "commit": "c",
        "since": "2026-01-31T12:00:00Z",
        "would_remove": [],
    }
    Link.objects.update(held=held, observed_generation=1)

    row = shown(admin, made)

    assert (row["status"], standing(row)) == (
        "held",
        {"Ready": "False Held", "Reconciling": "False", "Stalled": "True Held", "Warning": "False"},
    )
    assert (ready(row)["message"], ready(row)["since"]) == (held["message"], held["since"])
    body = f'{{"commit": "{held["commit"]}"}}'
    assert f"POST /v1/git-repos/{row['id']}/confirm` with `{body}`" in ready(row)["action"]


def test_a_suspended_link_is_neither_on_its_way_nor_stalled(admin: APIClient) -> None:
    """Somebody wanted it so."""
    made = link(admin, URL, suspended=True)

    assert standing(made) == {
        "Ready": "False Suspended",
        "Reconciling": "False",
        "Stalled": "False",
        "Warning": "False",
    }


def test_every_error_says_what_to_do() -> None:
    """Whoever adds a code adds an action."""
    codes = {kind.code for kind in _kinds(RemoteError)}

    assert codes - set(ACTIONS) == set()


@pytest.mark.untrue_rows
def test_links_are_listed_by_status(admin: APIClient) -> None:
    """One or several; each link has exactly one."""
    rows = {}
    for status in STATUSES:
        rows[status] = link(admin, f"{URL}{status}")["id"]
    Link.objects.exclude(pk=rows["pending"]).update(observed_generation=1)
    Link.objects.filter(pk=rows["suspended"]).update(suspended=True)
    Link.objects.filter(pk=rows["held"]).update(held={"message": "x", "since": "y"})
    failed = Link.objects.filter(pk__in=[rows["stalled"], rows["error"]])
    failed.update(error_code="timeout")
    Remote.objects.filter(links=rows["stalled"]).update(stalled=True)

    for status, pk in rows.items():
        found = get(admin, f"/v1/git-repos?status={status}")
        assert [(row["id"], row["status"]) for row in found] == [(pk, status)]
    some = get(admin, "/v1/git-repos?status=error,held")
    assert [row["status"] for row in some] == ["held", "error"]


def test_an_unknown_status_is_refused(admin: APIClient) -> None:
    """With those that there are."""
    for value in ("", "broken", "error,", "error;held", "Error", "%00"):
        answer = admin.get(f"/v1/git-repos?status={value}")

        assert refusal(answer) == (400, ["status"]), value


def test_links_are_listed_in_pages(admin: APIClient) -> None:
    """In the order of their making, each once, also those made at the same moment."""
    ids = [link(admin, f"{URL}{number}")["id"] for number in range(7)]
    Link.objects.filter(pk__in=ids[2:5]).update(created_at=timezone.now() + timedelta(days=1))
    whole = [row["id"] for row in get(admin, "/v1/git-repos")]
    found, cursor = [], ""
    while cursor is not None:
        page = admin.get(f"/v1/git-repos?limit=2{cursor and f'&cursor={cursor}'}").json()
        found += [row["id"] for row in page["data"]]
        assert len(page["data"]) <= 2
        cursor = page["next_cursor"]

    assert found == whole
    assert sorted(found) == sorted(ids)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="reads PostgreSQL's plans")
def test_a_page_of_links_is_read_off_an_index(admin: APIClient) -> None:
    """The first and any other: no page costs more than its rows, however many links there are."""
    now = timezone.now()
    remotes = [Remote(url=f"{URL}{number}", host="forge.example") for number in range(3000)]
    Remote.objects.bulk_create(remotes)
    Link.objects.bulk_create(
        [Link(remote=row, url=row.url, created_at=now, updated_at=now) for row in remotes]
    )
    with connection.cursor() as cursor:
        cursor.execute("analyze gitrepos_gitrepo, gitrepos_remote")
    first = admin.get("/v1/git-repos?limit=100").json()

    with CaptureQueriesContext(connection) as queries:
        for follows in ("", f"&cursor={first['next_cursor']}"):
            assert admin.get(f"/v1/git-repos?limit=100{follows}").status_code == 200

    plans = [_plan(query["sql"]) for query in queries if "LIMIT 101" in query["sql"]]
    assert ["Index Scan using link_order" in plan for plan in plans] == [True, True], plans
    assert "Index Cond: (created_at >=" in plans[1]


def _plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"explain {sql}")
        return "\n".join(line for (line,) in cursor.fetchall())


def test_a_cursor_that_cannot_be_is_refused(admin: APIClient) -> None:
    """It must be from an answer."""
    for cursor in ("x", "1", "20260231T000000.000000-" + "0" * 32, "%00"):
        answer = admin.get(f"/v1/git-repos?limit=1&cursor={cursor}")

        assert refusal(answer) == (400, ["cursor"]), cursor


def test_an_edit_makes_a_link_pending_again(admin: APIClient, repo: Repo) -> None:
    """Until it was synced as it is asked for now."""
    repo.commit({FILE: policy()})
    made = link(admin, repo.url)
    poll()

    edit(admin, made, adopt=True)

    assert standing(shown(admin, made))["Ready"] == "Unknown Pending"


def _kinds(kind: type[RemoteError]) -> list[type[RemoteError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in _kinds(child))]


def listed(drawn: dict[str, Any]) -> Listed:
    """A synced link with some columns otherwise."""
    blank: dict[str, Any] = dict.fromkeys(Listed._fields, "") | {
        "status": "synced", "last_commit": "c" * 40, "last_ref": "refs/heads/main", "counts": {},
        "last_synced_at": NOW, "updated_at": NOW, "error_since": None, "held": None,
        "expected_until": None, "waits_since": None, "requested_seq": 1, "served_seq": 1,
        "cases_not_run": 0, "broken_glass": None, "next_poll_at": NOW, "last_delivery_at": NOW,
    }  # fmt: skip
    return Listed(**blank | drawn)


COLUMNS = {
    "status": st.sampled_from(["synced", "error", "stalled", "pending", "suspended"]),
    "error_code": st.sampled_from(["", "no_policy_files", "unreachable"]),
    "counts": st.dictionaries(st.sampled_from(["synced", "pinned", *REFUSED]), st.integers(0, 2)),
    "last_ref": st.sampled_from(["refs/heads/main", 'refs/tags/v1"%s\\', ""]),
    "last_commit": st.sampled_from(["", "c" * 40]),
    "last_synced_at": st.sampled_from([None, NOW]),
    "expected_commit": st.sampled_from(["", "d" * 40]),
    "expected_until": st.sampled_from([None, NOW - timedelta(1), NOW + timedelta(1)]),
    "waits_since": st.sampled_from([None, NOW]),
    "requested_seq": st.integers(0, 2),
    "let_off": st.sampled_from(["", "zeroPaddedFilemode"]),
    "cases_not_run": st.integers(0, 1),
    "broken_glass": st.sampled_from([None, False, True]),
}


@given(st.fixed_dictionaries({}, optional=COLUMNS), st.booleans(), st.booleans())
def test_what_most_links_have_is_encoded_as_all_are(
    drawn: dict[str, Any], is_troubled: bool, is_refused: bool
) -> None:
    """At once, and with the same members in the same order."""
    trouble = {"code": "host_rests", "message": "It rests."} if is_troubled else None
    asked = listed(drawn), NOW, trouble, {"a": NOW} if is_refused else None

    told = orjson.dumps(conditions(*asked), option=orjson.OPT_UTC_Z)

    with patch.object(conditions_module, "_is_as_most", lambda _: False):
        assert told == orjson.dumps(conditions(*asked), option=orjson.OPT_UTC_Z)
