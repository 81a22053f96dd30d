"""What a link shows, and keeps, when the control plane's own servers fail."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from gitrepos import tasks
from gitrepos.models import Remote
from gitrepos.polling import claims
from keeptrusts.redis_client import client as broker
from keeptrusts.servers import failures, outages
from tests.support.repo import Repo, policy
from tests.support.servers import Redis
from tests.support.syncing import hashes, link, shown

pytestmark = pytest.mark.django_db

BOT = "bot/policy-config.yaml"


def test_a_database_that_fails_in_a_sync_is_named(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is neither the forge's fault nor a crash."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url)
    monkeypatch.setattr(tasks.sync_remote, "apply_async", lambda **_: tasks.sync_remote.apply())
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE FUNCTION full_disk() RETURNS trigger AS $$
            BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END
            $$ LANGUAGE plpgsql;
            CREATE TRIGGER full_disk BEFORE INSERT ON configurations_version
            EXECUTE FUNCTION full_disk()
        """)

    tasks.tick()

    error = shown(admin, row)["error"]
    assert (error["code"], error["message"]) == ("unavailable", failures.FULL.message)
    assert not hashes()


def test_a_sync_that_no_worker_was_told_of_is_told_of_again(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a later tick, which asks the forge nothing; it keeps its place meanwhile."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url)

    def refuse(**_: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.sync_remote, "apply_async", refuse)
    tasks.tick()
    waits = shown(admin, row)["conditions"][1]
    told: list[Any] = []
    monkeypatch.setattr(tasks.sync_remote, "apply_async", lambda **how: told.append(how))
    tasks.tick()
    at_once = list(told)
    Remote.objects.update(waits_since=timezone.now() - timedelta(seconds=3))
    tasks.tick()

    assert (at_once, told) == ([], [{"expires": 2}])
    assert (waits["type"], waits["status"], waits["reason"]) == ("Reconciling", "True", "Queued")
    tasks.sync_remote.apply()
    assert list(hashes()) == ["bot"]


def test_a_tick_goes_on_beside_a_broker_that_is_full(
    admin: APIClient,
    repo: Repo,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its heartbeat is not recorded, which is told, and neither is the next tick's message."""
    repo.commit({BOT: policy()})
    link(admin, repo.url)

    def refuse(**_: Any) -> None:
        raise OperationalError("command not allowed when used memory > 'maxmemory'.")

    monkeypatch.setattr(tasks.tick, "apply_async", refuse)
    monkeypatch.setattr(claims, "BATCH_SIZE", 1)
    monkeypatch.setattr(tasks.sync_remote, "apply_async", lambda **_: tasks.sync_remote.apply())
    with Redis(tmp_path / "redis.sock") as full:
        settings.REDIS_URL = full.url
        broker().config_set("maxmemory", 1)

        tasks.tick()

    assert list(hashes()) == ["bot"]
    assert "broker failed" in caplog.text


@pytest.mark.parametrize("stored", [b"\xff\xfe", b"\x00", "Ärger".encode("latin-1"), b"x" * 9999])
def test_what_is_no_fault_of_ours_is_none(stored: bytes) -> None:
    """Bytes of any kind may stand in Redis."""
    broker().set(outages._KEY, stored)
    assert outages.last() == ""
    broker().set(outages._KEY, failures.FULL.message)
    assert outages.last() == failures.FULL.message
    broker().delete(outages._KEY)
