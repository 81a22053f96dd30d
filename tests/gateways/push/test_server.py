"""The event streams of the push process, with a real database and broker."""

import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from rest_framework.test import APIClient

from gateways.models import Gateway
from gateways.signing import keys
from tests.gateways.conftest import Register
from tests.support.api import created
from tests.support.brokers import end_subscriptions
from tests.support.events import Event, Events, Pusher
from tests.support.gateways import (
    KEYS_SIGNED_AS,
    Machine,
    is_signed,
    machine,
    pin,
    trusted,
    unb64u,
)
from tests.support.repo import policy
from tests.support.stack import wait_for
from tests.support.syncing import make, override

pytestmark = pytest.mark.django_db(transaction=True)

Open = Callable[[Machine], Events]


@pytest.fixture
def open_stream(pusher: Pusher) -> Iterator[Open]:
    """Open a gateway's stream."""
    opened: list[Events] = []

    def _open(one: Machine) -> Events:
        opened.append(Events(pusher.port, f"{one.path}/events", one.token))
        return opened[-1]

    yield _open
    for events in opened:
        events.close()


def told(
    one: Machine, event: Event, signed_as: bytes = b"keeptrusts statement v1\n"
) -> dict[str, Any]:
    """The statement of an event, after every look that a gateway takes."""
    assert event.name == ("client-keys" if signed_as == KEYS_SIGNED_AS else "configuration")
    data = event.data
    raw, key = unb64u(data["statement"]), unb64u(data["key"])
    assert is_signed(key, unb64u(data["signature"]), signed_as + raw)
    assert trusted(pin(one.token), key, data["chain"])
    assert hashlib.sha256(raw).hexdigest() == data["etag"]
    said: dict[str, Any] = json.loads(raw)
    assert event.id == str(said["keys_seq" if "keys_seq" in said else "publish_seq"])
    return said


def test_a_stream_begins_with_what_is_to_be_enforced(gateway: Machine, open_stream: Open) -> None:
    """The same statement that a pull answers with, and when to come back."""
    stream = open_stream(gateway)

    assert stream.status == 200
    assert stream.answer.getheader("Content-Type") == "text/event-stream"
    assert told(gateway, stream.next()) == gateway.statement()
    assert 200 <= stream.retry_ms <= 1000


def test_a_change_is_told_at_once(admin: APIClient, gateway: Machine, open_stream: Open) -> None:
    """And the bytes can be had by their hash."""
    stream = open_stream(gateway)
    stream.next()

    override(admin, "bot", policy("Bot 2"))

    assert told(gateway, stream.next()) == gateway.statement()


def test_client_keys_are_told_before_the_policy(
    admin: APIClient, register: Register, bot: str, pusher: Pusher, open_stream: Open
) -> None:
    """And at once when they change, without the policy; the list can be had by its hash."""
    created(admin.post("/v1/client-keys", {"name": "team"}, format="json"))
    gateway = register(configuration=bot)
    stream = open_stream(gateway)
    first = told(gateway, stream.next(), KEYS_SIGNED_AS)
    told(gateway, stream.next())

    admin.delete("/v1/client-keys/team")

    said = told(gateway, stream.next(), KEYS_SIGNED_AS)
    assert said["keys_seq"] > first["keys_seq"]
    path = f"{gateway.path}/contents"
    status, content = pusher.get(f"{path}/{said['content_hash']}", gateway.token)
    assert (status, json.loads(content)) == (200, {"demanded": True, "keys": []})
    assert pusher.get(f"{path}/{first['content_hash']}", gateway.token)[0] == 404


def test_a_change_is_told_without_a_hint(gateway: Machine, open_stream: Open) -> None:
    """Pub/sub loses messages; the counters are read again."""
    from configurations import versions
    from keeptrusts.messaging import hints

    stream = open_stream(gateway)
    stream.next()
    client = redis.Redis.from_url(settings.REDIS_URL)
    wait_for(lambda: client.pubsub_numsub(hints.CHANNEL)[0][1] > 0)
    end_subscriptions(client)

    versions.edit(
        "bot", content=policy("Bot 2").encode(), override=False, fields={},
        origin=versions.Origin(source=versions.Source.API),
    )  # fmt: skip

    assert told(gateway, stream.next())["version"] == 2


def test_a_change_elsewhere_is_not_told(
    admin: APIClient, register: Register, gateway: Machine, open_stream: Open
) -> None:
    """What comes next is the change that matters."""
    make(admin, "other", policy("Other"))
    other = register("other", configuration="other")
    streams = {one.id: open_stream(one) for one in (gateway, other)}
    for stream in streams.values():
        stream.next()

    override(admin, "other", policy("Other 2"))
    assert told(other, streams[other.id].next())["version"] == 2
    override(admin, "bot", policy("Bot 2"))

    assert told(gateway, streams[gateway.id].next())["configuration"] == "bot"


def test_another_binding_is_told(
    admin: APIClient, register: Register, bot: str, open_stream: Open
) -> None:
    """Also to a gateway that had none when it came."""
    loose = register("loose")
    stream = open_stream(loose)

    admin.patch(loose.path, {"configuration": bot}, format="json")

    assert told(loose, stream.next())["configuration"] == bot


def test_an_idle_stream_is_pinged(gateway: Machine, open_stream: Open) -> None:
    """So that both ends know of a connection that broke."""
    stream = open_stream(gateway)
    stream.next()
    stream.answer.readline()  # The line that ends the retry, or the ping itself.

    while not stream.comments:
        stream.line()

    assert stream.comments == [": ping"]


