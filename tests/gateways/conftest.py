"""Gateways and configurations made over the API."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from gateways.mirror.mirror import fleet
from keeptrusts import metrics
from keeptrusts.redis_client import client
from tests.support.api import created
from tests.support.gateways import Machine, machine
from tests.support.repo import policy
from tests.support.syncing import make

Register = Callable[..., Machine]


@pytest.fixture(autouse=True)
def _another_database(_own_broker_database: None) -> None:
    """A test's database is undone; what this process and Redis remember of it goes too."""
    fleet.__init__()  # type: ignore[misc]
    metrics.flush()  # Else what the tests before counted comes later.
    client().flushdb()


@pytest.fixture
def bot(admin: APIClient) -> str:
    """A configuration called `bot`."""
    make(admin, "bot", policy("Bot"))
    return "bot"


@pytest.fixture
def register(admin: APIClient) -> Register:
    """Register a gateway."""

    def _register(gateway_id: str = "edge-1", **fields: Any) -> Machine:
        body = {"id": gateway_id, **fields}
        return machine(created(admin.post("/v1/gateways", body, format="json")))

    return _register


@pytest.fixture
def gateway(register: Register, bot: str) -> Machine:
    """A gateway that is bound to `bot`."""
    return register(configuration=bot)


@pytest.fixture
def bind(admin: APIClient) -> Callable[..., str]:
    """Bind labels to a configuration; returns the selector's id."""

    def _bind(configuration: str, **selector: str) -> str:
        body = {"configuration": configuration, "selector": selector}
        row = created(admin.post("/v1/gateway-bindings", body, format="json"))
        return str(row["id"])

    return _bind
