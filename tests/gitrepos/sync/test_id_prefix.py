"""`id_prefix`: it stands before every id that the files of a link name."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from tests.support.api import refusal
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import (
    codes,
    content,
    edit,
    files,
    get,
    hashes,
    link,
    make,
    outcomes,
    poll,
    run_due,
    shown,
)

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

BOT = "bot/policy-config.yaml"


def test_a_prefix_stands_before_every_id(admin: APIClient, repo: Repo) -> None:
    """Whichever way the file names it; its bytes are as in git."""
    named = {
        "eu-bot": (BOT, policy("Bot")),
        "eu-other": ("x/policy-config.yaml", policy("Bot", id="other")),
        "eu-at-the-root": ("policy-config.yaml", policy("At the root")),
    }
    repo.commit(dict(named.values()))
    link(admin, repo.url, id_prefix="eu-")

    run_due()

    assert set(hashes()) == set(named)
    for pk, (_, text) in named.items():
        assert content(admin, pk) == text.encode(), pk


def test_two_repositories_with_the_same_ids_live_side_by_side(
    admin: APIClient, make_repo: Callable[[], Repo]
) -> None:
    """Which is what a prefix is for."""
    for prefix in ("eu.", "us."):
        repo = make_repo()
        repo.commit({BOT: policy(prefix)})
        link(admin, repo.url, id_prefix=prefix)

    run_due()

    assert set(hashes()) == {"eu.bot", "us.bot"}


def test_another_prefix_makes_other_configurations(admin: APIClient, repo: Repo) -> None:
    """The old ids are missing and stay in force; each new one tells what it was called."""
    repo.commit({BOT: policy("Bot")})
    row = link(admin, repo.url, id_prefix="eu-")
    run_due()

    edit(admin, row, id_prefix="us-")
    run_due()

    assert set(hashes()) == {"eu-bot", "us-bot"}
    assert outcomes(admin, row) == {(BOT, "eu-bot"): "missing", (BOT, "us-bot"): "synced"}
    renamed = {r["configuration"]: r["renamed_from"] for r in get(admin, _files(row["id"]))}
    assert renamed == {"eu-bot": "", "us-bot": "eu-bot"}


def test_another_prefix_is_applied_after_a_failure_too(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """The first attempt after the edit found nobody; the next one reads every file again."""
    repo.commit({BOT: policy("Bot")})
    row = link(admin, repo.url)
    run_due()
    forge.answers[repo.bare.name] = (503, {}, b"")
    edit(admin, row, id_prefix="us-")
    run_due()
    forge.release(repo)

    poll()

    assert set(hashes()) == {"bot", "us-bot"}


def test_a_prefixed_id_that_exists_is_adopted_by_the_same_rules(
    admin: APIClient, repo: Repo
) -> None:
    """What the API made is a conflict until `adopt` is set."""
    make(admin, "eu-bot", policy("By the API"))
    repo.commit({BOT: policy("By git")})
    row = link(admin, repo.url, id_prefix="eu-")
    run_due()
    before = outcomes(admin, row)

    edit(admin, row, adopt=True)
    run_due()

    assert before == {(BOT, "eu-bot"): "conflict"}
    assert get(admin, "/v1/configurations/eu-bot")["git_repo"] == row["id"]


def test_an_id_that_is_too_long_with_its_prefix_is_refused(admin: APIClient, repo: Repo) -> None:
    """Its neighbour goes on."""
    long = f"{'x' * 195}/policy-config.yaml"
    repo.commit({long: policy("Long"), BOT: policy("Bot")})
    row = link(admin, repo.url, id_prefix="eu-west-")

    run_due()

    assert (files(admin, row)[long]["outcome"], codes(files(admin, row)[long])) == (
        "quarantined",
        ["bad_id"],
    )
    assert list(hashes()) == ["eu-west-bot"]
    assert shown(admin, row)["files"] == {"synced": 1, "quarantined": 1}


def test_a_prefix_is_of_an_ids_alphabet(admin: APIClient) -> None:
    """What it makes must be safe as a directory's name."""
    for prefix in ("-eu", ".eu", "EU-", "e u", "eu/", "é", "x" * 101):
        body = {"url": "https://git.example/a/b.git", "id_prefix": prefix}
        answer = admin.post("/v1/git-repos", body, format="json")

        assert refusal(answer) == (400, ["id_prefix"]), prefix


def _files(link_id: str) -> str:
    return f"/v1/git-repos/{link_id}/files"
