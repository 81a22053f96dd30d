"""Concurrent requests for configurations, each on a connection of its own."""

import hashlib
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.configurations.conftest import Make
from tests.support.api import like, together
from tests.support.repo import policy

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/v1/configurations"
THREADS = 8


def test_one_of_those_who_make_an_id_gets_it(admin: APIClient) -> None:
    """The others are told that it is taken, and what is stored is the winner's alone."""

    def work(number: int) -> Any:
        body = {"id": "bot", "content": policy(f"Bot {number}")}
        return like(admin).post(PATH, body, format="json")

    answers = together(THREADS, work)

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (THREADS - 1)
    codes = {answer.json()["error"]["code"] for answer in answers if answer.status_code == 409}
    assert codes == {"id_taken"}
    winner = next(number for number in range(THREADS) if answers[number].status_code == 201)
    assert admin.get(f"{PATH}/bot/content").content == policy(f"Bot {winner}").encode()
    assert len(admin.get(f"{PATH}/bot/versions").json()["data"]) == 1


def test_edits_at_the_same_moment_leave_no_gap(admin: APIClient, make: Make) -> None:
    """Every one is a version, numbered one after the other; the last is in force."""
    make()

    def work(number: int) -> Any:
        body = {"content": policy(f"Edit {number}"), "note": str(number)}
        return like(admin).patch(f"{PATH}/bot", body, format="json")

    answers = together(THREADS, work)

    assert {answer.status_code for answer in answers} == {200}
    rows = admin.get(f"{PATH}/bot/versions").json()["data"]
    assert [row["number"] for row in rows] == list(range(THREADS + 1, 0, -1))
    assert {row["note"] for row in rows[:-1]} == {str(number) for number in range(THREADS)}
    content = admin.get(f"{PATH}/bot/content").content
    row = admin.get(f"{PATH}/bot").json()["data"]
    assert row["content_hash"] == rows[0]["content_hash"] == hashlib.sha256(content).hexdigest()


def test_edits_of_other_fields_are_not_lost(admin: APIClient, make: Make) -> None:
    """A label does not undo the content that was sent beside it."""
    make()

    def work(number: int) -> Any:
        body: dict[str, Any] = {"content": policy("Two")} if number else {"labels": {"a": "b"}}
        return like(admin).patch(f"{PATH}/bot", body, format="json")

    together(2, work)

    row = admin.get(f"{PATH}/bot").json()["data"]
    assert (row["version"], row["labels"]) == (2, {"a": "b"})


def test_a_reader_never_sees_an_old_list_under_a_new_etag(admin: APIClient, make: Make) -> None:
    """While others write, each ETag brings at least the rows it stood for before."""
    make("first")

    def work(number: int) -> Any:
        client = like(admin)
        if number < THREADS // 2:
            body = {"id": f"c{number}", "content": policy()}
            return client.post(PATH, body, format="json").status_code
        answers = [client.get(PATH) for _ in range(10)]
        return [(answer["ETag"], len(answer.json()["data"])) for answer in answers]

    results = together(THREADS, work)

    final = admin.get(PATH)
    assert len(final.json()["data"]) == 1 + THREADS // 2
    seen = [pair for result in results[THREADS // 2 :] for pair in result]
    assert {count for tag, count in seen if tag == final["ETag"]} <= {1 + THREADS // 2}
