"""Concurrent requests that make and edit links."""

import threading
import time
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from gitrepos.links import links
from gitrepos.models import Remote
from tests.gitrepos.api.test_links import PATH, URL, post
from tests.support.api import created, like, together
from tests.support.stack import wait_for
from tests.support.syncing import get

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_of_those_who_link_at_the_same_moment_gets_it(admin: APIClient) -> None:
    """The others are told the id of that one."""

    def work(number: int) -> Any:
        client = like(admin)
        return post(client, path="policies" + "/" * (number % 2), access_token=f"t{number % 3}")

    answers = together(8, work)

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    row = next(answer.json()["data"] for answer in answers if answer.status_code == 201)
    refused = [answer.json()["error"] for answer in answers if answer.status_code == 409]
    assert {(e["code"], e["details"][0]["id"]) for e in refused} == {("already_linked", row["id"])}
    assert Remote.objects.count() == 1


def test_edits_of_one_link_follow_one_another(admin: APIClient) -> None:
    """Each is made, though the one before moved the link to another remote."""
    row = created(post(admin))

    def work(number: int) -> Any:
        client = like(admin)
        body = {"url": f"{URL}{number}", "access_token": f"t{number}"}
        return client.patch(f"{PATH}/{row['id']}", body, format="json")

    answers = together(8, work)

    assert [answer.status_code for answer in answers] == [200] * 8
    assert get(admin, f"{PATH}/{row['id']}")["generation"] == 9
    assert Remote.objects.count() == 1


def test_links_that_change_places_do_not_block_each_other(admin: APIClient) -> None:
    """Two remotes, each link on its way to the other's."""
    rows = [created(post(admin, url=f"{URL}{n}", path=str(n))) for n in range(2)]

    def work(number: int) -> Any:
        client = like(admin)
        path = f"{PATH}/{rows[number]['id']}"
        return [
            client.patch(path, {"url": f"{URL}{(number + turn) % 2}"}, format="json").status_code
            for turn in range(1, 6)
        ]

    assert together(2, work) == [[200] * 5] * 2


def test_links_appear_in_the_order_of_their_making(admin: APIClient) -> None:
    """Whoever reads page by page meets each, also one that waited for another to be written."""
    made: list[str] = []
    is_locked = threading.Event()

    def work(number: int) -> None:
        client = like(admin)
        if number:
            is_locked.wait(60)
            made.append(created(post(client, path="late"))["id"])
            return
        with links.writing():
            is_locked.set()
            wait_for(_somebody_waits)
            made.append(created(post(client, path="early"))["id"])

    together(2, work)

    assert [row["id"] for row in get(admin, PATH)] == made


def _somebody_waits() -> bool:
    """For a lock, as far as the database tells; SQLite's waits for a moment."""
    if connection.vendor == "sqlite":
        time.sleep(1)
        return True
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_locks where not granted")
        return bool(cursor.fetchone()[0])
