"""What the control plane does while its servers, or parts of itself, do not do what they should."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from tests.faults.faults import FAULTS, Fault
from tests.faults.table import during, lost
from tests.faults.watching import watching
from tests.faults.world import World
from tests.support.stack import Stack, title, wait_for

_PARTS = ("syncer", "poller", "streams", "web")


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
        assert world.post("/v1/git-repos").status == 201
    finally:
        world.to_broker.mend()
    wait_for(world.is_well)


def test_a_broker_without_memory_ends_nothing(world: World) -> None:
    """A worker that starts meanwhile works without it, and what is pushed comes into force."""
    with world.redis() as client:
        client.config_set("maxmemory", 1)
        try:
            os.kill(_pids(world.stack)["poller"], signal.SIGKILL)
            is_in_force = world.push("Without a broker")

            reply = world.post("/v1/git-repos/test")

            assert (reply.status, reply.json["error"]["code"]) == (503, "unavailable")
            assert "maxmemory" in reply.json["error"]["message"]
            assert "maxmemory" in world.down()["broker"]
            assert world.post("/v1/git-repos").status == 201
            wait_for(is_in_force)
            assert "poller" not in world.down()
        finally:
            client.config_set("maxmemory", 0)
    wait_for(world.is_well)


_BRIEF = {"read-only", "full", "not-serializable", "without-replicas"}


def test_faults_one_after_the_other_are_told_as_what_they_are(world: World) -> None:
    """The table in short: nothing is a bug, nothing waits, nothing is lost, all is well again."""
    # Health would go on telling of what is noted, and the next test wants it well.
    chosen = [fault for fault in FAULTS if fault.name in _BRIEF and not fault.is_noted]
    with watching(world) as watch:
        for fault in chosen:
            began = time.monotonic()
            with fault.lasting(world):
                time.sleep(0.4)
                if fault.told:
                    wait_for(lambda fault=fault: _is_told(world, fault))  # type: ignore[misc]
            assert list(during(watch, [fault], began + 0.3, time.monotonic())) == []
        is_in_force = world.push("After it all")
        wait_for(is_in_force)
    assert watch.created
    assert list(lost(world, watch)) == []


def _is_told(world: World, fault: Fault) -> bool:
    return bool({fault.told, fault.server} & set(world.down()))


def test_killed_parts_are_started_again(world: World) -> None:
    """All of them at once; the parent and its address stay."""
    killed = _pids(world.stack)
    assert set(killed) == set(_PARTS)
    for pid in killed.values():
        os.kill(pid, signal.SIGKILL)

    wait_for(lambda: world.is_well() and set(_pids(world.stack)) == set(_PARTS))

    assert not set(_pids(world.stack).values()) & set(killed.values())


def _pids(stack: Stack) -> dict[str, int]:
    """The main process of each part that runs: the oldest of its name."""
    children = sorted(stack.children().items(), reverse=True)
    return {part: pid for pid, line in children for part in _PARTS if line == title(part)}
