"""An open stream: what it has yet to be told, and in which order."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from rest_framework.test import APIClient

from access.tokens import digest
from gateways.mirror.mirror import fleet
from gateways.push.stream import Stream
from keeptrusts import counters
from tests.support.api import created
from tests.support.gateways import Machine

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]


def test_a_stream_is_behind_until_it_told_the_newest(admin: APIClient, gateway: Machine) -> None:
    """Keys before the policy; later keys alone, and then nothing."""
    sent: list[bytes] = []

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message["body"].split(b"\n")[0])

    async def deliver() -> None:
        stream.deliver()
        await asyncio.sleep(0)

    def tell() -> list[bool]:
        """Read what changed and send it; whether something was to be sent, before and after."""
        fleet.refresh(counters.read())
        was_behind = stream.is_behind
        asyncio.run(deliver())
        return [was_behind, stream.is_behind]

    created(admin.post("/v1/client-keys", {"name": "team"}, format="json"))
    stream = Stream(gateway.id, digest(gateway.token), send)
    first = tell()
    admin.delete("/v1/client-keys/team")
    second = tell()

    assert (first, second, tell()) == ([True, False], [True, False], [False, False])
    assert sent == [b"event: client-keys", b"event: configuration", b"event: client-keys"]
