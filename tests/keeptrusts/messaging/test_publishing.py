"""Publishing without waiting for Redis."""

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from keeptrusts.messaging import publishing
from keeptrusts.redis_client import client
from tests.support.hostileredis import lying
from tests.support.stack import wait_for


@pytest.fixture(autouse=True)
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[publishing._Line]:
    """A connection of this test alone, in a process that rests from nothing."""
    made = publishing._Line()
    monkeypatch.setattr(publishing, "_line", made)
    monkeypatch.setattr(publishing, "_resting_until", 0.0)
    yield made
    made._close()


@pytest.fixture
def channel() -> str:
    """One that nobody else publishes on."""
    return uuid4().hex


@pytest.fixture
def hearing(channel: str) -> Any:
    """A subscription that is confirmed."""
    made = client().pubsub(ignore_subscribe_messages=True)
    made.subscribe(channel)
    made.get_message(timeout=5)
    return made


def _heard(hearing: Any, many: int) -> list[bytes]:
    found: list[bytes] = []
    while len(found) < many and (message := hearing.get_message(timeout=5)):
        found.append(message["data"])
    return found


def test_messages_come_in_order(channel: str, hearing: Any) -> None:
    """Of several threads each one's, also more than may be without an answer."""
    many = 3 * publishing._MOST_UNREAD

    def publish(who: str) -> None:
        for number in range(many):
            publishing.publish(channel, f"{who} {number}".encode())

    threads = [threading.Thread(target=publish, args=(who,)) for who in ("a", "b")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    heard = _heard(hearing, 2 * many)
    for who in ("a", "b"):
        own = [one for one in heard if one.startswith(who.encode())]
        assert own == [f"{who} {number}".encode() for number in range(many)]


def test_a_connection_that_ended_is_made_anew(
    line: publishing._Line, channel: str, hearing: Any
) -> None:
    """Redis was restarted, or closes what is idle: nobody hears of that before the next message."""
    publishing.publish(channel, b"before")
    assert _heard(hearing, 1) == [b"before"]
    line._connection.read_response()
    line._unread.clear()
    line._connection.send_command("CLIENT", "ID")
    client().client_kill_filter(_id=line._connection.read_response())

    for _ in range(2):
        publishing.publish(channel, b"after")

    assert _heard(hearing, 2) == [b"after", b"after"]


def test_a_connection_is_kept_however_long_it_was_quiet(
    line: publishing._Line, channel: str, hearing: Any
) -> None:
    """Of each answer no more is asked than that it ends in time once it is read."""
    publishing.publish(channel, b"before")
    connection = line._connection
    while not connection.can_read(1):
        pass
    sock = connection._sock
    sock._until = 0.0  # As after a long while.

    publishing.publish(channel, b"after")

    assert line._connection._sock is sock
    assert _heard(hearing, 2) == [b"before", b"after"]


def test_a_fork_has_a_connection_of_its_own(
    line: publishing._Line, channel: str, hearing: Any
) -> None:
    """On its parent's, each would read the other's answers."""
    publishing.publish(channel, b"parent")
    connection = line._connection
    child = os.fork()
    if not child:
        publishing.publish(channel, b"child")
        os._exit(0 if line._connection is not connection else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    publishing.publish(channel, b"parent")
    assert line._connection is connection
    assert _heard(hearing, 3) == [b"parent", b"child", b"parent"]


@pytest.mark.parametrize("answer", [b"-READONLY replica\r\n", b"x\r\n", b"*99\r\n$1\r\nx\r\n", b""])
def test_a_bad_answer_is_seen_at_the_next_message(
    settings: Any, monkeypatch: pytest.MonkeyPatch, answer: bytes, channel: str
) -> None:
    """Or, where none comes, once too many are missing; then nothing is tried for a while."""
    monkeypatch.setattr(publishing, "_MOST_UNREAD", 3)
    with lying() as liar:
        settings.REDIS_URL = f"{liar.url}?socket_timeout=0.2"
        liar.answer, liar.ends = (lambda _: answer), False

        for _ in range(2 * publishing._MOST_UNREAD):
            publishing.publish(channel, b"")

        assert publishing._resting_until > 0


def test_a_connection_that_ended_is_no_failure_to_who_asks(
    line: publishing._Line, channel: str
) -> None:
    """The next message goes over a new one."""
    publishing.publish(channel, b"")
    line._connection._sock.shutdown(socket.SHUT_RDWR)
    line._unread.append(channel)

    assert publishing.is_heard(channel)
    assert publishing._resting_until == 0

    publishing.publish(channel, b"")
    wait_for(lambda: not publishing.is_heard(channel))


def test_a_refusal_is_told_whoever_reads_it(
    line: publishing._Line, settings: Any, channel: str
) -> None:
    """Also who asks only whether somebody hears; else each message would connect anew."""
    with lying() as liar, capture_logs() as logged:
        settings.REDIS_URL = liar.url
        liar.answer, liar.ends = (lambda _: b"-NOPERM no permissions\r\n"), False
        publishing.publish(channel, b"")
        while not line._connection.can_read(1):
            pass

        assert publishing.is_heard(channel)

    assert publishing._resting_until > 0
    assert "NOPERM" in logged[0]["error"] or "no permissions" in logged[0]["error"]


def test_answers_that_nobody_asked_for_end_a_connection(
    line: publishing._Line, settings: Any, channel: str
) -> None:
    """They would be taken for those of later messages."""
    with lying() as liar:
        settings.REDIS_URL = liar.url
        liar.answer, liar.ends = (lambda _: b":1\r\n:1\r\n:1\r\n"), False
        publishing.publish(channel, b"")
        first = line._connection
        while not first.can_read(1):
            pass
        publishing.publish(channel, b"")

        assert line._connection is not None
        assert first._sock is None or first is line._connection
        assert len(line._unread) == 1


def test_it_is_known_whether_somebody_hears(channel: str) -> None:
    """By the last answer: before it somebody may."""
    assert publishing.is_heard(channel)
    publishing.publish(channel, b"")
    wait_for(lambda: not publishing.is_heard(channel))
    hearing = client().pubsub()
    hearing.subscribe(channel)
    hearing.get_message(timeout=5)
    assert not publishing.is_heard(channel)

    publishing.publish(channel, b"")

    wait_for(lambda: publishing.is_heard(channel))
