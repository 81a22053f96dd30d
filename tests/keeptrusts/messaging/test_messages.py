"""Celery's messages at a broker that refuses: no connection stays open."""

from pathlib import Path

import pytest
import redis
from kombu import Connection
from kombu.asynchronous import Hub

from keeptrusts.messaging import messages
from tests.support.servers import Redis


def test_a_broker_that_refuses_keeps_no_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker tries without an end, and does not know of one that it could not listen on."""
    monkeypatch.setattr(messages, "_PAUSE_SECONDS", 0.0)
    messages.use()
    with Redis(tmp_path / "redis.sock") as server, redis.Redis.from_url(server.url) as admin:
        admin.execute_command("REPLICAOF", "127.0.0.1", "1")
        for _ in range(3):
            one = Connection(server.url.replace("unix://", "redis+socket://"))
            one.ensure_connection()
            with pytest.raises(redis.ReadOnlyError):
                one.transport.register_with_event_loop(one.connection, Hub())

        assert len(admin.client_list()) == 1
