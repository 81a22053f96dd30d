"""Drift as narrowed tokens see it: what a gateway was told or ran of what they do not see."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from gateways.models import Gateway
from tests.gateways.conftest import Register
from tests.support.gateways import Machine
from tests.support.narrowed import client_of
from tests.support.repo import policy
from tests.support.syncing import get, make

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

PATH = "/v1/drift"


def viewer(*ids: str) -> APIClient:
    """A viewer that sees these configurations."""
    return client_of("viewer", ids=list(ids))


def test_a_hidden_selector_makes_nothing_ambiguous(
    admin: APIClient, register: Register, bot: str, bind: Callable[..., str]
) -> None:
    """Whoever sees both that disagree is told, and whoever sees one is not."""
    make(admin, "other", policy("Other"))
    bind(bot, zone="eu")
    edge = register(labels={"zone": "eu", "tier": "1"})
    bind("other", tier="1")
    edge.run()

    def found(client: APIClient) -> Any:
        [row] = [row for row in get(client, PATH) if row["gateway"]]
        [shown] = get(client, "/v1/gateways")
        return row["why"].partition(":")[0], shown["ambiguous"]

    assert found(admin) == found(viewer("bot", "other")) == ("ambiguous_binding", True)
    assert found(viewer("bot")) == ("", False)


def test_a_lost_gateway_is_nobodys(admin: APIClient, register: Register, gateway: Machine) -> None:
    """Nothing tells what it was bound to."""
    gateway.run()
    register("lost", configuration="bot").run()
    Gateway.objects.filter(pk="lost").delete()

    assert {row["gateway"] for row in get(admin, PATH)} == {"edge-1", "lost"}
    assert {row["gateway"] for row in get(viewer("bot"), PATH)} == {"edge-1"}


def test_what_it_ran_and_was_handed_before_is_not_told(
    admin: APIClient, register: Register, bot: str
) -> None:
    """A gateway that came from what is not seen has yet to receive what it is bound to now."""
    make(admin, "other", policy("Other"))
    edge = register(configuration="other")
    edge.run()
    admin.patch("/v1/gateways/edge-1", {"configuration": bot}, format="json")

    whole, [part] = get(admin, f"{PATH}?gateway=edge-1")[0], get(viewer(bot), PATH)

    names = ("published_hash", "running_hash", "running_version")
    assert all(whole[name] is not None for name in names)
    assert [part[name] for name in names] == [None, None, None]
    assert (part["state"], part["why"]) == ("rolling_out", whole["why"])
