"""Concurrent requests about gateways, on PostgreSQL."""

import orjson
import pytest
from rest_framework.test import APIClient

from gateways.models import ClientKeyList, Gateway, SigningKey
from tests.support.api import like, together

pytestmark = pytest.mark.django_db(transaction=True)


def test_registrations_together_make_one_key(admin: APIClient) -> None:
    """Whoever comes first makes it."""
    answers = together(
        6, lambda n: like(admin).post("/v1/gateways", {"id": f"g{n}"}, format="json")
    )

    assert [answer.status_code for answer in answers] == [201] * 6
    assert SigningKey.objects.count() == 1


def test_one_id_is_given_once(admin: APIClient) -> None:
    """The others are told that it is taken."""
    answers = together(4, lambda _: like(admin).post("/v1/gateways", {"id": "g"}, format="json"))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


def test_a_key_and_a_gateway_that_come_together_know_each_other(admin: APIClient) -> None:
    """Whichever is later sees the other, so that no gateway is open beside closed ones."""
    bodies = [
        ("gateways", {"id": f"g{n}"}) if n % 2 else ("client-keys", {"name": f"k{n}"})
        for n in range(8)
    ]
    answers = together(
        8, lambda n: like(admin).post(f"/v1/{bodies[n][0]}", bodies[n][1], format="json")
    )

    assert [answer.status_code for answer in answers] == [201] * 8
    (content_hash,) = set(Gateway.objects.values_list("keys_hash", flat=True))
    content = orjson.loads(bytes(ClientKeyList.objects.get(pk=content_hash).content))
    assert [entry["name"] for entry in content["keys"]] == ["k0", "k2", "k4", "k6"]
    assert ClientKeyList.objects.count() == 1
