"""Restoring an archived configuration."""

import pytest
from rest_framework.test import APIClient

from tests.support.repo import policy

pytestmark = [pytest.mark.django_db]


def _made(admin: APIClient) -> str:
    body = {"id": "bot", "content": policy("Bot")}
    assert admin.post("/v1/configurations", body, format="json").status_code == 201
    assert admin.delete("/v1/configurations/bot").status_code == 200
    return "/v1/configurations/bot"


def test_an_archived_configuration_is_restored_with_its_content(admin: APIClient) -> None:
    """Without a new version; the list has it again."""
    path = _made(admin)

    row = admin.patch(path, {"status": "active"}, format="json").json()["data"]

    assert (row["status"], row["version"]) == ("active", 1)
    assert [row["id"] for row in admin.get("/v1/configurations").json()["data"]] == ["bot"]


def test_it_may_be_restored_with_another_content(admin: APIClient) -> None:
    """In one step, which is its next version."""
    path = _made(admin)
    body = {"status": "active", "content": policy("Bot two")}

    row = admin.patch(path, body, format="json").json()["data"]

    assert (row["status"], row["version"]) == ("active", 2)


def test_a_taken_id_says_that_an_archived_one_has_it(admin: APIClient) -> None:
    """And an edit says how to get it back."""
    path = _made(admin)

    again = admin.post("/v1/configurations", {"id": "bot", "content": policy()}, format="json")
    edit = admin.patch(path, {"name": "Bot"}, format="json")

    assert "archived" in again.json()["error"]["message"]
    assert '"status": "active"' in edit.json()["error"]["message"]
    assert (again.status_code, edit.status_code) == (409, 409)


def test_no_other_status_can_be_set(admin: APIClient) -> None:
    """DELETE archives."""
    path = _made(admin)

    answer = admin.patch(path, {"status": "archived"}, format="json")

    assert answer.status_code == 400
    assert "DELETE" in answer.json()["error"]["message"]
