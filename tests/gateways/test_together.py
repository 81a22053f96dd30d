"""Concurrent requests about gateways, on PostgreSQL."""

import pytest
from rest_framework.test import APIClient

from gateways.models import SigningKey
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
