"""Notifications of a whole control plane: its own processes send them."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.support.receiver import OK, Answer, Received, Receiver
from tests.support.repo import policy
from tests.support.stack import Stack, title, wait_for


class Pinned:
    """A configuration that is pinned and released, and an endpoint that hears of it alone."""

    def __init__(self, stack: Stack, receiver: Receiver) -> None:
        self.stack, self.receiver = stack, receiver
        self.id = f"heard-{uuid4().hex[:8]}"
        self._send("configurations", {"id": self.id, "content": policy(self.id),
                                      "labels": {"heard": self.id}})  # fmt: skip
        body = {"name": self.id, "url": receiver.url, "labels": {"heard": self.id}}
        self.path = f"notification-endpoints/{self._send('notification-endpoints', body)['id']}"

    def pins(self, times: int) -> list[str]:
        """Pin and release it so often; returns the kinds of the events."""
        for number in range(times):
            self._send(f"configurations/{self.id}/pin", {"reason": f"{number}"})
            self._send(f"configurations/{self.id}/pin", method="DELETE")
        return ["pinned", "unpinned"] * times

    @property
    def heard(self) -> list[str]:
        return [one.data["kind"] for one in self.receiver.received]

    def _send(self, path: str, body: Any = None, *, method: str = "POST") -> Any:
        answer = self.stack.request(method, f"/v1/{path}", body)
        assert answer.status < 300, answer
        return answer.data

    def forget(self) -> None:
        assert self.stack.request("DELETE", f"/v1/{self.path}").status == 204


@pytest.fixture
def pinned(shared_embedded_stack: Stack) -> Iterator[Pinned]:
    with Receiver() as receiver:
        made = Pinned(shared_embedded_stack, receiver)
        yield made
        made.forget()


def test_what_happens_is_heard_in_order(pinned: Pinned) -> None:
    """Within seconds, each once."""
    events = pinned.pins(5)
    wait_for(lambda: len(pinned.heard) >= len(events))
    assert pinned.heard == events


@pytest.mark.soak
def test_a_poller_that_is_killed_between_sending_and_noting(pinned: Pinned) -> None:
    """What it sent is sent again under its id, and what follows comes after it, in order."""
    killed: list[int] = []

    def kill(_: Received) -> Answer:
        if len(killed) < 2:
            children = pinned.stack.children().items()
            pid = next(pid for pid, line in children if line == title("poller"))
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.5)
        return OK

    pinned.receiver.answer = kill
    events = pinned.pins(3)
    ids: dict[str, str] = {}

    def all_came() -> bool:
        ids.update({one.id: one.data["kind"] for one in pinned.receiver.received})
        return len(ids) == len(events)

    wait_for(all_came, seconds=400)
    assert len(killed) == 2
    first = pinned.receiver.received[0].id
    assert [one.id for one in pinned.receiver.received[:3]] == [first] * 3
    assert len(pinned.receiver.received) == len(events) + 2
    assert list(ids.values()) == events
