"""Events of gateways that do not do what they should: one when it begins, one when it is over."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from events.models import Event
from gateways import tasks
from gateways.drift import judge, troubles
from gateways.models import Gateway, Trouble
from gateways.reports import reports
from tests.gateways.conftest import Register
from tests.support.gateways import Machine

START = datetime(2031, 1, 2, tzinfo=UTC)
OK, OFF, STALE, DRIFTED = judge.IN_SYNC, judge.OFFLINE, judge.STALE, judge.DRIFTED
BACK = "gateway_recovered"


def _row(state: str, name: str = "g") -> dict[str, Any]:
    return {"gateway": name, "configuration": "bot", "state": state, "since": START, "why": "w",
            "last_seen_at": START}  # fmt: skip


def _told(states: Sequence[str | None]) -> list[tuple[int, str]]:
    """What is told of a gateway in these states, a look a minute; None where it is not there."""
    known: dict[str, Trouble] = {}
    told = []
    for minute, state in enumerate(states):
        rows = [] if state is None else [_row(state)]
        found = troubles.compared(known, rows, START + timedelta(minutes=minute))
        known |= {row.pk: row for row in (*found.new, *found.changed)}
        for name in found.over:
            del known[name]
        told += [(minute, one.kind.value) for one in found.news]
    return told


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ([OK] * 9, []),
        ([OFF, OK, OK], []),
        ([OFF] * 9, [(1, "gateway_offline")]),
        ([OFF, OFF, *[OK] * 7], [(1, "gateway_offline"), (7, BACK)]),
        ([OFF, OFF, *[OK] * 5], [(1, "gateway_offline")]),
        # One that comes and goes is told of once, however long that lasts.
        ([OFF, OK] * 30, []),
        ([OFF, OFF, OK, OK, OK] * 30, [(1, "gateway_offline")]),
        # Two looks in a row, after one at which it was well, too.
        ([STALE, STALE, OFF, OK, OFF, OK], [(1, "gateway_stale")]),
        # What else is wrong with it is told, each once.
        ([OFF, OFF, STALE, STALE, OFF, OFF], [(1, "gateway_offline"), (3, "gateway_stale")]),
        ([DRIFTED, OFF, DRIFTED, OFF], []),
        ([OFF, OFF, judge.ROLLING_OUT, *[OK] * 6], [(1, "gateway_offline"), (7, BACK)]),
        # Removed, it is no trouble any more; and what was told of is over.
        ([OFF, OFF, None], [(1, "gateway_offline"), (2, BACK)]),
        ([OFF, None], []),
        # Of another file than that of its configuration it is no trouble of the gateway.
        ([judge.QUARANTINED, judge.OVERRIDDEN, judge.ORPHANED] * 3, []),
    ],
)
def test_a_trouble_is_told_when_it_begins_and_when_it_is_over(
    states: Sequence[str | None], told: list[tuple[int, str]]
) -> None:
    """By looks a minute apart."""
    assert _told(states) == told


@given(st.lists(st.sampled_from([OK, OFF, STALE, DRIFTED, judge.ROLLING_OUT, None]), max_size=80))
def test_no_gateway_floods(states: list[str | None]) -> None:
    """Whatever it does: each kind once until it is over, which takes five minutes, or its end."""
    open_kinds: set[str] = set()
    for minute, kind in _told(states):
        if kind == BACK:
            assert open_kinds
            bad = (OFF, STALE, DRIFTED)
            assert states[minute] is None or not {*states[minute - 5 : minute + 1]} & {*bad}
            open_kinds = set()
        else:
            assert kind not in open_kinds
            assert states[minute] == states[minute - 1] == kind.removeprefix("gateway_")
            open_kinds.add(kind)


def test_a_clock_that_was_set_back_ends_a_trouble_all_the_same() -> None:
    """Five minutes of the new time later."""
    trouble = Trouble(pk="g", state=OFF, since=START, told=["gateway_offline"])
    trouble.well_since = START + timedelta(days=1)
    ends = []
    for minute in range(7):
        found = troubles.compared({"g": trouble}, [_row(OK)], START + timedelta(minutes=minute))
        ends.append(found.over)

    assert ends == [[], [], [], [], [], ["g"], ["g"]]


@pytest.mark.django_db
def test_a_gateway_that_stops_is_told_of(gateway: Machine, register: Register) -> None:
    """With why; not one that was never started. It is heard of again some minutes later."""
    register("never-started", configuration="bot")
    gateway.run()
    troubles.look(timezone.now())
    gateway.run(stopping=True)
    for _ in range(3):
        troubles.look(timezone.now())
    gateway.run()
    for minutes in (0, 1, 6, 7):
        troubles.look(timezone.now() + timedelta(minutes=minutes))

    stopped, back = Event.objects.filter(kind__startswith="gateway_").order_by("pk")
    assert (stopped.kind, stopped.configuration, stopped.message) == (
        "gateway_offline", "bot", "The gateway edge-1 is offline: it reported that it stops.",
    )  # fmt: skip
    assert stopped.details["gateway"] == back.details["gateway"] == "edge-1"
    assert (back.kind, back.message) == (
        "gateway_recovered", "The gateway edge-1 is well again: it does what it should.",
    )  # fmt: skip
    assert not Trouble.objects.exists()


@pytest.mark.django_db
def test_many_at_once_are_one_event(bot: str, register: Register, admin: APIClient) -> None:
    """A network that fails is one event, and so is its end."""
    for number in range(troubles.MOST_SINGLE + 1):
        register(f"edge-{number}", configuration=bot).run(stopping=True)
    for _ in range(3):
        troubles.look(timezone.now())
    for name in Gateway.objects.values_list("pk", flat=True):
        assert admin.delete(f"/v1/gateways/{name}").status_code == 200
    troubles.look(timezone.now())

    first, last = Event.objects.filter(kind__startswith="gateway_").order_by("pk")
    assert first.message == "21 gateways are offline, edge-0 among them."
    assert (first.details["gateway_count"], len(first.details["gateways"])) == (21, 21)
    assert (last.kind, last.details["gateway_count"]) == ("gateway_recovered", 21)


@pytest.mark.django_db
def test_while_redis_is_away_nobody_is_called_silent(
    gateway: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was heard of is not known then."""
    gateway.run(stopping=True)

    def away() -> int:
        raise redis.ConnectionError("away")

    with monkeypatch.context() as patch:
        patch.setattr(reports, "flush", away)
        tasks.flush()
        tasks.flush()
        assert not Trouble.objects.exists()
    tasks.flush()
    tasks.flush()

    assert Event.objects.get(kind="gateway_offline").details["gateway"] == "edge-1"
