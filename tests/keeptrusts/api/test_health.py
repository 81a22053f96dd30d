"""`/healthz` and `/readyz`, with parts up and down."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from gateways.models import SigningKey
from gateways.signing import keys
from keeptrusts.api import health
from keeptrusts.processes import heartbeat, parts
from keeptrusts.redis_client import client as broker
from keeptrusts.servers import failures, outages, probe
from tests.support.servers import Redis

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]


@pytest.fixture(autouse=True)
def _no_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "LOOK_SECONDS", 60)  # However busy the machine is.
    monkeypatch.setattr(outages, "_own", {})
    broker().flushdb()


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
    settings.REDIS_URL = "unix:///nonexistent/redis.sock"


def _down(check: str, message: str) -> list[dict[str, str]]:
    return [{"check": check, "message": message}]


def _wrong(client: APIClient) -> list[dict[str, str]]:
    """What /healthz says is down, while workers and beat are well."""
    heartbeat.beat()
    found: list[dict[str, str]] = client.get("/healthz").json()["error"]["details"]
    return found


def test_all_is_well_once_a_tick_ran(client: APIClient) -> None:
    """No token is needed."""
    heartbeat.beat()

    answer = client.get("/healthz")

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json() == {
        "status": "ok",
        "checks": {
            "database": "ok",
            "writes": "ok",
            "broker": "ok",
            "worker_and_beat": "ok",
            "signing_key": "ok",
        },
    }


def test_a_signing_key_that_cannot_be_opened_is_told(client: APIClient) -> None:
    """Of the stack alone: every process lacks it, so no balancer is to leave one out."""
    keys.ensure()
    SigningKey.objects.update(private_key="v1.00000000.AAAA")

    (row,) = _wrong(client)

    assert row["check"] == "signing_key"
    assert "restore the KEEPTRUSTS_SECRET_KEY that sealed it" in row["message"]
    assert client.get("/readyz").status_code == 200


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
    error = answer.json()["error"]
    assert error.pop("request_id") == answer["X-Request-Id"]
    assert error == {
        "code": "not_ready",
        "message": "Down: worker_and_beat.",
        "details": _down("worker_and_beat", "No tick ran in the last ten seconds."),
    }


@pytest.mark.usefixtures("no_broker")
def test_a_lost_broker_is_named(client: APIClient) -> None:
    """With what needs it; the database is still told to be up."""
    answer = client.get("/healthz")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": "ok",
        "writes": "ok",
        "broker": "down",
        "worker_and_beat": "down",
        "signing_key": "ok",
    }


@pytest.mark.usefixtures("no_broker")
def test_readiness_needs_no_broker(client: APIClient) -> None:
    """Reads and edits work without it, so requests may still be sent here."""
    checks = {"database": "ok", "writes": "ok"}
    assert client.get("/readyz").json() == {"status": "ok", "checks": checks}


@pytest.mark.usefixtures("no_database")
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_lost_database_is_named(client: APIClient, path: str) -> None:
    """503, JSON, and the check by its name."""
    answer = client.get(path)

    assert (answer.status_code, answer["Content-Type"]) == (503, "application/json")
    message = (failures.SILENT if connection.vendor == "postgresql" else failures.DISK).message
    assert _down("database", message)[0] in answer.json()["error"]["details"]


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


@pytest.fixture
def statement() -> Iterator[Callable[[str], None]]:
    """Tell PostgreSQL something, whatever this connection may write."""

    def _statement(text: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
            cursor.execute(text)

    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no such state")
    yield _statement
    name = connection.settings_dict["NAME"]
    _statement(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    connection.close()


def test_a_read_only_database_is_told(
    client: APIClient, admin: APIClient, statement: Callable[[str], None]
) -> None:
    """By its health and by every write; what only reads goes on."""
    name = connection.settings_dict["NAME"]
    statement(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    connection.close()

    answer = admin.post("/v1/tokens", {"name": "a"}, format="json")

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert answer.json()["error"]["code"] == "unavailable"
    assert answer.json()["error"]["message"] == failures.READ_ONLY.message
    assert _wrong(client) == _down("writes", failures.READ_ONLY.message)
    assert client.get("/readyz").status_code == 503
    assert admin.get("/v1/tokens").status_code == 200


def test_a_full_disk_of_the_database_is_told(
    client: APIClient, admin: APIClient, statement: Callable[[str], None]
) -> None:
    """A health check writes nothing, and still knows what others met."""
    statement("""
        CREATE FUNCTION full_disk() RETURNS trigger AS $$
        BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END
        $$ LANGUAGE plpgsql
    """)
    statement("CREATE TRIGGER full_disk BEFORE INSERT ON access_token EXECUTE FUNCTION full_disk()")
    try:
        answer = admin.post("/v1/tokens", {"name": "a"}, format="json")
    finally:
        statement("DROP FUNCTION full_disk CASCADE")

    assert answer.status_code == 503
    assert answer.json()["error"]["message"] == failures.FULL.message
    assert _wrong(client) == _down("writes", failures.FULL.message)
    assert client.get("/readyz").json()["error"]["details"] == _wrong(client)


@pytest.mark.usefixtures("no_broker")
def test_a_full_disk_is_told_without_a_broker(client: APIClient) -> None:
    """By the process that met it."""
    outages.met(_full())

    assert client.get("/readyz").json()["error"]["details"] == _down(
        "writes", failures.FULL.message
    )


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is not asked whether it is")
def test_what_a_look_finds_itself_is_not_remembered(client: APIClient) -> None:
    """It is well again at once."""
    for state in ("25006", "28000"):
        failure = OperationalError("refused")
        failure.__cause__ = psycopg.errors.lookup(state)("refused")
        assert outages.met(failure)

    assert client.get("/readyz").status_code == 200


def _full() -> OperationalError:
    failure = OperationalError("no space left")
    failure.__cause__ = psycopg.errors.DiskFull("no space left")
    return failure


def test_a_full_data_folder_is_told(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a write fails there."""
    monkeypatch.setattr(health, "_LEAST_FREE_BYTES", 1 << 62)

    assert _wrong(client) == _down("writes", "The data folder has no space left on its disk.")


def test_a_broker_without_memory_is_told(
    client: APIClient, settings: Settings, tmp_path: Path
) -> None:
    """Although it answers, and still says what it knows."""
    with Redis(tmp_path / "redis.sock") as full:
        settings.REDIS_URL = full.url
        heartbeat.beat()
        broker().config_set("maxmemory", 1)

        wrong = client.get("/healthz").json()["error"]["details"]

    message = "The broker has no memory left: it is at `maxmemory`."
    assert wrong[0] == _down("broker", message)[0]


def test_a_part_that_is_down_is_told(client: APIClient) -> None:
    """As the parent of all noted it."""
    parts.write(
        settings.ENV.data_dir, {"events": "It ended with status 1; it will be started again."}
    )
    try:
        assert _wrong(client) == _down(
            "events", "It ended with status 1; it will be started again."
        )
    finally:
        parts.write(settings.ENV.data_dir, {})
