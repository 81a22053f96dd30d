"""Bindings of gateways to configurations by selectors."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from tests.gateways.conftest import Register
from tests.support.api import refusal
from tests.support.repo import policy
from tests.support.syncing import get, make

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

Bind = Callable[..., str]


@pytest.fixture(autouse=True)
def _configurations(admin: APIClient) -> None:
    for name in ("a", "b"):
        make(admin, name, policy(name))


def bound(admin: APIClient, gateway: str) -> tuple[str | None, bool]:
    """What a gateway is bound to, and whether selectors disagree."""
    row = get(admin, f"/v1/gateways/{gateway}")
    return row["bound"], row["ambiguous"]


def test_a_selector_binds_gateways_that_are_there(
    admin: APIClient, register: Register, bind: Bind
) -> None:
    """And those that are not meant stay as they are."""
    register("eu", labels={"region": "eu"})
    register("us", labels={"region": "us"})

    bind("a", region="eu")

    assert bound(admin, "eu") == ("a", False)
    assert bound(admin, "us") == (None, False)


def test_a_selector_binds_gateways_that_come_later(register: Register, bind: Bind) -> None:
    """They are bound as soon as they are registered."""
    bind("a", region="eu")

    assert register("eu", labels={"region": "eu"}).statement()["configuration"] == "a"


def test_new_labels_bind_anew(admin: APIClient, register: Register, bind: Bind) -> None:
    """What it is told next is newer than what it was told."""
    bind("a", region="eu")
    bind("b", region="us")
    gateway = register("g", labels={"region": "eu"})
    before = gateway.statement()

    admin.patch(gateway.path, {"labels": {"region": "us"}}, format="json")

    after = gateway.statement()
    assert (before["configuration"], after["configuration"]) == ("a", "b")
    assert after["publish_seq"] > before["publish_seq"]


def test_the_own_configuration_wins_until_it_is_given_back(
    admin: APIClient, register: Register, bind: Bind
) -> None:
    """`null` leaves the choice to the selectors."""
    bind("a", region="eu")
    gateway = register("g", labels={"region": "eu"}, configuration="b")
    assert bound(admin, "g") == ("b", False)

    admin.patch(gateway.path, {"configuration": None}, format="json")

    assert bound(admin, "g") == ("a", False)


def test_selectors_that_disagree_leave_what_was(
    admin: APIClient, register: Register, bind: Bind
) -> None:
    """Nobody guesses; once one of them is gone the other one counts."""
    bind("a", region="eu")
    gateway = register("g", labels={"region": "eu", "stage": "prod"})
    second = bind("b", stage="prod")
    assert bound(admin, "g") == ("a", True)
    assert gateway.statement()["configuration"] == "a"

    admin.delete(f"/v1/gateway-bindings/{second}")

    assert bound(admin, "g") == ("a", False)


def test_a_removed_selector_binds_no_more(admin: APIClient, register: Register, bind: Bind) -> None:
    """The gateway is told that nothing is bound; what it runs it keeps."""
    selector = bind("a", region="eu")
    gateway = register("g", labels={"region": "eu"})

    admin.delete(f"/v1/gateway-bindings/{selector}")

    answer = gateway.pull()
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_bound")
    assert get(admin, "/v1/gateway-bindings") == []


def test_a_selector_shows_what_it_says(admin: APIClient, bind: Bind) -> None:
    """In the list and alone."""
    selector = bind("a", region="eu", stage="prod")

    row = get(admin, f"/v1/gateway-bindings/{selector}")

    assert get(admin, "/v1/gateway-bindings") == [row]
    assert (row["configuration"], row["selector"]) == ("a", {"region": "eu", "stage": "prod"})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"configuration": "a", "selector": {}}, "selector"),
        ({"configuration": "a"}, "selector"),
        ({"configuration": "none-such", "selector": {"x": "y"}}, "configuration"),
        ({"configuration": "a", "selector": {"x": 1}}, "selector.x"),
    ],
)
def test_a_selector_that_means_nothing_is_refused(
    admin: APIClient, body: dict[str, object], field: str
) -> None:
    """An empty one would bind every gateway."""
    assert refusal(admin.post("/v1/gateway-bindings", body, format="json")) == (400, [field])


def test_the_same_selector_is_not_made_twice(admin: APIClient, bind: Bind) -> None:
    """Removing the one that is known would leave the other to bind."""
    first = bind("a", region="eu", stage="prod")
    body = {"configuration": "a", "selector": {"stage": "prod", "region": "eu"}}

    answer = admin.post("/v1/gateway-bindings", body, format="json")

    found = answer.json()["error"]
    assert (answer.status_code, found["code"]) == (409, "already_bound")
    assert found["details"] == [{"id": first}]


@pytest.mark.parametrize("method", ["get", "delete"])
def test_an_unknown_selector_is_not_found(admin: APIClient, method: str) -> None:
    """404."""
    path = "/v1/gateway-bindings/6b0f3f0e-0000-4000-8000-000000000000"

    assert getattr(admin, method)(path).status_code == 404
