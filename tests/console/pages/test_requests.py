"""Pages of requests under four eyes."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from tests.console.browser import Browser
from tests.support import eyes
from tests.support.repo import policy


@pytest.fixture
def asked(admin: APIClient) -> str:
    """The page of a request to roll `chat` back, by an editor."""
    body = {"id": "chat", "content": policy("One")}
    assert admin.post("/v1/configurations", body, format="json").status_code == 201
    body = {"content": policy("Two"), "four_eyes": True}
    assert admin.patch("/v1/configurations/chat", body, format="json").status_code == 200
    row = eyes.ask(eyes.person("ann"), "configuration.rollback", "chat", {"version": 1})
    return f"/requests/{row['id']}"


@pytest.mark.parametrize(
    ("act", "state", "version"),
    [("confirm_request", "confirmed", 3), ("refuse_request", "refused", 2)],
)
def test_another_person_answers(
    act: str, state: str, version: int, asked: str, admin: APIClient,
    sign_in: Callable[[str], Browser],
) -> None:  # fmt: skip
    """With what was shown; then the page says what became of it."""
    other = sign_in("editor")
    assert asked in other.get("/requests").content.decode()

    answer = other.send(asked, act, **({"reason": "no"} if state == "refused" else {}))

    assert answer.status_code == 303, answer.content
    page = other.get(asked).content.decode()
    assert f">{state}</span>" in page and "editor of tests answered" in page
    assert admin.get("/v1/configurations/chat").json()["data"]["version"] == version


def test_a_viewer_looks_on(asked: str, sign_in: Callable[[str], Browser]) -> None:
    """Without a form."""
    viewer = sign_in("viewer")

    assert viewer.get(asked).status_code == 200
    assert viewer.forms(asked, "confirm_request") == []
