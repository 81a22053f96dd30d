"""`prune`: configurations whose file is gone, with it and without."""

import pytest
from rest_framework.test import APIClient

from tests.support.repo import Repo, policy
from tests.support.syncing import (
    confirm,
    content,
    edit,
    get,
    kinds,
    link,
    outcomes,
    poll,
    run_due,
    runs,
    shown,
)

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

BOT = "bot/policy-config.yaml"
PAY = "pay/policy-config.yaml"


def listed(admin: APIClient, status: str = "active") -> list[str]:
    """The ids of the list."""
    return [row["id"] for row in get(admin, f"/v1/configurations?status={status}")]


def test_with_prune_a_removed_file_archives_its_configuration(admin: APIClient, repo: Repo) -> None:
    """It leaves the list, its versions stay readable, and an event says so."""
    repo.commit({BOT: policy("Bot"), PAY: policy("Pay")})
    row = link(admin, repo.url, prune=True)
    run_due()
    repo.commit({BOT: None})

    poll()

    assert (listed(admin), listed(admin, "archived")) == (["pay"], ["bot"])
    assert outcomes(admin, row) == {(BOT, "bot"): "archived", (PAY, "pay"): "synced"}
    assert shown(admin, row)["files"] == {"archived": 1, "synced": 1}
    assert content(admin, "bot") == policy("Bot").encode()
    assert kinds(configuration="bot") == ["archived"]
    assert [(f["path"], f["outcome"]) for f in runs(admin, row)[0]["files"]] == [(BOT, "archived")]


def test_the_files_return_makes_the_next_version(admin: APIClient, repo: Repo) -> None:
    """Of the archived id, though the bytes are as before."""
    repo.commit({BOT: policy("Bot"), PAY: policy("Pay")})
    row = link(admin, repo.url, prune=True)
    run_due()
    repo.commit({BOT: None})
    poll()

    repo.commit({BOT: policy("Bot")})
    poll()

    found = get(admin, "/v1/configurations/bot")
    assert (found["status"], found["version"], found["git_repo"]) == ("active", 2, row["id"])
    assert outcomes(admin, row)[BOT, "bot"] == "synced"


def test_prune_set_later_archives_what_is_missing(admin: APIClient, repo: Repo) -> None:
    """The edit plans the commit again."""
    repo.commit({BOT: policy("Bot"), PAY: policy("Pay")})
    row = link(admin, repo.url)
    run_due()
    repo.commit({BOT: None})
    poll()
    before = listed(admin)

    edit(admin, row, prune=True)
    run_due()

    assert (before, listed(admin)) == (["bot", "pay"], ["pay"])


def test_what_somebody_takes_out_of_the_archive_stays(admin: APIClient, repo: Repo) -> None:
    """A later commit does not archive it again: git said nothing new of it."""
    repo.commit({BOT: policy("Bot"), PAY: policy("Pay")})
    row = link(admin, repo.url, prune=True)
    run_due()
    repo.commit({BOT: None})
    poll()
    admin.patch("/v1/configurations/bot", {"status": "active"}, format="json")

    repo.commit({PAY: policy("Pay", description="more")})
    poll()
    edit(admin, row, adopt=True)
    run_due()

    assert listed(admin) == ["bot", "pay"]


def test_with_prune_a_held_commit_archives_nothing_until_it_is_confirmed(
    admin: APIClient, repo: Repo
) -> None:
    """And then all of it, in one step."""
    names = ["a", "b", "c", "d"]
    repo.commit({f"p/{name}/policy-config.yaml": policy(name) for name in names})
    row = link(admin, repo.url, path="p", prune=True)
    run_due()
    repo.commit({**{f"p/{name}/policy-config.yaml": None for name in names}, "x": "y"})
    poll()
    before = listed(admin)

    confirm(admin, row)
    run_due()

    assert (before, listed(admin)) == (names, [])
    told = ["held", "confirmed", *["archived"] * 4]
    assert kinds(git_repo=row["id"])[: len(told)] == told
