"""The mirror of the fleet in memory: changes taken in, and stale ones ignored."""

import pytest
from rest_framework.test import APIClient

from gateways.mirror.mirror import Mirror
from keeptrusts import counters
from tests.gateways.conftest import Register
from tests.support.gateways import Machine

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]


def test_counts_that_were_read_earlier_change_nothing(register: Register, gateway: Machine) -> None:
    """Of two threads, the one that read first may come last."""
    mirror = Mirror()
    earlier = counters.read()
    later = register("later")
    assert mirror.refresh(counters.read())

    assert not mirror.refresh(earlier)

    assert mirror.gateway(later.token) is not None
    assert mirror.size == 2


def test_what_is_deleted_counts_no_more(
    admin: APIClient, register: Register, gateway: Machine
) -> None:
    """Its token is known still, so that it can be told."""
    register("other")
    mirror = Mirror()
    mirror.refresh(counters.read())
    admin.delete(gateway.path)

    assert mirror.refresh(counters.read())

    known = mirror.gateway(gateway.token)
    assert known is not None
    assert known.deleted_at is not None
    assert (mirror.size, mirror.desired(gateway.id)) == (1, None)


def test_one_gateway_is_signed_for_once(gateway: Machine) -> None:
    """Its statement is kept until it says something else."""
    mirror = Mirror()
    mirror.refresh(counters.read())

    assert mirror.signed(gateway.id) is mirror.signed(gateway.id)
