"""Quiet polls: few queries and writes where nothing changed."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from configurations.models import Version
from gitrepos.models import Link, LinkedFile, SyncRun
from keeptrusts import counters
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import edit, get, link, poll, request, run_due, runs, shown

pytestmark = pytest.mark.django_db

BOT = "policies/bot/policy-config.yaml"


def state() -> tuple[object, ...]:
    """Everything that a poll which finds nothing leaves as it is."""
    rows = [list(model.objects.order_by("pk").values()) for model in (Link, LinkedFile, SyncRun)]
    return *rows, Version.objects.count(), dict(counters.read())


def told() -> int:
    """The count that readers of configurations go by."""
    return counters.read()["configurations"]


def written(queries: CaptureQueriesContext) -> set[str]:
    """The tables that were written."""
    words = re.compile(r'^(?:UPDATE|INSERT INTO|DELETE FROM) "(\w+)"')
    return {found[1] for query in queries if (found := words.match(query["sql"]))}


@pytest.mark.smoke
def test_an_unchanged_poll_writes_the_remotes_turn_alone(
    admin: APIClient, repo: Repo, packs: list[bytes]
) -> None:
    """No link, no version, no run; no reader is told; nothing is fetched."""
    repo.commit({BOT: policy()})
    link(admin, repo.url, path="policies/")
    run_due()
    packs.clear()
    before = state()

    with CaptureQueriesContext(connection) as queries:
        poll()

    assert state() == before
    assert written(queries) == {"gitrepos_remote"}
    assert packs == []


@pytest.mark.smoke
@pytest.mark.parametrize("path", ["policies/", BOT])
def test_a_commit_elsewhere_fetches_no_blob(
    admin: APIClient, repo: Repo, packs: list[bytes], path: str
) -> None:
    """The link names the new commit; nothing is planned, no run is made, no reader is told."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url, path=path)
    run_due()
    packs.clear()
    Link.objects.update(counts={"planned": 0})
    before = told()
    commit = repo.commit({"src/main.py": "print()\n"})

    poll()

    assert len(packs) == 1
    after = shown(admin, row)
    assert (after["last_commit"], after["files"]) == (commit, {"planned": 0})
    assert [run["to_commit"] for run in runs(admin, row)] != [commit]
    assert (SyncRun.objects.count(), Version.objects.count()) == (1, 1)
    assert told() == before


def test_only_what_changed_is_fetched(admin: APIClient, repo: Repo, packs: list[bytes]) -> None:
    """A file that is in force as it stands is not asked for again."""
    noise = "".join(f"# {n * 7919 % 10007}\n" for n in range(9000))
    repo.commit({"big/policy-config.yaml": policy() + noise, BOT: policy("One")})
    link(admin, repo.url)
    run_due()
    whole = sum(map(len, packs))
    packs.clear()
    repo.commit({BOT: policy("Two")})

    poll()

    assert len(packs) == 2
    assert sum(map(len, packs)) < whole / 5


@pytest.mark.smoke
def test_a_manual_sync_always_plans(admin: APIClient, repo: Repo) -> None:
    """Although nothing changed; it makes no version and no run, and tells no reader."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url)
    run_due()
    Link.objects.update(counts={})
    poll()
    unplanned = shown(admin, row)["files"]
    before = told(), SyncRun.objects.count(), Version.objects.count()

    request(admin, row)
    run_due()

    assert (unplanned, shown(admin, row)["files"]) == ({}, {"synced": 1})
    assert (told(), SyncRun.objects.count(), Version.objects.count()) == before
    assert get(admin, f"/v1/git-repos/{row['id']}")["status"] == "synced"


def test_an_edit_that_changes_nothing_in_force_tells_no_reader(
    admin: APIClient, repo: Repo
) -> None:
    """The commit is planned again, and the plan is empty."""
    repo.commit({BOT: policy(), "bad/policy-config.yaml": "pack: ["})
    row = link(admin, repo.url)
    run_due()
    before = told(), SyncRun.objects.count(), Version.objects.count()

    edit(admin, row, adopt=True)
    run_due()

    assert shown(admin, row)["status"] == "synced"
    assert (told(), SyncRun.objects.count(), Version.objects.count()) == before


def test_a_file_that_may_not_be_enforced_tells_no_reader(admin: APIClient, repo: Repo) -> None:
    """A quarantine changes what a link shows, and no configuration."""
    repo.commit({BOT: policy()})
    link(admin, repo.url)
    run_due()
    before = told()
    repo.commit({BOT: "pack: ["})

    poll()

    assert LinkedFile.objects.get().outcome == "quarantined"
    assert told() == before


def test_links_of_one_branch_share_one_fetch(
    admin: APIClient, repo: Repo, packs: list[bytes]
) -> None:
    """One call asks for all of them, one pack brings the trees, and one the blobs."""
    repo.commit({f"p{n}/bot-{n}/policy-config.yaml": policy(str(n)) for n in range(3)})
    rows = [link(admin, repo.url, path=f"p{n}") for n in range(3)]

    run_due()

    assert [shown(admin, row)["status"] for row in rows] == ["synced"] * 3
    assert len(packs) == 2


def test_many_quiet_remotes_cost_few_queries(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """A batch that finds nothing is given back by the group, as answers come, not one by one."""
    commit = repo.commit({BOT: policy()})
    link(admin, repo.url)
    run_due()
    with CaptureQueriesContext(connection) as queries:
        poll()
    one = len(queries)  # The next request forgets them.
    for number in range(25):
        (forge.root / f"copy-{number}-{repo.bare.name}").symlink_to(repo.bare)
        link(admin, f"{forge.url}/copy-{number}-{repo.bare.name}", path=f"p{number}")
    Link.objects.update(
        last_commit=commit, observed_generation=1, observed_rules=Link.objects.exclude(
            observed_rules=""
        ).values_list("observed_rules", flat=True)[0],
    )  # fmt: skip
    with CaptureQueriesContext(connection) as queries:
        poll()

    assert len(queries) < one + 25
