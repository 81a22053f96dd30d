"""`GET /v1/rollouts`: of each configuration how many gateways run what they should."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.gateways.conftest import Register
from tests.support.api import created
from tests.support.narrowed import client_of
from tests.support.repo import Repo, policy
from tests.support.syncing import link, override, poll

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]


def _rows(client: APIClient, **query: str) -> list[dict[str, Any]]:
    answer = client.get("/v1/rollouts", query)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["data"])


def _made(admin: APIClient, *names: str) -> None:
    for name in names:
        body = {"id": name, "content": policy(), "note": f"about {name}"}
        created(admin.post("/v1/configurations", body, format="json"))


def test_gateways_are_counted(admin: APIClient, register: Register, bot: str) -> None:
    """Those that are bound, and of them those that run the version in force."""
    _made(admin, "alone")
    fleet = [register(f"g{number}", configuration=bot) for number in range(3)]
    for one in fleet:
        one.run()
    override(admin, bot, policy("Bot 2"))
    fleet[0].run()

    alone, counted = _rows(admin)

    assert (alone["configuration"], alone["gateways"], alone["enforcing"]) == ("alone", 0, 0)
    assert (counted["version"], counted["gateways"], counted["enforcing"]) == (2, 3, 1)
    assert (alone["source"], alone["note"]) == ("api", "about alone")


def test_times_are_those_of_the_rollout_of_one(
    admin: APIClient, register: Register, bot: str
) -> None:
    """After each step, also with gateways that came late or run something else."""
    fleet = [register(f"g{number}", configuration=bot) for number in range(3)]
    steps: list[Callable[[], Any]] = [
        lambda: override(admin, bot, policy("Bot 2")),
        fleet[0].run,
        lambda: register("late", configuration=bot).run(),
        fleet[1].run,
        fleet[2].run,
        lambda: override(admin, bot, policy("Bot 3")),
        fleet[2].run,
    ]
    seen = []
    for step in steps:
        step()
        (row,) = _rows(admin)
        one = admin.get("/v1/configurations/bot/rollout").json()["data"]
        common = row.keys() & one.keys() - {"commit"}
        assert {name: row[name] for name in common} == {name: one[name] for name in common}
        seen.append((row["first_enforced_at"] is not None, row["all_enforced_at"] is not None))

    none, some, whole = (False, False), (True, False), (True, True)
    assert seen == [none, some, some, some, whole, none, some]


def test_a_commit_names_its_author(admin: APIClient, repo: Repo) -> None:
    """As the version in force does."""
    repo.commit({"bot/policy-config.yaml": policy("bot")})
    link(admin, repo.url)
    poll()

    (row,) = _rows(admin)

    version = admin.get("/v1/configurations/bot/versions/1").json()["data"]
    assert {name: row[name] for name in ("source", "commit", "author", "message", "actor")} == {
        name: version[name] for name in ("source", "commit", "author", "message", "actor")
    }


def test_some_are_asked_for(admin: APIClient) -> None:
    """By their ids; one that is not there, or not seen, is left out."""
    _made(admin, "a", "b", "c")

    assert [row["configuration"] for row in _rows(admin, configuration="c,a,none")] == ["a", "c"]
    narrowed = client_of("viewer", ids=["a"])
    assert [row["configuration"] for row in _rows(narrowed, configuration="a,c")] == ["a"]
    assert admin.get("/v1/rollouts", {"configuration": "a,,b"}).status_code == 400


def test_a_page_takes_as_many_queries_at_any_size(admin: APIClient, register: Register) -> None:
    """However many rows and gateways there are."""
    taken = []
    for size in range(2):
        names = [f"c{size}-{number}" for number in range(4 * size + 1)]
        _made(admin, *names)
        for name in names:
            register(f"g-{name}", configuration=name)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            _rows(admin, limit="50")
        taken.append(len(queries))

    assert taken[0] == taken[1]
