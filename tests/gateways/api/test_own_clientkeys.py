"""`GET /v1/gateways/{id}/client-keys`: a gateway's list, signed, and how it hears of another."""

import hashlib

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from gateways.models import Gateway
from keeptrusts.models import Counter
from tests.gateways.conftest import Register
from tests.support.api import created, error
from tests.support.gateways import Machine

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

KEYS = "/v1/client-keys"
NEWS = "Keeptrusts-Client-Keys"


@pytest.fixture
def keyed(admin: APIClient, gateway: Machine) -> Machine:
    """A gateway with a key."""
    created(admin.post(KEYS, {"name": "team"}, format="json"))
    return gateway


def drift(admin: APIClient) -> dict[str, object]:
    """A gateway's row of `/v1/drift`."""
    (row,) = admin.get("/v1/drift?gateway=edge-1").json()["data"]
    found: dict[str, object] = row
    return found


def test_without_keys_nothing_is_said(gateway: Machine) -> None:
    """All is as a gateway of an older release knows it."""
    answer = gateway.pull()

    assert NEWS not in answer
    assert NEWS not in gateway.pull(If_None_Match=answer["ETag"])
    assert error(gateway.pull_keys())["code"] == "no_client_keys"
    assert gateway.report().json()["data"]["client_keys"] is None


def test_the_statement_says_whose_list_it_is(keyed: Machine) -> None:
    """In fields of its own; those of the policy's statement are what they were."""
    said, _ = keyed.key_list()

    assert said == {
        "content_hash": hashlib.sha256(keyed.pull_keys().content).hexdigest(),
        "gateway": keyed.id,
        "keys_seq": Gateway.objects.get().keys_seq,
    }
    assert set(keyed.statement()) == {
        "commit", "configuration", "content_hash", "gateway", "publish_seq", "version",
    }  # fmt: skip


def test_a_gateway_hears_of_it_with_what_it_asks_anyway(keyed: Machine) -> None:
    """With the policy, with its 304, and with the answer to a report."""
    etag = keyed.pull_keys()["ETag"].strip('"')
    pulled = keyed.pull()

    assert pulled[NEWS] == etag
    assert keyed.pull(If_None_Match=pulled["ETag"])[NEWS] == etag
    assert keyed.report().json()["data"]["client_keys"] == etag
    assert keyed.pull_keys(If_None_Match=f'"{etag}"').status_code == 304


def test_keys_are_no_news_of_the_policy(admin: APIClient, keyed: Machine) -> None:
    """Its statement and ETag stay; the list's sequence grows with each change."""
    policy, before = keyed.pull(), keyed.key_list()[0]

    admin.patch(f"{KEYS}/team", {"models": ["m"]}, format="json")

    assert keyed.pull()["ETag"] == policy["ETag"]
    assert keyed.key_list()[0]["keys_seq"] > before["keys_seq"]


def test_nothing_new_costs_one_query(keyed: Machine) -> None:
    """Whatever keys there are: an idle gateway costs what it cost."""
    etag = keyed.pull()["ETag"]

    with CaptureQueriesContext(connection) as queries:
        answer = keyed.pull(If_None_Match=etag)

    assert (answer.status_code, len(queries)) == (304, 1)


def test_another_gateways_list_is_not_shown(keyed: Machine, register: Register) -> None:
    """Each token opens its own."""
    other = register("other")

    assert other.client.get(f"{keyed.path}/client-keys").status_code == 403


def test_drift_shows_whether_a_revocation_has_arrived(admin: APIClient, keyed: Machine) -> None:
    """And `in_sync` is about the policy alone."""
    seq = keyed.key_list()[0]["keys_seq"]
    keyed.run(client_keys={"keys_seq": seq, "since": "2026-01-31T12:00:00Z"})
    before = drift(admin)
    admin.delete(f"{KEYS}/team")
    after = drift(admin)

    assert (before["state"], after["state"]) == ("in_sync", "in_sync")
    assert before["client_keys"] == {
        "setting": "demanded", "desired_seq": seq, "running_seq": seq,
        "running_since": "2026-01-31T12:00:00Z", "arrived": True,
    }  # fmt: skip
    assert after["client_keys"] == {
        **before["client_keys"],  # type: ignore[dict-item]
        "desired_seq": keyed.key_list()[0]["keys_seq"], "arrived": False,
    }  # fmt: skip


def test_a_gateway_of_an_older_release_goes_on(admin: APIClient, keyed: Machine) -> None:
    """It reports without a word of keys, and drift shows that it has none of them."""
    keyed.run()

    found = drift(admin)
    assert found["state"] == "in_sync"
    assert found["client_keys"]["arrived"] is False  # type: ignore[index]
    assert found["client_keys"]["running_seq"] is None  # type: ignore[index]


def test_a_gateway_without_keys_has_none_to_show(admin: APIClient, gateway: Machine) -> None:
    """Null, as for a configuration without a gateway."""
    gateway.run()

    assert drift(admin)["client_keys"] is None


def test_a_gateway_that_knows_a_newer_list_is_told_again(keyed: Machine) -> None:
    """After a backup was restored: with a higher sequence than it has; not beyond the clock."""
    ahead = keyed.key_list()[0]["keys_seq"] + 5
    far = 2**62

    for seq in (ahead, far):
        keyed.report(client_keys={"keys_seq": seq, "since": "2026-01-31T12:00:00Z"})

    assert ahead < keyed.key_list()[0]["keys_seq"] < far
    assert Counter.objects.get(pk="gateways").value < far
