"""Gateways and configurations made over the API."""

import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from rest_framework.test import APIClient

from gateways.mirror.mirror import fleet
from keeptrusts import metrics
from keeptrusts.redis_client import client
from tests.support.api import created
from tests.support.events import Pusher
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


def database_url() -> str:
    """The url of the database that tests have now."""
    name = str(connection.settings_dict["NAME"])
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


@pytest.fixture(scope="module")
def _pushers() -> Iterator[list[Pusher]]:
    """The processes that tests started."""
    started: list[Pusher] = []
    yield started
    for running in started:
        running.stop()


@pytest.fixture
def pusher(transactional_db: None, _pushers: list[Pusher]) -> Pusher:
    """A running process of event streams; what it knows of the test before is another database's.

    Only a test that ended it leaves the next to start another.
    """
    if not _pushers or not _pushers[-1].is_running():
        _pushers.append(Pusher(DATABASE_URL=database_url(), REDIS_URL=settings.REDIS_URL))
    return _pushers[-1]
