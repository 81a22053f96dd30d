"""`POST /v1/git-repos/{id}/sync`, and the history and files that a sync leaves."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from rest_framework.test import APIClient

from gitrepos.models import Link
from tests.support.api import error, like, refusal, together
from tests.support.repo import Repo, policy
from tests.support.syncing import get, link, run_due

pytestmark = pytest.mark.django_db(transaction=True)

FILE = "bot/policy-config.yaml"


@pytest.fixture
def row(admin: APIClient, repo: Repo) -> dict[str, Any]:
    """A link whose first commit is in force."""
    repo.commit({FILE: policy("One")})
    made = link(admin, repo.url)
    run_due()
    return made


@pytest.fixture
def idle(admin: APIClient) -> dict[str, Any]:
    """A link that nobody polls."""
    return link(admin, "https://forge.example/org/policies.git")


def sync(admin: APIClient, row: dict[str, Any], query: str = "") -> Any:
    """Ask for a sync."""
    return admin.post(f"/v1/git-repos/{row['id']}/sync{query}")


def serve_when_asked(count: int = 1) -> None:
    """Do what a worker does, once `count` requests wait."""
    asked = Link.objects.filter(requested_seq__gte=F("served_seq") + count)
    while not asked.exists():
        threading.Event().wait(0.02)
    run_due()


@pytest.mark.smoke
def test_a_sync_that_is_asked_for_is_due_at_once(
    admin: APIClient, repo: Repo, row: dict[str, Any]
) -> None:
    """202 before it was made; the next tick makes it."""
    repo.commit({FILE: policy("Two")})

    answer = sync(admin, row)
    run_due()

    assert (answer.status_code, answer.json()["data"]["id"]) == (202, row["id"])
    assert get(admin, "/v1/configurations/bot")["version"] == 2
    assert get(admin, f"/v1/git-repos/{row['id']}/syncs")[0]["trigger"] == "manual"


def test_a_sync_that_is_waited_for_answers_when_it_is_made(
    admin: APIClient, repo: Repo, row: dict[str, Any]
) -> None:
    """200, with the commit that is in force now."""
    commit = repo.commit({FILE: policy("Two")})

    answer, _ = together(
        2, lambda number: serve_when_asked() if number else sync(like(admin), row, "?wait=30")
    )

    assert answer.status_code == 200
    assert answer.json()["data"]["last_commit"] == commit


@pytest.mark.smoke
@pytest.mark.parametrize("query", ["", "?wait=0", "?wait=1"])
def test_a_sync_that_nobody_makes_is_answered_all_the_same(
    admin: APIClient, idle: dict[str, Any], query: str
) -> None:
    """202 at the end of the wait: it will be made."""
    answer = sync(admin, idle, query)

    assert answer.status_code == 202
    assert set(answer.json()) == {"data"}


def test_waiting_requests_leave_threads_for_others(admin: APIClient, row: dict[str, Any]) -> None:
    """The fifth that would wait is answered 202 while four still do."""
    waiting = threading.Semaphore(0)
    answers: list[Any] = []

    def wait() -> None:
        waiting.release()
        answers.append(sync(like(admin), row, "?wait=30"))
        connection.close()

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    while Link.objects.filter(requested_seq__lt=4).exists():
        threading.Event().wait(0.02)
    fifth = sync(admin, row, "?wait=30")
    still = [thread.is_alive() for thread in threads]
    run_due()
    for thread in threads:
        thread.join(300)

    assert (fifth.status_code, still) == (202, [True] * 4)
    assert [answer.status_code for answer in answers] == [200] * 4


@pytest.mark.smoke
@pytest.mark.parametrize(
    "value", ["", "-1", "31", "1.5", "x", "true", "%D9%A3", "%00", "1e1", "9" * 5000, "1&wait=1"]
)
def test_a_wait_is_whole_seconds_up_to_thirty(
    admin: APIClient, idle: dict[str, Any], value: str
) -> None:
    """Anything else is refused, and no sync is asked for."""
    assert refusal(sync(admin, idle, f"?wait={value}")) == (400, ["wait"])
    assert not Link.objects.filter(requested_seq__gt=0).exists()


@pytest.mark.smoke
def test_a_suspended_link_is_not_synced(admin: APIClient, idle: dict[str, Any]) -> None:
    """409: whoever suspended it meant it."""
    admin.patch(f"/v1/git-repos/{idle['id']}", {"suspended": True}, format="json")

    answer = sync(admin, idle)

    assert (answer.status_code, error(answer)["code"]) == (409, "suspended")


@pytest.mark.smoke
def test_a_body_without_fields_may_be_sent(admin: APIClient, idle: dict[str, Any]) -> None:
    """Some clients always send one."""
    path = f"/v1/git-repos/{idle['id']}/sync"

    assert admin.post(path, {}, format="json").status_code == 202
    assert admin.generic("POST", path, b"").status_code == 202
    form = "application/x-www-form-urlencoded"
    assert admin.generic("POST", path, b"", content_type=form).status_code == 202


@pytest.mark.smoke
def test_the_history_tells_what_a_sync_changed(
    admin: APIClient, repo: Repo, row: dict[str, Any]
) -> None:
    """Newest first, from commit to commit, each file with its version."""
    first = get(admin, f"/v1/git-repos/{row['id']}")["last_commit"]
    second = repo.commit({FILE: policy("Two")})
    sync(admin, row)
    run_due()

    runs = get(admin, f"/v1/git-repos/{row['id']}/syncs")

    assert [(run["from_commit"], run["to_commit"]) for run in runs] == [
        (first, second),
        ("", first),
    ]
    assert [run["error"] for run in runs] == [None, None]
    assert [(f["path"], f["configuration"], f["version"]) for f in runs[0]["files"]] == [
        (FILE, "bot", 2)
    ]


@pytest.mark.smoke
def test_the_history_tells_why_a_sync_failed(
    admin: APIClient, repo: Repo, row: dict[str, Any]
) -> None:
    """With a code and a sentence, as the link itself does."""
    admin.patch(f"/v1/git-repos/{row['id']}", {"branch": "gone"}, format="json")
    run_due()

    shown = get(admin, f"/v1/git-repos/{row['id']}")
    runs = get(admin, f"/v1/git-repos/{row['id']}/syncs")

    assert (shown["status"], shown["error"]["code"]) == ("held", "branch_not_found")
    assert runs[0]["error"] == shown["error"]


@pytest.mark.smoke
def test_the_files_tell_what_became_of_each(
    admin: APIClient, repo: Repo, row: dict[str, Any]
) -> None:
    """Path, configuration, outcome, hash, and findings with their place."""
    repo.commit({"broken/policy-config.yaml": "pack:\n\tx: 1\n"})
    sync(admin, row)
    run_due()

    good, broken = get(admin, f"/v1/git-repos/{row['id']}/files")

    configuration = get(admin, "/v1/configurations/bot")
    assert (good["path"], good["configuration"], good["outcome"]) == (FILE, "bot", "synced")
    assert (good["content_hash"], good["findings"]) == (configuration["content_hash"], [])
    assert (broken["path"], broken["outcome"]) == ("broken/policy-config.yaml", "quarantined")
    [finding] = broken["findings"]
    assert {"code", "message", "line", "column"} <= set(finding)
