"""Gauges of the fleet in `/metrics`, which alerts stand on."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from gateways.drift import gauges, judge
from gateways.models import Gateway
from tests.gateways.conftest import Register
from tests.support.gateways import Machine
from tests.support.pages import samples

pytestmark = pytest.mark.django_db


def test_gateways_are_counted_by_state(
    admin: APIClient, gateway: Machine, register: Register
) -> None:
    """Every state has a number, so that an alert on one has something to compare."""
    register("edge-2")
    gateway.run()

    page = samples(admin)

    states = {key[1]: n for key, n in page.items() if key[0] == "keeptrusts_gateways"}
    assert states == {**dict.fromkeys(judge.STATES, 0), "in_sync": 1, "offline": 1}
    assert page["keeptrusts_configurations", "in_sync"] == 1


def test_a_gateway_that_stops_is_named(admin: APIClient, gateway: Machine) -> None:
    """With the seconds since it was last seen."""
    gateway.run()
    assert ("keeptrusts_gateway_offline_seconds", "edge-1") not in samples(admin)

    gateway.run(stopping=True)

    assert 0 <= samples(admin)["keeptrusts_gateway_offline_seconds", "edge-1"] < 60


def test_only_some_of_a_fleet_that_is_away_are_named(
    admin: APIClient, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that went last, since those before were told."""
    monkeypatch.setattr(gauges, "MOST_NAMED", 1)
    register("new")
    register("old")
    Gateway.objects.filter(pk="old").update(created_at=timezone.now() - timedelta(days=1))

    page = samples(admin)

    named = [key[1] for key in page if key[0] == "keeptrusts_gateway_offline_seconds"]
    assert named == ["new"]
    assert page["keeptrusts_gateways", "offline"] == 2
