"""What Redis holds is data: never code, and never believed to be what this program wrote."""

import ast
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import OperationalError
from django.test import override_settings
from django.utils import timezone
from kombu import Connection, Exchange, Queue
from rest_framework.test import APIClient

from gateways.mirror.mirror import fleet
from gateways.models import State
from gateways.reports import live, reports
from keeptrusts import celery, metrics, sealing
from keeptrusts.api.errors import UnavailableError
from keeptrusts.messaging import mailbox
from keeptrusts.processes import heartbeat
from keeptrusts.redis_client import client as redis_client
from keeptrusts.servers import failures, outages
from tests.support import hostileredis
from tests.support.api import created
from tests.support.gateways import Machine, machine

ROOT = Path(__file__).parents[2]
ROOMS = ("access", "bench", "configurations", "events", "gateways", "gitrepos", "keeptrusts", "kt")
UNPICKLERS = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
CACHES = "django.core.cache"


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[dict[str, bytes]]:
    """Bytes that nobody here wrote; a pickle among them runs nowhere."""
    mark = tmp_path / "ran"
    redis_client().flushdb()
    made = hostileredis.values(mark)
    assert len(made) >= 64
    yield made
    redis_client().flushdb()
    assert not mark.exists()


def keys(pattern: str = "*") -> list[str]:
    """The keys of this test."""
    return [key.decode() for key in redis_client().keys(pattern)]  # type: ignore[union-attr]


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, and every name that it imports of one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{name.name}" for name in node.names))


def test_nothing_of_ours_can_unpickle() -> None:
    """No module imports what reads code from bytes, nor Django's cache, which does."""
    files = [*ROOT.glob("*.py"), *(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))]
    words = [*UNPICKLERS, "cache"]
    suspects = [file for file in files if any(word in file.read_text() for word in words)]

    found = {(str(file), name) for file in suspects for name in imported(file) if is_bad(name)}

    assert len(files) > 250
    assert found == set()


def is_bad(name: str) -> bool:
    """Whether a module, or what is imported of it, can read code."""
    return name.partition(".")[0] in UNPICKLERS or name.startswith(CACHES)


def test_the_search_for_imports_finds_them(tmp_path: Path) -> None:
    """However they are written."""
    file = tmp_path / "x.py"
    for text in ("import pickle as p", "from pickle import loads", "from django.core import cache"):
        file.write_text(f"def f():\n    {text}\n")

        names = imported(file)

        assert any(map(is_bad, names))


def test_messages_are_json_and_nothing_else() -> None:
    """Neither results nor commands are read at all, and Django's cache holds nothing."""
    conf = celery.app.conf

    assert (conf.accept_content, conf.result_accept_content) == (["json"], ["json"])
    assert (conf.task_serializer, conf.result_serializer, conf.event_serializer) == ("json",) * 3
    assert (conf.result_backend, conf.task_ignore_result) == (None, True)
    assert conf.worker_enable_remote_control is False
    assert list(settings.CACHES) == ["default"]
    caches["default"].set("x", 1)
    assert caches["default"].get("x") is None


@pytest.mark.django_db
def test_a_foreign_heartbeat_is_none(client: APIClient, hostile: dict[str, bytes]) -> None:
    """Health is never green by the word of Redis alone, nor by another key's, nor by another's."""
    heartbeat.beat()
    [key] = keys()
    now = f"{time.time():.3f}".encode()
    ahead = f"{time.time() + 3600:.3f}".encode()
    others = [
        now,
        sealing.vouch(now, row="another"),
        sealing.vouch(ahead, row=key),
        sealing.vouch(b"nan", row=key),
        vouched_by_a_stranger(now, key),
    ]
    for value in [*hostile.values(), *others, *hostile.values()]:
        redis_client().set(key, value)
        assert heartbeat.age_seconds() is None

    assert error_of(client.get("/healthz")) == "not_ready"
    redis_client().set(key, sealing.vouch(now, row=key))
    assert heartbeat.is_alive()
    redis_client().set(key, sealing.vouch(f"{time.time() - 11:.3f}".encode(), row=key))
    assert not heartbeat.is_alive()


