"""Redis in hostile hands can delay and forget: every answer, and every field of every message."""

import asyncio
import contextlib
import copy
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.utils import timezone

from configurations import judging
from gateways.reports import live, reports
from gateways.reports.live import LastReport
from gitrepos import tasks
from gitrepos.webhooks import deliveries
from keeptrusts import celery, metrics
from keeptrusts import redis_client as keeptrusts_redis
from keeptrusts.api import health
from keeptrusts.api.errors import UnavailableError
from keeptrusts.messaging import hearing, hints, mailbox, messages
from keeptrusts.processes import heartbeat
from keeptrusts.redis_client import client as redis_client
from keeptrusts.servers import outages
from kt.gateway.clients.charges import Charge
from kt.gateway.clients.shared import AwayError, SharedCounters
from tests.support import hostileredis
from tests.support.hostileredis import ANSWERS, Liar, lying

pytestmark = pytest.mark.django_db

REPORT = LastReport(at=timezone.now(), essence="[]", counters={}, stream=False)
# Everything that a process of the control plane asks of Redis.
READS: dict[str, Callable[[], Any]] = {
    "heartbeat": heartbeat.age_seconds,
    "beat": heartbeat.beat,
    "totals": metrics.totals,
    "recent": metrics.recent,
    "page": metrics.render,
    "seen": live.seen,
    "handed": live.handed,
    "swap": lambda: live.swap_seen({"edge": REPORT, "other": REPORT}),
    "forget": lambda: live.forget_seen("edge"),
    "first": lambda: live.is_first("bot", 1),
    "flush": reports.flush,
    "outage": outages.last,
    "rules": judging.announce,
    "due": judging.is_due,
    "judge": judging.judge_all,
    "hint": hints._announce,
    "length": lambda: redis_client().llen("tick"),
    "take": lambda: mailbox.take("ticket", seconds=0.1),
    "put": lambda: mailbox.put("ticket", {}),
    "delivery": lambda: deliveries._is_new("key", "mark"),
}


@pytest.fixture
def liar(settings: Any) -> Iterator[Liar]:
    """A Redis that lies to this process."""
    with lying() as made:
        settings.REDIS_URL = made.url
        yield made


@pytest.mark.parametrize(
    ("name", "queues"),
    [*((name, False) for name in READS), ("swap", True), ("put", True), ("delivery", True)],
)
def test_a_lie_is_an_answer_that_says_nothing_or_a_redis_that_fails(
    liar: Liar, name: str, queues: bool
) -> None:
    """And no other error, whatever stands in place of the answer, or of a transaction's."""
    assert len(ANSWERS) >= 64
    liar.queues = queues
    for answer in ANSWERS.values():
        liar.answer = lambda _, answer=answer: answer
        try:
            READS[name]()
        except (redis.RedisError, UnavailableError):
            continue


@pytest.mark.parametrize("start", [b"$9999999999\r\n", b"*9999999999\r\n", b"%9999\r\n"])
@pytest.mark.parametrize("slowly", [True, False])
def test_an_answer_that_does_not_end_is_given_up(
    liar: Liar, monkeypatch: pytest.MonkeyPatch, start: bytes, slowly: bool
) -> None:
    """Whether it fills the memory, or keeps a thread with a byte now and then."""
    if slowly:
        monkeypatch.setattr(keeptrusts_redis, "MOST_SECONDS", 0.2)
    else:
        monkeypatch.setattr(keeptrusts_redis, "MOST_BYTES", 1 << 20)
    liar.answer = lambda _: start
    liar.goes_on = (b"0", 0.02) if slowly else (b"$1\r\n0\r\n" * 10_000, 0.0)

    with pytest.raises(redis.RedisError):
        redis_client().get("x")

    assert liar.sent < 32 << 20


def test_a_list_that_promises_a_thousand_million_values_is_given_up(liar: Liar) -> None:
    """The client's parser makes room for all of them before the first comes."""
    liar.answer = lambda _: b"*999999999\r\n"

    with pytest.raises(redis.RedisError):
        redis_client().get("x")


