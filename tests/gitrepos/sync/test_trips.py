"""Trips to the database for which a writer of configurations holds up all others."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from gitrepos import tasks
from gitrepos.models import Remote
from gitrepos.polling import claims, waiting
from gitrepos.sync import poll as polling
from keeptrusts.postgres.base import Connection
from tests.support.repo import Repo, policy
from tests.support.syncing import link, poll, run_due

pytestmark = pytest.mark.django_db(transaction=True)

_BOT = "bot/policy-config.yaml"
# The lock of all writers, by the name of the counter.
_COUNTER = "'configurations'"


def _held(act: Callable[[], object]) -> tuple[int, int]:
    """The trips of an act: in all, and from the lock until the commit after it."""
    with CaptureQueriesContext(connection) as made:
        act()
    statements = [one["sql"] for one in made.captured_queries]
    locked = next(
        number
        for number, sql in enumerate(statements)
        if _COUNTER in sql and ("FOR UPDATE" in sql or "UPDATE keep" in sql)
    )
    return len(statements), statements.index("COMMIT", locked) - locked


def test_an_edit_by_the_api_takes_few_trips(admin: APIClient) -> None:
    """Over a slow network a caller waits for them, and for those of the writer before."""

    def create(name: str) -> None:
        body = {"id": name, "content": policy(name)}
        assert admin.post("/v1/configurations", body, format="json").status_code == 201

    create("first")

    assert _held(lambda: create("second")) == (9, 6)


def test_a_sync_holds_writers_up_for_few_trips(admin: APIClient, repo: Repo) -> None:
    """What it can read before it holds them up it reads before."""
    repo.commit({_BOT: policy("One")})
    link(admin, repo.url)
    run_due()
    repo.commit({_BOT: policy("Two")})

    assert _held(poll)[1] <= 12


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite makes no trips")
def test_a_sync_takes_few_trips_in_all(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one at its end, by which it finds that no other sync waits."""
    repo.commit({_BOT: policy("One")})
    link(admin, repo.url)
    run_due()
    repo.commit({_BOT: policy("Two")})
    Remote.objects.update(next_poll_at=timezone.now())
    batch = claims.due(timezone.now())
    assert batch is not None
    polling.poll(batch, waiting.put)
    trips = []
    wait = Connection.wait

    def count(self: Connection, gen: Any, *args: Any) -> Any:
        # Django's change of a mode that the server does not hear of.
        if gen.__name__ != "_set_autocommit_gen":
            trips.append(gen.__name__)
        return wait(self, gen, *args)

    monkeypatch.setattr(Connection, "wait", count)

    tasks.sync_remote.apply()

    assert len(trips) <= 21 + 1
