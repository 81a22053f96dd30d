"""Enrolment tokens: a group of gateways registers itself."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from gateways.models import Gateway
from gateways.registry import enrolment
from tests.support.api import created, error, like, refusal, together
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

    row = created(enrol(token, id="edge-7", name="Seven"))

    assert token.startswith("kte_")
    assert pin(row["token"]) == pin(token) == row["signing_key_fingerprint"]
    assert row["labels"] == {"region": "eu", "ring": "one"}
    assert machine(row).statement()["configuration"] == bot


def test_an_id_that_exists_is_refused(issue: Issue) -> None:
    """Nobody takes another's place with a token that a group shares."""
    token = issue()["token"]
    created(enrol(token, id="edge-7"))

    answer = enrol(token, id="edge-7")

    assert (answer.status_code, error(answer)["code"]) == (409, "id_taken")


@pytest.mark.parametrize("field", ["configuration", "expires_at", "labels", "client_keys"])
def test_a_gateway_chooses_no_more_than_it_may(issue: Issue, field: str) -> None:
    """What it enforces comes from the token."""
    assert refusal(enrol(issue()["token"], id="a", **{field: "bot"})) == (400, [field])


def test_a_gateway_chooses_no_labels(
    admin: APIClient, issue: Issue, bot: str, bind: Callable[..., str]
) -> None:
    """They would say what binds it, and which policies it reads; whose they are, it is told."""
    bind(bot, tier="secret")
    issued = issue(labels={"team": "a"})

    for labels in ({"tier": "secret"}, {}, None, "x"):
        answer = enrol(issued["token"], id="thief", labels=labels)
        assert refusal(answer) == (400, ["labels"])
    assert "are those of the enrolment token" in error(answer)["message"]
    row = created(enrol(issued["token"], id="honest"))
    assert (row["labels"], row["bound"]) == ({"team": "a"}, None)


def test_a_token_lives_for_thirty_days_by_itself(admin: APIClient, issue: Issue) -> None:
    """And for a year at most."""
    until = [
        datetime.fromisoformat(issue(**fields)["expires_at"]) - timezone.now()
        for fields in ({}, {"expires_at": None})
    ]
    assert all(timedelta(days=29) < one <= timedelta(days=30) for one in until)
    later = (timezone.now() + timedelta(days=367)).isoformat()
    body = {"name": "x", "expires_at": later}
    assert refusal(admin.post(PATH, body, format="json")) == (400, ["expires_at"])


def test_a_token_has_as_many_uses_as_it_was_given(admin: APIClient, issue: Issue) -> None:
    """A refused registration is none, and a row says who came by which token."""
    issued = issue(max_uses=2)
    created(enrol(issued["token"], id="a"))
    assert enrol(issued["token"], id="a").status_code == 409
    created(enrol(issued["token"], id="b"))
    answer = enrol(issued["token"], id="c")

    assert (answer.status_code, error(answer)["code"]) == (409, "enrolment_used_up")
    assert get(admin, f"{PATH}/{issued['id']}")["uses"] == 2
    assert get(admin, "/v1/gateways/a")["enrolled_by"] == issued["id"]
    listed = get(admin, f"/v1/gateways?enrolled_by={issued['id']}")
    assert [row["id"] for row in listed] == ["a", "b"]


@pytest.mark.parametrize("uses", [0, -1, 1_000_001, True, "2", 1.5])
def test_a_number_of_uses_is_a_number(admin: APIClient, uses: Any) -> None:
    """From one up."""
    body = {"name": "x", "max_uses": uses}
    assert refusal(admin.post(PATH, body, format="json")) == (400, ["max_uses"])


def test_a_filter_by_enrolment_is_an_id(admin: APIClient) -> None:
    """Of an enrolment token."""
    assert refusal(admin.get("/v1/gateways?enrolled_by=x")) == (400, ["enrolled_by"])


def test_a_revocation_may_reach_what_was_enrolled(
    admin: APIClient, issue: Issue, register: Callable[..., Any]
) -> None:
    """All of it and nothing else, also when the token was revoked before."""
    issued, other = issue(), issue()
    machines = [machine(created(enrol(issued["token"], id=name))) for name in ("a", "b")]
    apart = [machine(created(enrol(other["token"], id="c"))), register("d")]
    path = f"{PATH}/{issued['id']}"

    assert admin.delete(path).json()["data"]["gateways_deleted"] == []
    assert [one.report().status_code for one in machines] == [200, 200]
    answer = admin.delete(f"{path}?descendants=true")
    assert answer.json()["data"]["gateways_deleted"] == ["a", "b"]
    assert [one.report().status_code for one in machines] == [410, 410]
    assert [one.report().status_code for one in apart] == [200, 200]
    assert error(enrol(other["token"], id="a"))["code"] == "id_reserved"


def test_a_token_fills_no_registry_at_once(issue: Issue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five come at the same moment, then four a second; a gateway asks again by itself."""
    issued, now = issue(), timezone.now()
    monkeypatch.setattr(enrolment.timezone, "now", lambda: now)
    found = [enrol(issued["token"], id=f"a-{n}") for n in range(7)]
    now += timedelta(seconds=1)
    later = [enrol(issued["token"], id=f"b-{n}").status_code for n in range(6)]

    assert [answer.status_code for answer in found] == [201] * 5 + [429] * 2
    assert (error(found[6])["code"], found[6]["Retry-After"]) == ("enrolment_paced", "1")
    assert later == [201] * 4 + [429] * 2
    assert Gateway.objects.count() == 9


@pytest.mark.django_db(transaction=True)
def test_uses_are_counted_exactly_at_the_same_time(issue: Issue) -> None:
    """Ten ask at once with a token for three."""
    issued = issue(max_uses=3)
    found = together(10, lambda number: enrol(issued["token"], id=f"edge-{number}").status_code)

    assert sorted(found) == [201] * 3 + [409] * 7
    assert Gateway.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_nobody_enrols_past_a_revocation(admin: APIClient, issue: Issue) -> None:
    """Who enrols at the same moment is deleted with the others, or refused."""
    issued = issue()
    path = f"{PATH}/{issued['id']}?descendants=true"

    def work(number: int) -> int:
        if number == 2:
            return like(admin).delete(path).status_code
        return int(enrol(issued["token"], id=f"edge-{number}").status_code)

    found = together(5, work)
    assert found[2] == 200
    assert set(found) <= {200, 201, 401, 409}
    assert not Gateway.objects.filter(deleted_at=None).exists()


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
