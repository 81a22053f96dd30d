"""Rollback to an earlier version, and the difference between two."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from configurations.models import Version
from tests.support.api import error, refusal
from tests.support.repo import policy

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

BLOCKING = policy("Bot") + "    - pii-detector\n"


@pytest.fixture
def bot(admin: APIClient) -> str:
    """A configuration with two versions."""
    body = {"id": "bot", "content": BLOCKING}
    assert admin.post("/v1/configurations", body, format="json").status_code == 201
    body = {"content": policy("Bot")}
    assert admin.patch("/v1/configurations/bot", body, format="json").status_code == 200
    return "/v1/configurations/bot"


def rollback(admin: APIClient, path: str, **body: Any) -> Any:
    return admin.post(f"{path}/rollback", body, format="json")


def test_a_rollback_is_a_version_with_old_content(admin: APIClient, bot: str) -> None:
    """It says who made it and what for; the versions before it stay."""
    answer = rollback(admin, bot, version=1, note="too weak")

    assert answer.status_code == 200
    assert answer.json()["data"]["version"] == 3
    assert admin.get(f"{bot}/content").content == BLOCKING.encode()
    [version, *older] = admin.get(f"{bot}/versions").json()["data"]
    assert (version["actor"], version["note"]) == ("tests", "too weak")
    assert [row["number"] for row in older] == [2, 1]


def test_a_rollback_to_what_is_in_force_makes_no_version(admin: APIClient, bot: str) -> None:
    """Nor does it tell any reader."""
    etag = admin.get("/v1/configurations")["ETag"]

    answer = rollback(admin, bot, version=2)

    assert (answer.status_code, answer.json()["data"]["version"]) == (200, 2)
    assert admin.get("/v1/configurations")["ETag"] == etag
    assert Version.objects.count() == 2


def test_a_rollback_says_by_itself_where_it_went(admin: APIClient, bot: str) -> None:
    """When nobody sent a note."""
    rollback(admin, bot, version=1)

    assert admin.get(f"{bot}/versions/3").json()["data"]["note"] == "Rollback to version 1."


def test_a_rollback_that_cannot_be_says_why(admin: APIClient, bot: str) -> None:
    """No such version, no such configuration, an archived one, or not even a number."""
    answers = [rollback(admin, bot, version=7), rollback(admin, "/v1/configurations/x", version=1)]
    invalid = rollback(admin, bot, version="1")
    admin.delete(bot)
    answers.append(rollback(admin, bot, version=1))

    assert [(a.status_code, error(a)["code"]) for a in answers] == [
        (404, "not_found"),
        (404, "not_found"),
        (409, "archived"),
    ]
    assert refusal(invalid) == (400, ["version"])


def test_a_diff_says_what_a_version_does_to_enforcement(admin: APIClient, bot: str) -> None:
    """By default what the current one changed."""
    answer = admin.get(f"{bot}/diff").json()["data"]

    assert (answer["from"], answer["to"]) == (1, 2)
    [change] = answer["changes"]
    assert (change["effect"], change["path"]) == ("weaker", "policies.chain")
    assert "pii-detector no longer runs" in change["message"]


@pytest.mark.parametrize(
    ("query", "effects"),
    [("?from=2&to=1", ["stronger"]), ("?from=1&to=1", []), ("?to=1", []), ("?from=1", ["weaker"])],
)
def test_a_diff_goes_between_any_two(
    admin: APIClient, bot: str, query: str, effects: list[str]
) -> None:
    """In either direction; the first version has nothing before it."""
    changes = admin.get(f"{bot}/diff{query}").json()["data"]["changes"]

    assert [change["effect"] for change in changes] == effects


def test_a_diff_that_cannot_be_says_why(admin: APIClient, bot: str) -> None:
    """No such version, no number, or a content that the present rules refuse."""
    missing, invalid = admin.get(f"{bot}/diff?from=9"), admin.get(f"{bot}/diff?to=x")
    Version.objects.filter(number=1).update(content=b"pack: [")
    refused = admin.get(f"{bot}/diff")

    assert (missing.status_code, error(missing)["code"]) == (404, "not_found")
    assert refusal(invalid) == (400, ["to"])
    assert (refused.status_code, error(refused)["code"]) == (409, "not_comparable")
