"""`POST /v1/configurations/validate`."""

import pytest
from rest_framework.test import APIClient

from configurations.models import Configuration
from tests.support.repo import policy

pytestmark = [pytest.mark.django_db]


def _validate(admin: APIClient, **body: object) -> dict[str, object]:
    answer = admin.post("/v1/configurations/validate", body, format="json")
    assert answer.status_code == 200, answer.content
    data: dict[str, object] = answer.json()["data"]
    return data


def test_a_good_content_is_valid_and_stores_nothing(admin: APIClient) -> None:
    """The answer names the id it would get."""
    data = _validate(admin, content=policy("Support bot"), directory="support")

    assert (data["valid"], data["id"], data["chain"]) == (True, "support", ["safety-filter"])
    assert not Configuration.objects.exists()


def test_a_bad_content_is_answered_with_every_finding(admin: APIClient) -> None:
    """It is the answer to the question and no error of the request."""
    content = policy("Bot").replace("1.0.0", '"1.0"').replace("safety-filter", "safty-filter")

    data = _validate(admin, content=content)

    assert data["valid"] is False
    assert [(f["code"], f["line"]) for f in data["findings"]] == [("E008", 3), ("E001", 7)]  # type: ignore[attr-defined]


def test_a_configuration_may_be_called_validate(admin: APIClient) -> None:
    """The path's other methods are its own."""
    body = {"id": "validate", "content": policy("Any")}
    assert admin.post("/v1/configurations", body, format="json").status_code == 201

    assert admin.get("/v1/configurations/validate").json()["data"]["name"] == "Any"


def test_a_content_whose_own_test_fails_is_refused(admin: APIClient) -> None:
    """With the place of the case."""
    suite = (
        "testing:\n  suites:\n    - name: s\n      cases:\n        - name: c\n"
        "          input: {messages: [{role: user, content: Hello}]}\n"
        "          expected: {verdict: block}\n"
    )

    answer = admin.post("/v1/configurations", {"content": policy("Bot") + suite}, format="json")

    assert answer.status_code == 400
    assert [d["code"] for d in answer.json()["error"]["details"]] == ["suite_failed"]
