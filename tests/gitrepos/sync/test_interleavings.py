"""Interleavings of people's requests and syncs: one order, and nothing lost."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from configurations.models import Configuration, Version
from gitrepos.links import links
from gitrepos.models import Link, Remote
from gitrepos.polling import claims
from gitrepos.polling.claims import Fence
from gitrepos.sync import poll as polling
from gitrepos.sync import steps
from tests.support.api import like, together
from tests.support.repo import Repo, policy
from tests.support.syncing import (
    confirm,
    content,
    edit,
    get,
    hashes,
    kinds,
    link,
    outcomes,
    override,
    pin,
    poll,
    request,
    run_due,
    shown,
    unpin,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]

BOT = "bot/policy-config.yaml"
ONE, TWO, HAND = (policy("Bot", description=word) for word in ("one", "two", "by hand"))
FOUR = [f"{name}/policy-config.yaml" for name in "abcd"]
Meanwhile = Callable[[Callable[[], object]], None]
Row = dict[str, Any]


@pytest.fixture
def row(admin: APIClient, repo: Repo) -> Row:
    """A link with its first commit in force, and the second one pushed."""
    repo.commit({BOT: ONE})
    made = link(admin, repo.url)
    run_due()
    repo.commit({BOT: TWO})
    return made


def test_an_edit_by_the_api_during_a_fetch_is_replaced_by_what_git_says(
    admin: APIClient, row: Row, meanwhile: Meanwhile
) -> None:
    """Both are versions, and an event tells that the override ended."""
    meanwhile(lambda: override(admin, "bot", HAND))

    poll()

    assert content(admin, "bot") == TWO.encode()
    assert [v["source"] for v in get(admin, "/v1/configurations/bot/versions")] == [
        "git",
        "api",
        "git",
    ]
    assert kinds(configuration="bot") == ["overridden", "override_replaced"]


def test_an_archive_during_a_fetch_ends_with_what_git_says(
    admin: APIClient, row: Row, meanwhile: Meanwhile
) -> None:
    """The file changed, and returns to force."""
    meanwhile(lambda: admin.delete("/v1/configurations/bot?override=true"))

    poll()

    assert get(admin, "/v1/configurations/bot")["status"] == "active"
    assert content(admin, "bot") == TWO.encode()


def test_a_pin_during_a_fetch_holds(admin: APIClient, row: Row, meanwhile: Meanwhile) -> None:
    """What is in flight is noted, and not published."""
    meanwhile(lambda: pin(admin, "bot"))

    poll()

    assert content(admin, "bot") == ONE.encode()
    assert outcomes(admin, row) == {(BOT, "bot"): "pinned"}


def test_a_release_during_a_fetch_is_served_by_the_next_sync(
    admin: APIClient, repo: Repo, row: Row, meanwhile: Meanwhile
) -> None:
    """At once, though the one in flight knew nothing of the bytes."""
    pin(admin, "bot", version=1)
    poll()
    repo.commit({"other/policy-config.yaml": policy("Other")})
    meanwhile(lambda: unpin(admin, "bot"))
    poll()

    run_due()

    assert content(admin, "bot") == TWO.encode()
    assert outcomes(admin, row)[BOT, "bot"] == "synced"


def remove_most(repo: Repo) -> None:
    """Put four files in force, and push a commit that has one of them."""
    repo.commit({**{path: policy(path[0]) for path in FOUR}, BOT: None})
    poll()
    repo.commit(dict.fromkeys(FOUR[:3]))


def test_what_is_confirmed_during_a_fetch_of_another_commit_does_not_pass(
    admin: APIClient, repo: Repo, row: Row, meanwhile: Meanwhile
) -> None:
    """Nobody saw the new one; it is held in turn."""
    remove_most(repo)
    poll()
    repo.commit({FOUR[3]: None, "readme.md": "Nothing.\n"})
    meanwhile(lambda: confirm(admin, row))

    poll()
    run_due()

    held = shown(admin, row)["held"]
    assert held["commit"] == repo.git("rev-parse", "HEAD")
    assert len(held["would_remove"]) == 4
    assert Link.objects.get().confirmed_commit == ""


def test_what_is_confirmed_during_its_own_fetch_passes(
    admin: APIClient, repo: Repo, row: Row, meanwhile: Meanwhile
) -> None:
    """The one in flight is the one that was confirmed."""
    remove_most(repo)
    poll()
    request(admin, row)
    meanwhile(lambda: confirm(admin, row))

    run_due()

    assert (shown(admin, row)["held"], shown(admin, row)["status"]) == (None, "synced")


def test_an_edit_during_a_fetch_of_what_is_held_asks_anew(
    admin: APIClient, repo: Repo, row: Row, meanwhile: Meanwhile
) -> None:
    """What was planned for another link is not held either."""
    remove_most(repo)
    meanwhile(lambda: edit(admin, row, prune=True))
    poll()
    between = shown(admin, row)["held"]

    run_due()

    assert (between, shown(admin, row)["held"]["reason"]) == (None, "mass_removal")
    assert set(hashes()) == {"bot", "a", "b", "c", "d"}


def test_two_links_that_write_one_id_at_the_same_moment(
    admin: APIClient, make_repo: Callable[[], Repo]
) -> None:
    """One has it, the other reports the conflict, and nothing is overwritten."""
    rows = []
    for name in ("Left", "Right"):
        repo = make_repo()
        repo.commit({BOT: policy(name)})
        rows.append(link(admin, repo.url))
    batch = claims.due(timezone.now())
    assert batch is not None
    waiting: dict[UUID, Any] = {}
    polling.poll(batch, lambda _, found: waiting.update(found))
    fences = [Fence(remote_id, batch.id) for remote_id in waiting]

    together(2, lambda number: steps.sync(fences[number], waiting[fences[number].remote_id]))

    said = sorted(outcomes(admin, row)[BOT, "bot"] for row in rows)
    owner = get(admin, "/v1/configurations/bot")["git_repo"]
    assert said == ["conflict", "synced"]
    assert outcomes(admin, {"id": owner})[BOT, "bot"] == "synced"
    assert Version.objects.count() == 1


def test_two_manual_syncs_at_the_same_moment_are_one(admin: APIClient, row: Row) -> None:
    """Both are served, by one claim."""

    def work(_number: int) -> None:
        request(like(admin), row)
        run_due()

    together(2, work)
    run_due()

    link_row, remote = Link.objects.get(), Remote.objects.get()
    assert (link_row.requested_seq, link_row.served_seq, remote.claim_id) == (2, 2, None)
    assert Version.objects.count() == 2
    assert content(admin, "bot") == TWO.encode()


def test_pins_and_releases_at_the_same_moment_as_syncs_end_in_git(
    admin: APIClient, repo: Repo, row: Row
) -> None:
    """Whatever came first, the last release gives git the last word."""

    def work(number: int) -> None:
        if number == 0:
            poll()
        else:
            client = like(admin)
            for _ in range(3):
                pin(client, "bot", version=1)
                unpin(client, "bot")

    together(2, work)
    for _ in range(2):
        run_due()

    assert content(admin, "bot") == TWO.encode()
    assert get(admin, "/v1/configurations/bot")["pin"] is None


def test_ticks_that_find_one_expired_pin_ask_for_one_sync(admin: APIClient, row: Row) -> None:
    """Several pollers look for such pins each second."""
    pin(admin, "bot")
    Configuration.objects.update(pin_expires_at=timezone.now())

    together(8, lambda _: links.expire_pins())

    assert Link.objects.get(pk=row["id"]).requested_seq == 1
    assert kinds(configuration="bot") == ["pinned", "unpinned"]