def test_health_is_never_green_by_a_lie(liar: Liar) -> None:
    """Neither is anything else that a lie might say true."""
    for answer in ANSWERS.values():
        liar.answer = lambda _, answer=answer: answer
        findings = health._look_at_broker()

        assert findings["broker"] or findings["worker_and_beat"]


def test_a_lie_ends_no_event_stream(liar: Liar) -> None:
    """In place of a hint, it is a Redis that fails: changes are read all the same."""

    async def hear() -> None:
        async with contextlib.aclosing(hearing.heard("x", seconds=0.05)) as heard:
            for _ in range(3):
                await anext(heard)

    for answer in ANSWERS.values():
        liar.answer = lambda _, answer=answer: answer
        with contextlib.suppress(redis.RedisError):
            asyncio.run(hear())


def test_redis_sends_nobody_elsewhere(liar: Liar, settings: Any) -> None:
    """A client does not connect, and log in, where a server tells it to."""
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.3)
        place = f"127.0.0.1:{trap.getsockname()[1]}".encode()
        moving = b">4\r\n$6\r\nMOVING\r\n:1\r\n:5\r\n$%d\r\n%b\r\n" % (len(place), place)
        liar.ends = False
        for answer in (moving + b"$-1\r\n", b"$-1\r\n" + moving, b"-MOVED 1 " + place + b"\r\n"):
            liar.answer = lambda _, answer=answer: answer
            for _ in range(4):
                with contextlib.suppress(redis.RedisError):
                    redis_client().get("x")
        with pytest.raises(TimeoutError):
            trap.accept()


