"""`/healthz` and `/readyz`, with parts up and down."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import connection
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from keeptrusts.processes import heartbeat

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]


@pytest.fixture(autouse=True)
def _no_tick() -> None:
    cache.clear()


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database's server is gone; the connection to it too."""
    key = "HOST" if connection.vendor == "postgresql" else "NAME"
    kept = connection.connection
    connection.connection = None
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, key, "/nonexistent/server")
        yield
    connection.close()
    connection.connection = kept


@pytest.fixture
def no_broker(settings: Settings) -> None:
    """Nothing listens where the broker should."""
    location = "unix:///nonexistent/redis.sock"
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": location}}


def test_all_is_well_once_a_tick_ran(client: APIClient) -> None:
    """No token is needed."""
    heartbeat.beat()

    answer = client.get("/healthz")

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json() == {
        "status": "ok",
        "checks": {"database": "ok", "broker": "ok", "worker_and_beat": "ok"},
    }


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_head_is_answered_like_a_get(client: APIClient, path: str) -> None:
    """Load balancers ask so."""
    heartbeat.beat()

    answer = client.head(path)

    assert (answer.status_code, answer.content) == (200, b"")


def test_a_stack_without_worker_or_beat_is_not_well(client: APIClient) -> None:
    """503 in the envelope of errors, naming what is down and nothing else."""
    answer = client.get("/healthz")

    assert answer.status_code == 503
    assert answer.json()["error"] == {
        "code": "not_ready",
        "message": "Down: worker_and_beat.",
        "details": [{"check": "worker_and_beat"}],
    }


@pytest.mark.usefixtures("no_broker")
def test_a_lost_broker_is_named(client: APIClient) -> None:
    """With what needs it; the database is still told to be up."""
    answer = client.get("/healthz")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": "ok",
        "broker": "down",
        "worker_and_beat": "down",
    }


@pytest.mark.usefixtures("no_broker")
def test_readiness_needs_no_broker(client: APIClient) -> None:
    """Reads and edits work without it, so requests may still be sent here."""
    assert client.get("/readyz").json() == {"status": "ok", "checks": {"database": "ok"}}


@pytest.mark.usefixtures("no_database")
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_lost_database_is_named(client: APIClient, path: str) -> None:
    """503, JSON, and the check by its name."""
    answer = client.get(path)

    assert (answer.status_code, answer["Content-Type"]) == (503, "application/json")
    assert {"check": "database"} in answer.json()["error"]["details"]


@pytest.mark.usefixtures("no_database")
def test_a_request_without_a_database_may_be_tried_again(client: APIClient) -> None:
    """503 in the envelope: the caller did nothing wrong, and no row was written."""
    answer = client.get("/v1/configurations", headers={"Authorization": "Bearer x"})

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert answer.json()["error"]["code"] == "unavailable"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_health_is_only_read(client: APIClient, path: str, method: str) -> None:
    """405 in the envelope, as everywhere."""
    answer = client.generic(method, path)

    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