def test_the_bytes_are_had_by_their_hash(
    admin: APIClient, gateway: Machine, pusher: Pusher
) -> None:
    """Those of what is to be enforced, and no others."""
    first = gateway.statement()["content_hash"]
    path = f"{gateway.path}/contents"
    assert pusher.get(f"{path}/{first}", gateway.token) == (200, policy("Bot").encode())
    make(admin, "secret", policy("Secret"))
    secret = hashlib.sha256(policy("Secret").encode()).hexdigest()

    for unknown in (secret, "0" * 64):
        assert pusher.get(f"{path}/{unknown}", gateway.token)[0] == 404


@pytest.mark.parametrize("path", ["events", f"contents/{'0' * 64}"])
def test_a_stranger_is_refused(
    admin: APIClient,
    register: Register,
    gateway: Machine,
    pusher: Pusher,
    open_stream: Open,
    path: str,
) -> None:
    """No token, another's, a person's, a deleted gateway's."""
    other = register("other")
    asked = f"{gateway.path}/{path}"
    persons = admin._credentials["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    assert pusher.get(asked)[0] == 401
    assert pusher.get(asked, persons)[0] == 401
    assert pusher.get(asked, other.token)[0] == 403

    stream = open_stream(gateway)
    stream.next()
    admin.delete(gateway.path)
    assert stream.next().name == "goodbye"

    status, body = pusher.get(asked, gateway.token)
    assert (status, json.loads(body)["error"]["code"]) == (410, "gateway_deleted")


def test_a_stream_of_a_deleted_gateway_ends(
    admin: APIClient, gateway: Machine, open_stream: Open
) -> None:
    """With a goodbye; when it comes back it is told why."""
    stream = open_stream(gateway)
    stream.next()

    admin.delete(gateway.path)

    assert stream.next().name == "goodbye"
    assert open_stream(gateway).status == 410


def test_a_stream_of_an_old_token_ends(
    admin: APIClient, gateway: Machine, open_stream: Open
) -> None:
    """As soon as the new one was used, here too."""
    stream = open_stream(gateway)
    stream.next()
    new = machine(admin.post(f"{gateway.path}/rotate-token").json()["data"])

    assert told(new, open_stream(new).next())["configuration"] == "bot"

    assert stream.next().name == "goodbye"
    assert open_stream(gateway).status == 401


def test_a_rotated_key_signs_what_is_told_next(
    admin: APIClient, gateway: Machine, open_stream: Open
) -> None:
    """With the chain that leads to it."""
    stream = open_stream(gateway)
    stream.next()
    keys.rotate()

    override(admin, "bot", policy("Bot 2"))

    event = stream.next()
    assert told(gateway, event)["version"] == 2
    assert len(event.data["chain"]) == 1


def test_a_client_that_reads_nothing_holds_up_nobody(
    admin: APIClient, register: Register, gateway: Machine, pusher: Pusher, open_stream: Open
) -> None:
    """Its buffers fill; what it gets later is the latest, not all that was."""
    deaf = register("deaf", configuration="bot")
    with socket.create_connection(("127.0.0.1", pusher.port)) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        head = f"GET {deaf.path}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {deaf.token}"
        raw.sendall(f"{head}\r\n\r\n".encode())
        stream = open_stream(gateway)
        stream.next()
        for number in range(2, 30):
            override(admin, "bot", policy(f"Bot {number}"))

        while told(gateway, stream.next())["version"] < 29:
            pass


def test_one_gateway_holds_a_few_streams(
    admin: APIClient, gateway: Machine, open_stream: Open
) -> None:
    """Of more the oldest ends; those that stay are told what is new."""
    streams = [open_stream(gateway) for _ in range(6)]
    events = [stream.next() for stream in streams]

    assert {event.name for event in events} == {"configuration"}
    for stream in streams[:2]:
        assert stream.next().name == "goodbye"
        with pytest.raises(EOFError):
            stream.next()
    override(admin, "bot", policy("Bot 2"))
    assert [told(gateway, stream.next())["version"] for stream in streams[2:]] == [2] * 4


def test_what_was_told_is_noted(gateway: Machine, open_stream: Open) -> None:
    """For drift: what a gateway was handed, beside what it runs."""
    from gateways.reports import live

    hash_ = told(gateway, open_stream(gateway).next())["content_hash"]

    # What an earlier gateway of this id was handed is noted until then.
    wait_for(lambda: (noted := live.handed().get(gateway.id)) and noted.content_hash == hash_)


def test_only_its_paths_are_known(pusher: Pusher) -> None:
    """Whatever else is asked for is answered with an error."""
    assert pusher.get("/v1/nothing")[0] == 404
    assert pusher.get("/readyz", method="POST")[0] == 405


def test_another_database_under_it_is_read_anew(
    admin: APIClient, register: Register, gateway: Machine, pusher: Pusher
) -> None:
    """Counters that went back say that nothing known holds: a backup was restored."""
    from keeptrusts.models import Counter

    path = f"{gateway.path}/contents/{gateway.statement()['content_hash']}"
    assert pusher.get(path, gateway.token)[0] == 200

    Gateway.objects.all().delete()
    Counter.objects.update(value=1)
    assert pusher.get(path, "ktg_unknown")[0] == 401  # It looks for who that may be.

    assert pusher.get(path, gateway.token)[0] == 401


# Last: whatever came after it would have to start the process again.
def test_the_end_is_announced(gateway: Machine, open_stream: Open, pusher: Pusher) -> None:
    """And the process ends in good order although streams are open."""
    stream = open_stream(gateway)
    stream.next()

    assert pusher.stop() == 0

    assert stream.next().name == "goodbye"
    with pytest.raises(EOFError):
        stream.next()
