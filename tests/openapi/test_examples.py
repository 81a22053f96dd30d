"""The examples of the document: each is sent as it stands, and works."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from access import tokens
from gitrepos.api import links
from openapi import endpoints
from tests.support.api import created
from tests.support.eyes import person
from tests.support.repo import policy
from tests.support.standing import standing

pytestmark = pytest.mark.django_db

EXAMPLES = [one for one in endpoints.found() if one.operation.example is not None]
# Its example makes what the others are about.
_FIRST = "createConfiguration"


@pytest.fixture(scope="module")
def ids(django_db_setup: None, django_db_blocker: Any, worker_id: str) -> Iterator[dict[str, Any]]:
    """Something that is there for each parameter of a path, as the examples name it."""
    with pytest.MonkeyPatch.context() as patching, standing(django_db_blocker, worker_id):
        patching.setattr(links, "_hint", lambda: None)
        yield _made(person("ada", role="admin"))


def _made(admin: APIClient) -> dict[str, Any]:
    def make(path: str, /, **other: Any) -> Any:
        """What the example of POST makes, with other fields."""
        [example] = [
            one.operation.example
            for one in EXAMPLES
            if (one.method, one.path) == ("POST", f"/v1/{path}")
        ]
        return created(admin.post(f"/v1/{path}", {**(example or {}), **other}, format="json"))

    made = {
        "configuration_id": make("configurations")["id"],
        "gateway_id": make("gateways", id="edge-9")["id"],
        "credential_id": make("git-credentials", name="other")["id"],
        "forge_credential_id": make("forge-credentials", name="other")["id"],
        "link_id": make("git-repos", path="other/")["id"],
        "trust_id": make("trusts", name="other")["id"],
        "rule_id": make("sign-in-rules", name="other")["id"],
        "endpoint_id": make("notification-endpoints", name="other")["id"],
        "token_id": str(tokens.create("other")[0].pk),
        "name": make("client-keys", name="other")["name"],
    }
    make("configurations", id="guarded", content=policy(), four_eyes=True)
    asked = {"kind": "configuration.archive", "target": "guarded", "reason": "a trial"}
    answer = admin.post("/v1/requests", asked, format="json")
    return made | {"number": answer.json()["data"]["id"]}


@pytest.mark.parametrize(
    "one",
    [one for one in EXAMPLES if one.operation.id != _FIRST],
    ids=lambda one: one.operation.id,
)
def test_each_example_works(one: Any, admin: APIClient, ids: dict[str, Any]) -> None:
    """It is answered as its operation says, with a success."""
    if one.operation.id == "askForChange":
        admin.patch("/v1/configurations/support-bot", {"four_eyes": True}, format="json")
    path = one.path.format(**ids)

    answer = getattr(admin, one.method.lower())(path, one.operation.example, format="json")

    assert answer.status_code in one.operation.status, answer.content


def test_most_bodies_have_an_example() -> None:
    """All that a person sends, but what names a secret, a commit or what a request shows."""
    lacking = {
        one.operation.id
        for one in endpoints.found()
        if one.credential == "token" and one.has_body and one.operation.example is None
    }

    assert lacking == {
        "confirmGitRepo", "confirmRequest", "releaseGatewayId", "reissueGateway",
        "replayNotification", "rotateClientKey", "rotateGatewayToken", "syncGitRepo", "testGitRepo",
        "testNotificationEndpoint", "withdrawRequest",
    }  # fmt: skip