def _fields(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a JSON document."""
    if path:
        yield path
    if isinstance(node, dict | list):
        for name, part in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _fields(part, (*path, name))


def _sent(queue: str) -> dict[str, Any]:
    """The one message in a queue, taken from there."""
    [raw] = redis_client().lrange(queue, 0, -1)  # type: ignore[misc]
    redis_client().delete(queue)
    message: dict[str, Any] = json.loads(raw)
    return message


@pytest.fixture
def sent_messages(settings: Any) -> Iterator[dict[str, dict[str, Any]]]:
    """A genuine message for each queue, as it stood there."""
    redis_client().flushdb()
    url = celery._broker_url(settings.REDIS_URL)
    with celery.app.connection_for_write(url) as connection:
        tasks.preview_link.apply_async(("ticket", str(uuid4())), connection=connection)
        tasks.sync_remote.apply_async(connection=connection)
        tasks.tick.apply_async(expires=2, connection=connection)
        yield {queue: _sent(queue) for queue in ("preview", "sync", "tick")}
    redis_client().flushdb()


def test_no_field_of_a_message_can_be_another(
    sent_messages: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """Each field of each message with each of 64 values, left out, or added."""
    mark = tmp_path / "ran"
    hostile = [_json(value) for value in hostileredis.values(mark).values()]
    assert len(hostile) >= 64
    for queue, message in sent_messages.items():
        assert messages.is_ours(message, queue)
        paths = list(_fields(message))
        assert len(paths) > 25
        for path in paths:
            altered = copy.deepcopy(message)
            *before, last = path
            there: Any = altered
            for name in before:
                there = there[name]
            genuine = there[last]
            for value in hostile:
                there[last] = value
                assert value == genuine or not messages.is_ours(altered, queue), (path, value)
            if isinstance(there, dict):
                del there[last]
                assert not messages.is_ours(altered, queue), path
                altered = copy.deepcopy(message)
        for name in ("chord", "errbacks", "mac "):
            assert not messages.is_ours({**message, name: []}, queue)
    assert not mark.exists()


def _json(value: bytes) -> Any:
    """A value as it may stand in a JSON document."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value.decode("latin-1")


def test_a_message_stays_in_its_queue(sent_messages: dict[str, dict[str, Any]]) -> None:
    """A sync's limits of time are those of the workers that sync."""
    for queue, message in sent_messages.items():
        for other in {*sent_messages, "", "celery", None} - {queue}:
            assert not messages.is_ours(message, other)


def test_a_message_that_kombu_sends_again_stays_genuine(
    sent_messages: dict[str, dict[str, Any]],
) -> None:
    """It notes that in the message."""
    for queue, message in sent_messages.items():
        message["headers"]["redelivered"] = True
        message["properties"]["delivery_info"]["redelivered"] = True
        assert messages.is_ours(message, queue)


def test_where_a_message_goes_is_not_asked_of_redis(settings: Any) -> None:
    """A table of routes that stands there leads nowhere."""
    redis_client().flushdb()
    url = celery._broker_url(settings.REDIS_URL)
    redis_client().sadd("_kombu.binding.sync", b"sync\x06\x16\x06\x16tick")
    with celery.app.connection_for_write(url) as connection:
        tasks.sync_remote.apply_async(connection=connection)

    assert [redis_client().llen(name) for name in ("sync", "tick")] == [1, 0]
    redis_client().flushdb()


def test_what_was_not_acknowledged_is_not_believed(
    sent_messages: dict[str, dict[str, Any]], settings: Any, tmp_path: Path
) -> None:
    """Hostile entries are removed, and a genuine one behind them comes back."""
    mark = tmp_path / "ran"
    entries = list(hostileredis.values(mark).values())
    entries += [json.dumps(value).encode() for value in ([], [{}, 1, 2], [1, 2, 3], {}, [None] * 3)]
    genuine = json.dumps([sent_messages["sync"], "sync", "sync"]).encode()
    for number, entry in enumerate([*entries, genuine]):
        redis_client().zadd("unacked_index", {f"tag-{number}": 1 + number})
        redis_client().hset("unacked", f"tag-{number}", entry)
    with celery.app.connection_for_read(celery._broker_url(settings.REDIS_URL)) as connection:
        for _ in range(len(entries) // 10 + 1):
            connection.default_channel.qos.restore_visible(num=10, interval=1)

    assert redis_client().hlen("unacked") == 0
    [raw] = redis_client().lrange("sync", 0, -1)  # type: ignore[misc]
    assert messages.is_ours(json.loads(raw), "sync")
    assert not mark.exists()


CHARGES = [Charge("limit", "policy", "payer", 10, 60, 1), Charge("other", "policy", "p", 5, 60, 1)]
COUNTS = [
    "*4\r\n:3\r\n:0\r\n:0\r\n:0\r\n",
    "*4\r\n:-1\r\n:0\r\n:0\r\n:0\r\n",
    "*4\r\n:1\r\n:-5\r\n:0\r\n:0\r\n",
    "*4\r\n:1\r\n:" + "9" * 400 + "\r\n:0\r\n:0\r\n",
    "*4\r\n:1\r\n:0\r\n:" + "9" * 400 + "\r\n:0\r\n",
    "*4\r\n:1\r\n:0\r\n:0\r\n:" + "9" * 400 + "\r\n",
    "*4\r\n:1\r\n:0\r\n:0\r\n:60000001\r\n",
    "*4\r\n$1\r\n1\r\n:0\r\n:0\r\n:0\r\n",
    "*4\r\n:1\r\n$3\r\nnan\r\n:0\r\n:0\r\n",
    "*5\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n",
    "*4\r\n:0\r\n:0\r\n:0\r\n*0\r\n",
    "$4\r\nabcd\r\n",
    "%4\r\n:0\r\n:0\r\n:1\r\n:0\r\n:2\r\n:0\r\n:3\r\n:0\r\n",
]


def test_a_gateway_believes_no_count_that_cannot_be() -> None:
    """It counts alone then, as while Redis is away; and no wait is longer than the window."""

    async def ask(url: str) -> Any:
        counters = SharedCounters(url)
        try:
            return await counters.take(CHARGES)
        except AwayError:
            return "away"
        finally:
            await counters.close()

    with lying() as liar:
        for answer in [*ANSWERS.values(), *(count.encode() for count in COUNTS)]:
            liar.answer = lambda _, answer=answer: answer
            outcome = asyncio.run(ask(liar.url))
            if outcome not in (None, "away"):
                charge, seconds = outcome
                assert charge in CHARGES
                assert 0 < seconds <= 2 * charge.window_seconds
        for count in COUNTS:
            liar.answer = lambda _, count=count: count.encode()
            assert asyncio.run(ask(liar.url)) == "away", count
