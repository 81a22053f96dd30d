"""Enrolment tokens: a group of gateways registers itself."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from tests.support.api import created, error, refusal
from tests.support.gateways import machine, pin
from tests.support.syncing import get

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

PATH = "/v1/enrolment-tokens"
Issue = Callable[..., dict[str, Any]]


@pytest.fixture
def issue(admin: APIClient) -> Issue:
    """Make an enrolment token."""

    def _issue(**fields: Any) -> dict[str, Any]:
        row: dict[str, Any] = created(admin.post(PATH, {"name": "edge", **fields}, format="json"))
        return row

    return _issue


def enrol(token: str, **body: Any) -> Any:
    """Ask to be registered."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client.post("/v1/gateways/enrol", body, format="json")


def test_a_gateway_enrols_itself(issue: Issue, bot: str) -> None:
    """It is answered as one that a person registered, and may pull at once."""
    token = issue(configuration=bot, labels={"region": "eu", "ring": "one"})["token"]

    row = created(enrol(token, id="edge-7", name="Seven", labels={"ring": "two", "own": "x"}))

    assert token.startswith("kte_")
    assert pin(row["token"]) == pin(token) == row["signing_key_fingerprint"]
    assert row["labels"] == {"region": "eu", "ring": "one", "own": "x"}
    assert machine(row).statement()["configuration"] == bot


def test_an_id_that_exists_is_refused(issue: Issue) -> None:
    """Nobody takes another's place with a token that a group shares."""
    token = issue()["token"]
    created(enrol(token, id="edge-7"))

    answer = enrol(token, id="edge-7")

    assert (answer.status_code, error(answer)["code"]) == (409, "id_taken")


@pytest.mark.parametrize("field", ["configuration", "expires_at"])
def test_a_gateway_chooses_no_more_than_it_may(issue: Issue, field: str) -> None:
    """What it enforces comes from the token."""
    assert refusal(enrol(issue()["token"], id="a", **{field: "bot"})) == (400, [field])


def test_a_revoked_token_enrols_nobody(admin: APIClient, issue: Issue, bot: str) -> None:
    """Those that enrolled with it stay."""
    row = issue(configuration=bot)
    before = machine(created(enrol(row["token"], id="a")))

    admin.delete(f"{PATH}/{row['id']}")

    assert enrol(row["token"], id="b").status_code == 401
    assert before.pull().status_code == 200
    assert get(admin, f"{PATH}/{row['id']}")["revoked_at"] is not None


def test_an_expired_token_enrols_nobody(issue: Issue, db: None) -> None:
    """Its end is chosen when it is made."""
    from gateways.models import EnrolmentToken

    token = issue(expires_at=(timezone.now() + timedelta(hours=1)).isoformat())["token"]
    EnrolmentToken.objects.update(expires_at=timezone.now())

    assert enrol(token, id="a").status_code == 401


def test_an_enrolment_token_opens_nothing_else(admin: APIClient, issue: Issue) -> None:
    """Neither the API of people nor a gateway's; nor does theirs enrol."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue()['token']}")

    assert client.get(PATH).status_code == 401
    assert client.get("/v1/gateways/a/configuration").status_code == 401
    assert admin.post("/v1/gateways/enrol", {"id": "a"}, format="json").status_code == 401


def test_a_list_shows_no_token(admin: APIClient, issue: Issue) -> None:
    """It is shown when it is made."""
    token = issue()["token"]

    [row] = get(admin, PATH)

    assert "token" not in row
    assert token.partition(".")[2].encode() not in admin.get(PATH).content


def test_a_token_cannot_be_born_expired(admin: APIClient) -> None:
    """As with the tokens of people."""
    body = {"name": "x", "expires_at": "2020-01-01T00:00:00Z"}

    assert refusal(admin.post(PATH, body, format="json")) == (400, ["expires_at"])
