"""Fixtures of notifications: a receiver, a sender whose clock is moved, events."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from events import log
from events.log import Kind
from gitrepos.forge import eventloop
from notifications.models import Endpoint
from notifications.sender import Sender
from tests.support.api import created
from tests.support.receiver import Receiver

LINK_A, LINK_B = (f"{number:08d}-0000-4000-8000-000000000000" for number in (1, 2))


class Clock:
    """The time, which a test moves on, and nobody else: the machine's may jump past a lease."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self._began = time.monotonic()
        self._at = timezone.now()

    def __call__(self) -> datetime:
        return self._at + timedelta(seconds=time.monotonic() - self._began) + self.ahead

    def pass_(self, **time: float) -> None:
        self.ahead += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sender(clock: Clock) -> Iterator[Sender]:
    """What sends, in the thread of the test."""
    yield Sender(clock)
    eventloop.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def make(admin: APIClient) -> Callable[..., Any]:
    """Make an endpoint by the API; returns its answer."""

    def made(url: str, name: str = "on call", **more: Any) -> Any:
        body = {"name": name, "url": url, **more}
        return created(admin.post("/v1/notification-endpoints", body, format="json"))

    return made


def tell(message: str, *, link: str = "", configuration: str = "", **details: Any) -> None:
    """Record an event."""
    log.record(Kind.FAILED, message, git_repo=link, configuration=configuration, details=details)


def only() -> Endpoint:
    """The one endpoint."""
    return Endpoint.objects.get()