def vouched_by_a_stranger(data: bytes, row: str) -> bytes:
    """As our processes do it, with a key that is not ours."""
    with override_settings(ENV=replace(settings.ENV, secret_keys=("x" * 40,))):
        return sealing.vouch(data, row=row)


def test_a_fault_that_this_process_met_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis may forget it; `/healthz` of the process that met it is red all the same."""
    monkeypatch.setattr(outages, "_own", {})
    cause = sqlite3.OperationalError("database or disk is full")
    cause.sqlite_errorcode = sqlite3.SQLITE_FULL
    failure = OperationalError("database or disk is full")
    failure.__cause__ = cause
    assert outages.met(failure) == failures.FULL
    redis_client().flushdb()

    assert outages.last() == failures.FULL.message


def error_of(answer: Any) -> str:
    """The code of an answer that is an error."""
    code: str = answer.json()["error"]["code"]
    return code


@pytest.mark.django_db
def test_foreign_numbers_are_not_counted(admin: APIClient, hostile: dict[str, bytes]) -> None:
    """Whether they stand under a name that is known, or one that is not."""
    counter = metrics.CounterMetric("keeptrusts_tests_foreign", "", ("kind",))
    counter.add("a")
    metrics.flush()
    names = ["since", "keeptrusts_tests_foreign\x1fa", "\x1f", b"\xff"]
    everything: Any = {str(n): value for n, value in enumerate(hostile.values())}
    for key in keys("keeptrusts:metrics*"):
        for value in hostile.values():
            redis_client().hset(key, mapping=dict.fromkeys(names, value))
            found = [metrics.totals(), metrics.recent()]
            assert all(0 <= number < 10**401 for one in found for number in one.values.values())
        redis_client().hset(key, mapping=everything)

    answers = [admin.get(path) for path in ("/metrics", "/v1/git-repos/summary")]
    counter.add("a")
    counter.add("b")
    metrics.flush()
    counted = metrics.totals()

    assert [answer.status_code for answer in answers] == [200, 200]
    assert counter.sum(counted, "b") == 1


def test_a_foreign_answer_is_none(hostile: dict[str, bytes]) -> None:
    """Whoever waits hears that the broker cannot be used; another's answer is foreign as well."""
    mailbox.put("other", {"x": 1})
    [key] = keys()
    [stored] = redis_client().lrange(key, 0, -1)  # type: ignore[misc]
    redis_client().delete(key)
    for value in [*hostile.values(), stored]:
        redis_client().rpush("mailbox:ticket", value)
        with pytest.raises(UnavailableError):
            mailbox.take("ticket", seconds=1)

    mailbox.put("ticket", {"x": 1})
    assert mailbox.take("ticket", seconds=1) == {"x": 1}


def test_redis_reads_no_preview() -> None:
    """What is in an answer is a policy, and perhaps words of a forge."""
    mailbox.put("ticket", {"secret": "in a policy"})

    [stored] = redis_client().lrange("mailbox:ticket", 0, -1)  # type: ignore[misc]
    redis_client().flushdb()

    assert b"policy" not in stored
    assert b"secret" not in stored


@pytest.fixture
def one(admin: APIClient) -> Machine:
    """A gateway."""
    fleet.__init__()  # type: ignore[misc]
    return machine(created(admin.post("/v1/gateways", {"id": "edge"}, format="json")))


SEEN, HANDED = "keeptrusts:fleet:seen", "keeptrusts:fleet:handed"


@pytest.mark.django_db
def test_what_is_foreign_is_known_of_no_gateway(
    admin: APIClient, one: Machine, hostile: dict[str, bytes]
) -> None:
    """It counts as lost: the database is asked, and the next report says all again."""
    one.report()
    own: Any = redis_client().hget(SEEN, "edge")
    rows: Any = {f"edge-{n}": value for n, value in enumerate([*hostile.values(), own])}
    for name in (SEEN, HANDED):
        redis_client().hset(name, mapping={**rows, b"\xff": b"x"})
    known = [set(live.seen()), set(live.handed())]

    for value in hostile.values():
        redis_client().hset(SEEN, "edge", value)
        assert one.report().status_code == 200
    statuses = [admin.get("/v1/drift").status_code, one.report().status_code]

    assert known == [{"edge"}, set()]
    assert statuses == [200, 200]
    assert State.objects.get().health == "ok"


