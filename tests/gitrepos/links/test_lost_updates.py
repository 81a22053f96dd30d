"""Writers with `If-Match` on one row, while syncs go on: none overwrites what it did not see."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from configurations.models import Configuration
from events.models import AuditEntry
from gitrepos.models import Link
from tests.support import syncing
from tests.support.api import like, together
from tests.support.eyes import ask, person, strong, weak
from tests.support.repo import Repo

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]

FILE = "bot/policy-config.yaml"
WRITERS = 8

Edit = Callable[[dict[str, Any]], dict[str, Any]]


@contextmanager
def syncs(repo: Repo) -> Iterator[list[str]]:
    """Commits that are polled and applied one after another within the block."""
    commits: list[str] = []
    ended = threading.Event()

    def run() -> None:
        try:
            while not ended.is_set():
                commits.append(repo.commit({FILE: f"{strong()}# {len(commits)}\n"}))
                syncing.poll()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield commits
    finally:
        ended.set()
        thread.join(300)


def write(client: APIClient, path: str, edit: Edit, rounds: int) -> list[int]:
    """Make `rounds` edits, each upon what was seen; returns what each counted."""
    counted: list[int] = []
    now = client.get(path)
    etag, row = now["ETag"], now.json()["data"]
    while len(counted) < rounds:
        body = edit(row)
        answer = client.patch(path, body, format="json", headers={"If-Match": etag})
        assert answer.status_code in (200, 412), answer.content
        etag = answer["ETag"]
        if answer.status_code == 200:
            row = answer.json()["data"]
            counted.append(next(int(value) for value in body.values()))
        else:
            row = answer.json()["error"]["current"]
    return counted


@pytest.mark.parametrize(
    "rounds", [2, pytest.param(1000 // WRITERS, marks=pytest.mark.soak)], ids=["short", "long"]
)
@pytest.mark.parametrize("kind", ["configuration", "link"])
def test_each_write_was_seen_by_the_next(
    admin: APIClient, repo: Repo, kind: str, rounds: int
) -> None:
    """Eight count in one field: no number is missing, and none is there twice."""
    repo.commit({FILE: strong()})
    row = syncing.link(admin, repo.url, branch="main")
    syncing.poll()
    if kind == "configuration":
        path, start = "/v1/configurations/bot", 0
        assert admin.patch(path, {"description": "0"}, format="json").status_code == 200

        def edit(shown: dict[str, Any]) -> dict[str, Any]:
            return {"description": str(int(shown["description"]) + 1)}
    else:
        path, start = f"/v1/git-repos/{row['id']}", 300

        def edit(shown: dict[str, Any]) -> dict[str, Any]:
            return {"poll_interval_seconds": shown["poll_interval_seconds"] + 1}

    clients = [like(admin) for _ in range(WRITERS)]

    with syncs(repo) as commits:
        done = together(WRITERS, lambda at: write(clients[at], path, edit, rounds), seconds=3600)

    last = start + WRITERS * rounds
    assert sorted(number for one in done for number in one) == list(range(start + 1, last + 1))
    assert commits
    syncing.poll()
    configuration, link = Configuration.objects.get(), Link.objects.get()
    assert link.last_commit == commits[-1]
    if kind == "configuration":
        assert configuration.description == str(last)
        assert configuration.version > 1
        edits = AuditEntry.objects.filter(action="configuration.edited")
        assert edits.count() == 1 + WRITERS * rounds
    else:
        assert link.poll_interval_seconds == last
        assert AuditEntry.objects.filter(action="git_repo.edited").count() == WRITERS * rounds


def test_a_poll_changes_no_etag_of_a_link(admin: APIClient, repo: Repo) -> None:
    """An edit of what people ask for does; so does one of the credential that it names."""
    repo.commit({FILE: strong()})
    row = syncing.link(admin, repo.url, branch="main")
    path = f"/v1/git-repos/{row['id']}"
    etags = [admin.get(path)["ETag"]]
    for content in (strong(), "no: policy\n", weak()):
        repo.commit({FILE: content})
        syncing.poll()
        etags.append(admin.get(path)["ETag"])
    before, after = row, admin.get(path).json()["data"]

    assert len(set(etags)) == 1
    assert before["status"] != after["status"]
    syncing.edit(admin, row, prune=True)
    assert admin.get(path)["ETag"] != etags[0]


@pytest.mark.parametrize("rounds", [5, pytest.param(100, marks=pytest.mark.soak)])
def test_a_pin_is_released_upon_its_state_while_syncs_go_on(
    admin: APIClient, repo: Repo, rounds: int
) -> None:
    """Two release it at once, upon what a sync noted: one does, and nobody waits in a ring."""
    repo.commit({FILE: strong()})
    syncing.link(admin, repo.url, branch="main")
    syncing.poll()
    path = "/v1/configurations/bot/pin"
    clients = [like(admin), like(admin)]

    def release(client: APIClient, etag: str) -> bool:
        while True:
            answer = client.delete(path, headers={"If-Match": etag})
            if answer.status_code == 200:
                return True
            assert answer.status_code == 412, answer.content
            if answer.json()["error"]["current"]["pin"] is None:
                return False
            etag = answer["ETag"]

    with syncs(repo):
        for _ in range(rounds):
            etag = admin.post(path, {"reason": "stay"}, format="json")["ETag"]

            found = together(2, lambda at, etag=etag: release(clients[at], etag))

            assert sorted(found) == [False, True]


@pytest.mark.parametrize("rounds", [5, pytest.param(100, marks=pytest.mark.soak)])
def test_a_commit_is_confirmed_by_both_ways_at_once(repo: Repo, rounds: int) -> None:
    """By the link's endpoint upon its state, and by the request's: one confirms."""
    ada, bob, cy = (person(name, role="admin") for name in ("ada", "bob", "cy"))
    repo.commit({FILE: strong()})
    row = syncing.link(ada, repo.url, branch="main", four_eyes=True)
    syncing.poll()
    path = f"/v1/git-repos/{row['id']}"
    for number in range(rounds):
        commit = repo.commit({FILE: (weak() if number % 2 == 0 else strong()) + f"# {number}\n"})
        syncing.poll()
        if syncing.shown(ada, row)["held"] is None:
            continue
        asked = ask(ada, "git_repo.confirm", row["id"], {"commit": commit})

        def confirm(at: int, asked: Any = asked, commit: str = commit) -> int:
            if at:
                url = f"/v1/requests/{asked['id']}/confirm"
                return int(bob.post(url, asked["shows"], format="json").status_code)
            headers = {"If-Match": cy.get(path)["ETag"]}
            body = {"commit": commit}
            answer = cy.post(f"{path}/confirm", body, format="json", headers=headers)
            return int(answer.status_code)

        found = together(2, confirm)

        assert any(status in (200, 202) for status in found), found
        assert all(status in (200, 202, 409) for status in found), found
        syncing.poll()
