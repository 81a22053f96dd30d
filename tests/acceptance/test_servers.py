"""What the control plane does while its servers, or parts of itself, do not do what they should."""

import http.client
import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import redis

from tests.support.line import Line
from tests.support.servers import Redis
from tests.support.stack import Stack, wait_for
from tests.support.stacks import environment

_PARTS = (
    "queues sync",
    "queues tick",
    "gateways.push.server",
    "celery.* beat",
    "keeptrusts.serving.web",
)


class World:
    """A control plane, its own Redis, and the networks to its servers."""

    def __init__(self, stack: Stack, broker: Redis, to_database: Line, to_broker: Line) -> None:
        self.stack, self.broker = stack, broker
        self.to_database, self.to_broker = to_database, to_broker

    def down(self, path: str = "/healthz") -> dict[str, str]:
        """What a health check says is wrong, by name; nothing if it does not answer."""
        try:
            answer = self.stack.request("GET", path, token="none").json
        except (OSError, http.client.HTTPException):
            return {"web": "no answer"}
        return {row["check"]: row["message"] for row in answer.get("error", {}).get("details", [])}

    def post(self, path: str) -> tuple[int, Any]:
        """Status and body of a POST about a repository that nobody has."""
        link = {"url": f"http://127.0.0.1:9/{os.urandom(4).hex()}.git"}
        reply = self.stack.request("POST", path, link)
        return reply.status, reply.json

    def is_well(self) -> bool:
        """Whether everything runs again."""
        return not self.down()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[World]:
    """One that all tests of this file share; each leaves it well."""
    tmp = tmp_path_factory.mktemp("servers")
    found = environment(tmp, worker_id)
    place = urlsplit(found["DATABASE_URL"])
    socket = f"{parse_qs(place.query)['host'][0]}/.s.PGSQL.5432"
    with (
        Redis(tmp / "redis.sock") as broker,
        Line(str(tmp / "redis.sock")) as to_broker,
        Line(socket) as to_database,
    ):
        found["DATABASE_URL"] = f"postgresql://postgres@127.0.0.1:{to_database.port}{place.path}"
        found["REDIS_URL"] = f"redis://127.0.0.1:{to_broker.port}/0"
        stack = Stack(tmp / "data", **found).start()
        yield World(stack, broker, to_database, to_broker)
        stack.stop()


def test_health_is_told_while_every_thread_waits_for_a_silent_database(world: World) -> None:
    """Requests beyond those that wait are refused, and all is well when it speaks again."""
    with ThreadPoolExecutor(40) as threads:
        world.to_database.swallow()
        asked = [threads.submit(world.stack.request, "GET", "/v1/whoami") for _ in range(40)]
        try:
            # A look that began before may still be told.
            wait_for(lambda: "database" in world.down("/readyz"))
            for path in ("/readyz", "/healthz") * 3:
                assert "database" in world.down(path)
            refused = wait_for(lambda: [one for one in asked if one.done()])
            waiting = [one for one in asked if not one.done()]
        finally:
            world.to_database.mend()

        assert {one.result().status for one in refused} == {503}
        assert waiting
        assert {one.result().status for one in waiting} <= {200, 503}
    wait_for(world.is_well)
    assert world.stack.request("GET", "/v1/whoami").status == 200


def test_the_api_goes_on_while_the_broker_is_silent(world: World) -> None:
    """Health says so, and what needs no broker is done."""
    world.to_broker.swallow()
    try:
        wait_for(lambda: "broker" in world.down())
        assert world.stack.request("GET", "/v1/whoami").status == 200
        assert world.post("/v1/git-repos")[0] == 201
    finally:
        world.to_broker.mend()
    wait_for(world.is_well)


def test_a_broker_without_memory_ends_neither_api_nor_streams(world: World) -> None:
    """A worker that starts ends of it, is started again and again, and at last is well."""
    client = redis.Redis.from_url(world.broker.url)
    client.config_set("maxmemory", 1)
    try:
        os.kill(_pids(world.stack)["queues tick"], signal.SIGKILL)
        wait_for(lambda: "status 1" in world.down().get("poller", ""))

        status, body = world.post("/v1/git-repos/test")

        assert (status, body["error"]["code"]) == (503, "unavailable")
        assert "maxmemory" in body["error"]["message"]
        assert "maxmemory" in world.down()["broker"]
        assert world.post("/v1/git-repos")[0] == 201
    finally:
        client.config_set("maxmemory", 0)
        client.close()
    wait_for(world.is_well)


def test_killed_parts_are_started_again(world: World) -> None:
    """All of them at once; the parent and its address stay."""
    killed = _pids(world.stack)
    assert set(killed) == set(_PARTS)
    for pid in killed.values():
        os.kill(pid, signal.SIGKILL)

    wait_for(lambda: world.is_well() and set(_pids(world.stack)) == set(_PARTS))

    assert not set(_pids(world.stack).values()) & set(killed.values())


def _pids(stack: Stack) -> dict[str, int]:
    """The main process of each part that runs: the oldest whose command line matches."""
    children = sorted(stack.children().items(), reverse=True)
    return {part: pid for pid, line in children for part in _PARTS if re.search(part, line)}