@pytest.mark.django_db
def test_an_older_report_shown_again_hides_nothing(admin: APIClient, one: Machine) -> None:
    """A gateway falls ill again, and Redis shows the row of its first illness as the one before.

    The report is not written then. But drift has what was reported last from wherever that is, and
    the next report is written.
    """
    ill = {"code": "config_invalid", "message": "It cannot be used."}
    one.report(health="degraded", problem=ill)
    before: Any = redis_client().hget(SEEN, "edge")
    one.report()
    State.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))
    redis_client().hset(SEEN, "edge", before)
    one.report(health="degraded", problem=ill)
    unwritten = State.objects.get().problem_code

    [drift] = admin.get("/v1/drift").json()["data"]
    reports.flush()
    one.report(health="degraded", problem=ill)

    assert (unwritten, drift["problem"]["code"]) == ("", "config_invalid")
    assert State.objects.get().problem_code == "config_invalid"


@pytest.mark.django_db
@pytest.mark.parametrize("write", ["SET {} y", "RPUSH {} y", "SADD {} y", "HSET {} y z"])
def test_a_key_of_another_type_is_a_broker_that_fails(
    admin: APIClient, one: Machine, write: str
) -> None:
    """A code, and no trace."""
    heartbeat.beat()
    one.report()
    for key in {*keys(), "keeptrusts:fleet:handed", "tick", "sync"}:
        redis_client().delete(key)
        redis_client().execute_command(*write.format(key).split())

    paths = ("/healthz", "/metrics", "/v1/git-repos/summary", "/v1/drift")
    answers = [*(admin.get(path) for path in paths), one.report()]

    assert {answer.status_code for answer in answers} <= {200, 503}
    redis_client().flushdb()


ENVELOPES = {
    "a number": b"5",
    "without a body": b'{"headers": {}, "properties": {"delivery_tag": "x"}}',
    "without properties": b'{"body": "e30=", "headers": {}}',
    "of odd properties": b'{"body": "e30=", "headers": {}, "properties": 5}',
    "of an odd tag": b'{"body": "e30=", "headers": {}, "properties": {"delivery_tag": []}}',
    "of an odd encoding": b'{"body": "!", "headers": {}, "properties": {"delivery_tag": "x",'
    b' "body_encoding": "pickle", "delivery_info": {"exchange": "", "routing_key": "tick"}}}',
    "of an odd type": b'{"body": "e30=", "content-type": "application/x-python-serialize",'
    b' "content-encoding": "binary", "headers": {}, "properties": {"delivery_tag": "x",'
    b' "delivery_info": {"exchange": "tick", "routing_key": "tick"}}}',
}


def test_what_is_no_message_ends_no_worker(hostile: dict[str, bytes]) -> None:
    """It is dropped, and the next one is read."""
    read: list[Any] = []
    url = celery._broker_url(settings.REDIS_URL)
    with Connection(url, transport_options={"polling_interval": 0.01}) as connection:
        consumer = connection.Consumer(
            [Queue("tick", Exchange("tick"), "tick")],
            callbacks=[lambda body, message: read.append(body)],
            accept=["json"],
            no_ack=True,
            on_decode_error=lambda message, exc: None,
        )
        with consumer:
            for value in [*hostile.values(), *ENVELOPES.values()]:
                redis_client().rpush("tick", value)
                redis_client().sadd("_kombu.binding.tick", value)
            connection.Producer().publish({"tick": 1}, exchange="tick", routing_key="tick")
            while {"tick": 1} not in read:
                connection.drain_events(timeout=10)

    assert redis_client().llen("tick") == 0
