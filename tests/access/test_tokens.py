"""Making, listing and revoking tokens over the API."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from access import tokens
from access.models import Token
from tests.support.api import created, error, refusal

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

TOKENS = "/v1/tokens"


def bearer(text: str) -> APIClient:
    """A client with this token."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def make(admin: APIClient, **fields: object) -> dict[str, str]:
    """A token made over the API, its text included."""
    row: dict[str, str] = created(admin.post(TOKENS, {"name": "ci", **fields}, format="json"))
    return row


def test_a_new_token_opens_the_api(admin: APIClient) -> None:
    """The text that its creation shows is a bearer token from then on."""
    answer = bearer(make(admin)["token"]).get("/v1/configurations")

    assert answer.status_code == 200


def test_a_new_token_is_found_at_its_location(admin: APIClient) -> None:
    """`Location` leads to its row, which is the one that was shown without the text."""
    answer = admin.post(TOKENS, {"name": "ci"}, format="json")

    shown = admin.get(answer["Location"]).json()["data"]
    assert answer.json()["data"] == {**shown, "token": answer.json()["data"]["token"]}


def test_only_a_digest_of_a_token_is_stored(admin: APIClient) -> None:
    """No column holds the text; the hint is a part too short to guess the rest from."""
    text = make(admin)["token"]

    row = Token.objects.values().get(name="ci")
    assert row["digest"] == hashlib.sha256(text.encode()).hexdigest()
    assert not [name for name, value in row.items() if text in str(value)]
    assert len(row["hint"]) <= len(text) // 4


def test_two_tokens_differ(admin: APIClient) -> None:
    """Their names may be equal, their texts and ids are not."""
    first, second = make(admin), make(admin)

    assert first["token"] != second["token"]
    assert first["id"] != second["id"]


def test_the_list_never_shows_a_token(admin: APIClient) -> None:
    """It has what a person needs to find the one to revoke, and neither text nor digest."""
    text = make(admin)["token"]

    answer = admin.get(TOKENS)
    row = answer.json()["data"][-1]
    assert set(row) == {
        "id", "name", "role", "note", "hint", "networks", "sight", "emails", "signers", "made_by",
        "created_at", "expires_at", "revoked_at", "last_used_at", "previous_until",
    }  # fmt: skip
    assert text.startswith(row["hint"])
    assert text not in answer.content.decode()
    assert tokens.digest(text) not in answer.content.decode()


def test_an_expiry_is_kept_as_it_was_sent(admin: APIClient) -> None:
    """Whatever its offset, it is answered in UTC."""
    row = make(admin, expires_at="2999-01-31T12:00:00+02:00")

    assert datetime.fromisoformat(row["expires_at"]) == datetime(2999, 1, 31, 10, tzinfo=UTC)


@pytest.mark.parametrize("moment", ["2001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_an_expiry_in_the_past_is_refused(admin: APIClient, moment: str) -> None:
    """Such a token would be of no use and look as if it were."""
    answer = admin.post(TOKENS, {"name": "ci", "expires_at": moment}, format="json")

    assert refusal(answer) == (400, ["expires_at"])


def test_an_expired_token_is_refused(db: None) -> None:
    """On each request: the second time the process remembers the token, and looks at the clock."""
    _, text = tokens.create("short", expires_at=timezone.now() - timedelta(seconds=1))

    for _ in range(2):
        answer = bearer(text).get("/v1/whoami")
        assert (answer.status_code, error(answer)["message"]) == (401, "This token has expired.")


def test_a_revoked_token_is_refused_at_once(admin: APIClient) -> None:
    """The process that remembers it from the request before does not let it in again."""
    row = make(admin)
    client = bearer(row["token"])
    assert client.get("/v1/whoami").status_code == 200

    assert admin.delete(f"{TOKENS}/{row['id']}").json()["data"]["revoked_at"]

    answer = client.get("/v1/whoami")
    assert (answer.status_code, error(answer)["message"]) == (401, "This token is revoked.")


def test_a_token_may_revoke_itself(admin: APIClient) -> None:
    """The answer still comes; the next request is refused."""
    row = make(admin)
    client = bearer(row["token"])

    assert client.delete(f"{TOKENS}/{row['id']}").status_code == 200
    assert client.get("/v1/whoami").status_code == 401


def test_revoking_twice_keeps_the_first_moment(admin: APIClient) -> None:
    """The second time is no error, since what was asked for is so."""
    path = f"{TOKENS}/{make(admin)['id']}"

    assert admin.delete(path).json() == admin.delete(path).json()


def test_a_revoked_token_stays_in_the_list(admin: APIClient) -> None:
    """What it was and when it ended can be looked up later."""
    row = make(admin)
    admin.delete(f"{TOKENS}/{row['id']}")

    shown = {found["id"]: found for found in admin.get(TOKENS).json()["data"]}
    assert shown[row["id"]]["revoked_at"]


def test_an_unknown_token_cannot_be_shown_or_revoked(admin: APIClient) -> None:
    """404, and nothing is made of it."""
    path = f"{TOKENS}/00000000-0000-0000-0000-000000000000"

    assert error(admin.get(path))["code"] == "not_found"
    assert error(admin.delete(path))["code"] == "not_found"


def test_whoami_shows_the_token_that_asks(admin: APIClient) -> None:
    """The row of the list, and no more."""
    row = make(admin)

    found = bearer(row["token"]).get("/v1/whoami").json()["data"]["token"]
    assert found == admin.get(f"{TOKENS}/{row['id']}").json()["data"]


def test_the_first_token_is_admitted_once(db: None) -> None:
    """The operator's text opens the API of a new installation."""
    text = "operators-own-text-0123456789-0123456789"

    assert tokens.bootstrap(text)
    assert bearer(text).get("/v1/whoami").status_code == 200
    assert not tokens.bootstrap(text)


def test_a_revoked_first_token_does_not_come_back(db: None) -> None:
    """A restart with the same environment leaves it revoked."""
    text = "operators-own-text-0123456789-0123456789"
    tokens.bootstrap(text)
    tokens.revoke(Token.objects.get().pk)

    assert not tokens.bootstrap(text)
    assert bearer(text).get("/v1/whoami").status_code == 401


def test_no_first_token_is_admitted_after_any_other(db: None) -> None:
    """Whoever may set the environment later gains nothing by it."""
    tokens.create("made before")

    assert not tokens.bootstrap("operators-own-text-0123456789-0123456789")
    assert Token.objects.count() == 1
