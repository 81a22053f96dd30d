"""Workers: what wakes one."""

import socket
import threading
from collections.abc import Iterator

import pytest
from kombu.asynchronous import Hub, set_event_loop

from keeptrusts.parent import workers
from tests.support.stack import PATIENCE_SECONDS, wait_for


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The loop of a worker, which nothing wakes by the clock."""
    hub = Hub()
    poll = hub.poller.poll
    monkeypatch.setattr(hub.poller, "poll", lambda _seconds: poll(2 * PATIENCE_SECONDS))
    broker, ours = socket.socketpair()
    hub.add_reader(ours, lambda: None)
    set_event_loop(hub)
    yield hub
    set_event_loop(None)
    hub.close()
    for one in (broker, ours):
        one.close()


def test_a_worker_whose_threads_were_all_at_work_looks_for_messages_once_one_is_free(
    loop: Hub,
) -> None:
    """At once; meanwhile it sleeps."""
    turns: list[int] = []
    loop.on_tick.add(lambda: turns.append(len(turns)))
    running = loop.create_loop()
    thread = threading.Thread(target=lambda: [next(running) for _ in range(2)], daemon=True)
    at_work, pool = threading.Event(), workers._Threads(1)
    pool.start()
    pool.apply_async(at_work.wait)
    thread.start()
    wait_for(lambda: turns == [0])

    at_work.set()

    wait_for(lambda: turns == [0, 1])
    pool.stop()
    loop.call_soon(lambda: None)
    thread.join()
