"""`/v1/gateways`: registering, editing, rotating and deleting."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from gateways.models import Gateway
from tests.gateways.conftest import Register
from tests.support.api import created, error, refusal
from tests.support.gateways import Machine, machine, pin
from tests.support.syncing import get

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

PATH = "/v1/gateways"


def test_a_registration_answers_with_all_that_a_gateway_needs(register: Register, bot: str) -> None:
    """Its token, which carries the pin of the signing key, and where events come from."""
    row = register("edge-1", name="Edge", labels={"a": "b"}, configuration=bot).row

    assert row["token"].startswith("ktg_")
    assert pin(row["token"]) == row["signing_key_fingerprint"]
    assert len(row["signing_key_fingerprint"]) == 43
    assert row["events_url"] == "http://127.0.0.1:8080"
    facts = [row[name] for name in ("id", "name", "labels", "configuration", "bound")]
    assert facts == ["edge-1", "Edge", {"a": "b"}, bot, bot]


def test_a_token_is_shown_once(admin: APIClient, gateway: Machine) -> None:
    """Neither the list nor the row repeats it, nor does the database hold it."""
    shown = admin.get(PATH).content + admin.get(gateway.path).content
    secret = gateway.token.partition(".")[2]

    assert secret.encode() not in shown
    assert secret not in repr(Gateway.objects.values().get(pk=gateway.id))


def test_a_taken_id_is_refused(admin: APIClient, gateway: Machine) -> None:
    """The first one keeps its token."""
    answer = admin.post(PATH, {"id": gateway.id}, format="json")

    assert (answer.status_code, error(answer)["code"]) == (409, "id_taken")
    assert gateway.pull().status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "id"),
        ({"id": "../up"}, "id"),
        ({"id": "Upper"}, "id"),
        ({"id": "enrol"}, "id"),
        ({"id": "a", "configuration": "none-such"}, "configuration"),
        ({"id": "a", "labels": ["x"]}, "labels"),
        ({"id": "a", "colour": "red"}, "colour"),
    ],
)
def test_bad_input_is_named(admin: APIClient, body: dict[str, object], field: str) -> None:
    """400 with the field, and no gateway."""
    assert refusal(admin.post(PATH, body, format="json")) == (400, [field])
    assert get(admin, PATH) == []


def test_the_list_is_ordered_by_id(admin: APIClient, register: Register) -> None:
    """Deleted ones are left out."""
    for name in ("b", "a", "c"):
        register(name)
    admin.delete(f"{PATH}/c")

    assert [row["id"] for row in get(admin, PATH)] == ["a", "b"]


def test_an_edit_changes_what_it_names(admin: APIClient, gateway: Machine) -> None:
    """The rest stays."""
    answer = admin.patch(gateway.path, {"name": "New", "labels": {"x": "y"}}, format="json")

    row = get(admin, gateway.path)
    assert answer.json()["data"] == row
    assert (row["name"], row["labels"], row["bound"]) == ("New", {"x": "y"}, "bot")


def test_an_edit_that_names_nothing_is_refused(admin: APIClient, gateway: Machine) -> None:
    """As elsewhere in the API."""
    assert admin.patch(gateway.path, {}, format="json").status_code == 400


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_an_unknown_gateway_is_not_found(admin: APIClient, method: str) -> None:
    """404, whatever is asked of it."""
    body = {"data": {"name": "x"}, "format": "json"} if method == "patch" else {}
    answer = getattr(admin, method)(f"{PATH}/none-such", **body)

    assert answer.status_code == 404


def test_a_deleted_gateway_is_told_so(admin: APIClient, gateway: Machine) -> None:
    """410, so that it does not try for ever; its row is gone for people."""
    admin.delete(gateway.path)

    answer = gateway.pull()
    assert (answer.status_code, error(answer)["code"]) == (410, "gateway_deleted")
    assert admin.get(gateway.path).status_code == 404


def test_a_deleted_id_is_reserved(admin: APIClient, gateway: Machine) -> None:
    """Nobody takes the place of a gateway that was deleted, until a person says so."""
    body = {"id": gateway.id, "configuration": "bot"}
    before = gateway.statement()["publish_seq"]
    early = admin.post(f"{gateway.path}/release")
    admin.delete(gateway.path)
    answer = admin.post(PATH, body, format="json")

    assert (early.status_code, error(early)["code"]) == (409, "id_taken")
    assert (answer.status_code, error(answer)["code"]) == (409, "id_reserved")
    assert "/release" in error(answer)["message"]
    assert [admin.post(f"{gateway.path}/release").status_code for _ in range(2)] == [200, 200]
    assert gateway.pull().status_code == 410
    again = machine(created(admin.post(PATH, body, format="json")))
    assert again.statement()["publish_seq"] > before
    assert gateway.pull().status_code == 401
    assert admin.post(f"{PATH}/never/release").status_code == 404


def test_a_new_token_ends_the_old_one_at_its_first_use(admin: APIClient, gateway: Machine) -> None:
    """Until then both open, so that a rotation interrupts nothing."""
    row = admin.post(f"{gateway.path}/rotate-token").json()["data"]
    new = machine(row)

    assert gateway.pull().status_code == 200
    assert new.pull().status_code == 200
    assert gateway.pull().status_code == 401
    assert new.pull().status_code == 200


def test_an_old_token_ends_after_a_day(admin: APIClient, gateway: Machine) -> None:
    """Also when the new one was never used."""
    admin.post(f"{gateway.path}/rotate-token")
    row = Gateway.objects.get(pk=gateway.id)
    left = row.previous_until - timezone.now()  # type: ignore[operator]
    assert timedelta(hours=23) < left <= timedelta(hours=24)

    Gateway.objects.update(previous_until=timezone.now())

    assert gateway.pull().status_code == 401


def test_an_admins_token_opens_no_gateway(admin: APIClient, gateway: Machine) -> None:
    """Nor does a gateway's open the API of people."""
    assert admin.get(f"{gateway.path}/configuration").status_code == 401
    assert gateway.client.get(PATH).status_code == 401


def test_a_gateway_is_told_again_when_asked(
    admin: APIClient, gateway: Machine, client: APIClient
) -> None:
    """Its policy and its keys, with newer sequences and the same content; 404 for no gateway."""
    created(admin.post("/v1/client-keys", {"name": "team"}, format="json"))
    said, (listed, _) = gateway.statement(), gateway.key_list()

    answer = admin.post(f"{gateway.path}/reissue")

    assert (answer.status_code, answer.json()) == (200, {"data": {"id": gateway.id}})
    again, (listed_again, _) = gateway.statement(), gateway.key_list()
    assert again["publish_seq"] > said["publish_seq"]
    assert {**again, "publish_seq": 0} == {**said, "publish_seq": 0}
    assert listed_again["keys_seq"] > listed["keys_seq"]
    assert admin.post("/v1/gateways/none/reissue").status_code == 404
    assert client.post(f"{gateway.path}/reissue").status_code == 401
