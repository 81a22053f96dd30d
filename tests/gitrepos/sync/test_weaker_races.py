"""Held commits that are confirmed while something else happens to them."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from configurations.models import Configuration
from tests.support.api import like, together
from tests.support.eyes import ask, person, strong, weak
from tests.support.repo import Repo
from tests.support.syncing import content, link, poll, run_due, shown

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]

FILE = "p/bot/policy-config.yaml"


@pytest.fixture
def row(bob: APIClient, repo: Repo) -> dict[str, Any]:
    """A link under four eyes."""
    repo.commit({FILE: strong()})
    made = link(bob, repo.url, branch="main", path="p", four_eyes=True)
    run_due()
    return made


def confirm(by: APIClient, row: dict[str, Any], commit: str) -> Any:
    return by.post(f"/v1/git-repos/{row['id']}/confirm", {"commit": commit}, format="json")


def settled(by: APIClient, row: dict[str, Any]) -> dict[str, Any]:
    """The link when nothing is due any more."""
    for _ in range(3):
        poll()
    return shown(by, row)


def test_a_poll_that_brings_a_newer_commit(bob: APIClient, repo: Repo, row: dict[str, Any]) -> None:
    """The newer one never passes by the confirmation of the older."""
    for number in range(4):
        older = repo.commit({FILE: weak() + f"# {number} older\n"})
        poll()
        newer = repo.commit({FILE: weak() + f"# {number} newer\n"})
        together(2, lambda at, older=older: poll() if at else confirm(bob, row, older))

        now = settled(bob, row)
        assert now["held"]["commit"] == newer
        assert content(bob, "bot") == strong().encode()
        assert confirm(bob, row, newer).status_code == 202
        run_due()
        assert content(bob, "bot") == (weak() + f"# {number} newer\n").encode()
        repo.commit({FILE: strong()})
        settled(bob, row)
        assert content(bob, "bot") == strong().encode()


def test_two_confirm_one_commit(bob: APIClient, repo: Repo, row: dict[str, Any]) -> None:
    """One of them is told, and the commit comes into force once."""
    commit = repo.commit({FILE: weak()})
    poll()
    clients = [bob, person("cy"), like(bob)]

    answers = together(3, lambda at: confirm(clients[at], row, commit))

    assert sorted(answer.status_code for answer in answers) == [202, 409, 409]
    settled(bob, row)
    assert Configuration.objects.get().version == 2


@pytest.mark.parametrize("fields", [{"poll_interval_seconds": 600}, {"four_eyes": True}])
def test_an_edit_of_the_link_while_it_is_confirmed(
    bob: APIClient, repo: Repo, row: dict[str, Any], fields: dict[str, Any]
) -> None:
    """Nothing passes that is not confirmed as the link is by then."""
    commit = repo.commit({FILE: weak()})
    poll()
    path = f"/v1/git-repos/{row['id']}"

    def work(at: int) -> Any:
        return like(bob).patch(path, fields, format="json") if at else confirm(bob, row, commit)

    confirmation, edit = together(2, work)

    assert edit.status_code == 200
    assert confirmation.status_code in (202, 409)
    # Whichever was first: an edit ends a confirmation, which then is given anew.
    now = settled(bob, row)
    if now["held"] is not None:
        assert content(bob, "bot") == strong().encode()
        assert confirm(bob, row, now["held"]["commit"]).status_code == 202
        run_due()
    assert content(bob, "bot") == weak().encode()


def test_an_override_while_it_is_confirmed(bob: APIClient, repo: Repo, row: dict[str, Any]) -> None:
    """The commit is weighed against what is in force when it comes."""
    commit = repo.commit({FILE: weak()})
    poll()
    change = {"content": strong() + "# by hand\n", "override": True}
    asked = ask(person("dora"), "configuration.edit", "bot", change)
    path = f"/v1/requests/{asked['id']}/confirm"

    def work(at: int) -> Any:
        if at:
            return like(bob).post(path, asked["shows"], format="json")
        return confirm(bob, row, commit)

    together(2, work)
    now = settled(bob, row)

    assert now["held"]["commit"] == commit
    assert content(bob, "bot") == (strong() + "# by hand\n").encode()
    assert now["held"]["replaces"][0][1] == asked["shows"]["content_hash"]
