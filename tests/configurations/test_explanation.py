"""`GET /v1/configurations/{id}/explanation`: what a version enforces, in words."""

import pytest
from rest_framework.test import APIClient

from configurations.models import Version
from tests.support.api import created
from tests.support.narrowed import client_of
from tests.support.repo import policy

pytestmark = [pytest.mark.django_db]

PATH = "/v1/configurations/bot/explanation"


@pytest.fixture(autouse=True)
def _stored(admin: APIClient) -> None:
    created(admin.post("/v1/configurations", {"id": "bot", "content": policy()}, format="json"))
    body = {"content": policy("Personal").replace("- safety-filter", "- pii-detector")}
    assert admin.patch("/v1/configurations/bot", body, format="json").status_code == 200


def test_a_version_is_told_in_words(admin: APIClient) -> None:
    """Without a number the one in force."""
    current, first = (
        admin.get(PATH, query).json()["data"] for query in ({}, {"version": "1"})
    )  # fmt: skip

    assert (current["version"], current["valid"], current["chain"]) == (2, True, ["pii-detector"])
    assert current["enforces"] == [
        {"path": "policies.chain[0]",
         "message": "pii-detector, on requests and answers: personal data"},
        {"path": "policy.pii-detector.action", "message": 'what a hit leads to: "redact"'},
    ]  # fmt: skip
    assert (first["version"], first["chain"]) == (1, ["safety-filter"])


def test_what_the_rules_refuse_now_is_not_told(admin: APIClient) -> None:
    """But its findings are."""
    Version.objects.filter(number=2).update(content=b"pack: 1\n")

    data = admin.get(PATH).json()["data"]

    assert (data["valid"], data["enforces"]) == (False, None)
    assert {finding["severity"] for finding in data["findings"]} >= {"error"}


def test_a_viewer_reads_it_and_whoever_does_not_see_it_does_not(admin: APIClient) -> None:
    """As the content itself."""
    assert client_of("viewer", ids=["bot"]).get(PATH).status_code == 200
    assert client_of("viewer", ids=["other"]).get(PATH).status_code == 404
    assert admin.get(PATH, {"version": "7"}).status_code == 404
