"""Decision events: taken in batches, stored once, read with filters, kept for a while."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from gateways.models import Decision
from gateways.reports import decisions, live
from tests.gateways.conftest import Register
from tests.support.api import error, refusal
from tests.support.gateways import Machine
from tests.support.repo import policy
from tests.support.syncing import get, make

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

PATH = "/v1/decisions"
NOON = (datetime.now(UTC) - timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
DAY = f"{NOON:%Y-%m-%d}"


def event(number: int, **fields: Any) -> dict[str, Any]:
    """A decision, so many seconds after noon."""
    return {
        "id": f"e-{number}",
        "time": (NOON + timedelta(seconds=number)).isoformat().replace("+00:00", "Z"),
        "config": {"id": "bot", "version": "1.0.0", "content_hash": "a" * 64},
        "verdict": "allow",
        "policy": "safety-filter",
        "status": 200,
        **fields,
    }


def nested(levels: int) -> Any:
    """Lists in lists."""
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


def send(one: Machine, *events: dict[str, Any], batch: int = 1, dropped: int = 0) -> Any:
    """Send a batch."""
    body = {"batch": batch, "events": list(events), "dropped": dropped}
    return one.client.post(f"{one.path}/decisions", body, format="json")


def ids(admin: APIClient, query: str = "") -> list[str]:
    """The ids of an answer."""
    return [row["id"] for row in get(admin, PATH + query)]


def test_events_are_taken_and_shown(admin: APIClient, gateway: Machine) -> None:
    """As they were sent, with whose they are and when they came."""
    answer = send(gateway, event(1, audit={"rule": "x"}))

    [row] = get(admin, PATH)
    assert (answer.status_code, answer.json()) == (202, {"data": {"accepted": 1}})
    assert {**event(1, audit={"rule": "x"}), "gateway": gateway.id}.items() <= row.items()
    assert row["received_at"]


def test_an_event_that_comes_twice_is_stored_once(admin: APIClient, gateway: Machine) -> None:
    """Its answer was lost, so the gateway sent it again."""
    send(gateway, event(1), event(2), dropped=5)
    answer = send(gateway, event(1), event(2), dropped=5)
    send(gateway, event(2), event(3), batch=2)

    assert answer.status_code == 202
    assert ids(admin) == ["e-3", "e-2", "e-1"]
    assert decisions.dropped() == {gateway.id: 5}


def test_gateways_name_their_events_by_themselves(
    admin: APIClient, register: Register, gateway: Machine
) -> None:
    """Two of them may use one name."""
    send(gateway, event(1))
    send(register("other"), event(1))

    assert sorted(row["gateway"] for row in get(admin, PATH)) == ["edge-1", "other"]


def test_what_was_dropped_is_added_up(gateway: Machine) -> None:
    """Batch by batch; a new process begins to count its batches anew."""
    send(gateway, event(1), batch=1, dropped=2)
    send(gateway, batch=2, dropped=3)
    send(gateway, event(5), batch=1, dropped=4)

    assert decisions.dropped() == {gateway.id: 9}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?gateway=edge-1", ["e-3", "e-1"]),
        ("?configuration=other", ["e-3"]),
        ("?verdict=block", ["e-2"]),
        ("?policy=pii", ["e-3"]),
        ("?since={DAY}T12:00:02Z", ["e-3", "e-2"]),
        ("?until={DAY}T12:00:02Z", ["e-1"]),
        ("?since={DAY}T13:00:02%2B01:00&until={DAY}T12:00:03Z", ["e-2"]),
        ("?gateway=edge-1&verdict=block", []),
    ],
)
def test_events_are_selected(
    admin: APIClient, register: Register, gateway: Machine, query: str, expected: list[str]
) -> None:
    """By what they say and when they were made."""
    make(admin, "other", policy("Other"))
    admin.patch(gateway.path, {"configuration": "other"}, format="json")
    send(gateway, event(1), event(3, config={"id": "other"}, policy="pii"))
    send(register("other"), event(2, verdict="block"))

    assert ids(admin, query.format(DAY=DAY)) == expected


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_pages_make_up_the_whole(admin: APIClient, gateway: Machine, limit: int) -> None:
    """Each event once, also those of one moment."""
    send(gateway, event(1), event(2), *(event(3, id=f"same-{n}") for n in range(2)))
    found, cursor = [], ""
    while True:
        answer = admin.get(f"{PATH}?limit={limit}{cursor}").json()
        found += [row["id"] for row in answer["data"]]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"

    assert found == ids(admin)
    assert len(found) == 4


@pytest.mark.parametrize(
    "query",
    [
        "?since=yesterday",
        "?until=2026-01-31",
        "?cursor=1",
        "?cursor=999999999999999999-1",
        "?limit=0",
        "?limit=1001",
        "?color=x",
        "?since=0001-01-01T00:00:00%2B14:00",
        "?until=9999-12-31T23:59:59-23:59",
        "?gateway=%00",
        "?configuration=",
        "?verdict=%00",
        "?verdict=blocked",
        "?policy=%0A",
    ],
)
def test_a_filter_that_means_nothing_is_refused(admin: APIClient, query: str) -> None:
    """400 with its name."""
    assert refusal(admin.get(PATH + query)) == (400, [query[1:].partition("=")[0]])


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"id": 7}, "events.0.id"),
        ({"id": "has space"}, "events.0.id"),
        ({"time": "noon"}, "events.0.time"),
        ({"time": "2026-01-31T12:00:00"}, "events.0.time"),
        ({"time": "2026-99-31T12:00:00Z"}, "events.0.time"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "events.0.time"),
        ({"time": "9999-12-31T23:59:59-14:00"}, "events.0.time"),
        ({"audit": nested(33)}, "events.0"),
        ({"audit": nested(900)}, "events.0"),
    ],
)
def test_an_event_that_cannot_be_kept_is_refused(
    gateway: Machine, bad: dict[str, Any], field: str
) -> None:
    """With its place in the batch, and nothing of the batch is stored."""
    answer = send(gateway, {**event(1), **bad}, event(2))

    assert refusal(answer) == (400, [field])
    assert not Decision.objects.exists()


def test_a_nul_is_no_obstacle(admin: APIClient, gateway: Machine) -> None:
    """A client's text may hold one, and PostgreSQL keeps none; the batch goes on."""
    nul = {"model": "a\0b", "verdict": "\0", "config": {"id": "b\0"}, "au\0": ["\0"]}

    assert send(gateway, event(1, **nul), event(2)).status_code == 202

    _, row = get(admin, PATH)
    assert (row["model"], row["config"], row["au\ufffd"]) == (
        "a\ufffdb",
        {"id": "b\ufffd"},
        ["\ufffd"],
    )


def test_an_event_may_nest(admin: APIClient, gateway: Machine) -> None:
    """As deep as can be read again."""
    send(gateway, event(1, audit=nested(31)))

    assert get(admin, PATH)[0]["audit"] == nested(31)


def test_a_gateway_cannot_drop_more_than_can_be_counted(gateway: Machine) -> None:
    """The count stays at its end, and batches go on."""
    send(gateway, event(1), batch=1, dropped=2**63 - 1)

    assert send(gateway, event(2), batch=2, dropped=5).status_code == 202
    assert decisions.dropped() == {gateway.id: 2**63 - 1}


@pytest.mark.parametrize(
    ("ago", "counts"),
    [
        (timedelta(0), True),
        (timedelta(days=29), True),  # Spooled while nobody could be reached.
        (timedelta(days=31), False),
        (timedelta(minutes=-50), True),
        (timedelta(minutes=-70), False),
        (timedelta(days=365 * 60), False),
        (timedelta(days=365 * -7000), False),
    ],
)
def test_a_time_that_cannot_be_becomes_that_of_arrival(
    admin: APIClient, gateway: Machine, ago: timedelta, counts: bool
) -> None:
    """A clock that is wrong hides nobody's decisions, and loses none of its own."""
    moment = datetime.now(UTC) - ago
    assert send(gateway, event(1, time=moment.isoformat())).status_code == 202

    [row], [stored] = get(admin, PATH), Decision.objects.all()
    assert row["time"] == moment.isoformat()
    assert row["marks"] == ([] if counts else ["time_implausible"])
    assert stored.at == (moment if counts else stored.received_at)


def test_a_foreign_configuration_is_not_shown_with_it(
    admin: APIClient, register: Register, gateway: Machine
) -> None:
    """Only a gateway that is bound to it, or was while it decided, says something of it."""
    make(admin, "other", policy("Other"))
    send(gateway, event(1, config={"id": "other"}), batch=1)
    admin.patch(gateway.path, {"configuration": "other"}, format="json")
    send(gateway, event(2, config={"id": "other"}), event(3), batch=2)

    assert ids(admin, "?configuration=other") == ["e-2"]
    assert ids(admin, "?configuration=bot") == ["e-3"]
    marks = {row["id"]: row["marks"] for row in get(admin, PATH)}
    assert marks == {"e-1": ["foreign_configuration"], "e-2": [], "e-3": []}


def test_an_unknown_verdict_is_marked(admin: APIClient, gateway: Machine) -> None:
    """It may be one of a newer gateway, and is kept."""
    send(gateway, event(1, verdict="shrugged"))

    [row] = get(admin, PATH)
    assert (row["verdict"], row["marks"]) == ("shrugged", ["unknown_verdict"])


@pytest.mark.parametrize(
    ("size", "number", "field"),
    [(32_000, 1, None), (33_000, 1, "events.0"), (30_000, 33, None), (30_000, 36, "events")],
)
def test_an_event_and_a_batch_have_bounds_in_bytes(
    gateway: Machine, size: int, number: int, field: str | None
) -> None:
    """Above all that a gateway spools and sends."""
    answer = send(gateway, *(event(n, x="y" * size) for n in range(number)))

    if field is None:
        assert answer.status_code == 202
    else:
        assert refusal(answer) == (400, [field])
        assert not Decision.objects.exists()


def test_a_page_has_a_bound_in_bytes(admin: APIClient, gateway: Machine) -> None:
    """It ends early, and the next ones have the rest."""
    for batch in range(5):
        send(gateway, *(event(30 * batch + n, x="y" * 30_000) for n in range(30)), batch=batch)
    found, cursor, sizes = [], "", []
    while True:
        answer = admin.get(f"{PATH}?limit=1000{cursor}")
        sizes.append(len(answer.content))
        found += [row["id"] for row in answer.json()["data"]]
        if answer.json()["next_cursor"] is None:
            break
        cursor = f"&cursor={answer.json()['next_cursor']}"

    assert found == [f"e-{n}" for n in range(149, -1, -1)]
    assert len(sizes) == 3
    assert max(sizes) < 2.2 * 2**20


def test_a_gateway_has_a_budget_of_bytes(
    register: Register, gateway: Machine, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is over it is asked for later; another gateway has its own; it grows back in an hour."""
    settings.ENV = replace(settings.ENV, decision_hourly_mebibytes=1)
    clock = time.time_ns()
    monkeypatch.setattr(live.time, "time_ns", lambda: clock)
    big = [event(n, x="y" * 30_000) for n in range(12)]
    taken = [send(gateway, *big, batch=n).status_code for n in range(3)]
    answer = send(gateway, *big, batch=3)

    assert (taken, error(answer)["code"]) == ([202] * 2 + [429], "decision_budget_spent")
    assert 0 < int(answer["Retry-After"]) <= 3600
    assert send(register("other"), *big).status_code == 202
    clock += int(answer["Retry-After"]) * 1_000_000_000
    assert send(gateway, *big, batch=3).status_code == 202


def test_a_budget_that_is_too_small_for_a_batch_starves_nobody(
    gateway: Machine, settings: Any
) -> None:
    """One passes whenever nothing was sent for an hour."""
    settings.ENV = replace(settings.ENV, decision_hourly_mebibytes=1)
    most = [event(n, x="y" * 31_000) for n in range(33)]

    assert [send(gateway, *most, batch=n).status_code for n in range(2)] == [202, 429]


def test_a_batch_has_bounds(gateway: Machine) -> None:
    """Five hundred events."""
    assert send(gateway, *map(event, range(500))).status_code == 202
    assert send(gateway, *map(event, range(501))).status_code == 400


def test_an_event_without_a_verdict_is_kept(admin: APIClient, gateway: Machine) -> None:
    """A call that never reached a decision is logged too."""
    send(gateway, event(1, verdict=None, policy=None, config=None))

    assert ids(admin) == ["e-1"]


def test_too_many_at_once_are_asked_to_wait(gateway: Machine) -> None:
    """429 with `Retry-After`; pulls and people keep their threads."""
    for _ in range(4):
        assert decisions._writers.acquire(blocking=False)
    try:
        answer = send(gateway, event(1))
    finally:
        for _ in range(4):
            decisions._writers.release()

    assert (answer.status_code, error(answer)["code"], answer["Retry-After"]) == (429, "busy", "1")
    assert send(gateway, event(1)).status_code == 202


def test_old_events_are_removed(admin: APIClient, gateway: Machine) -> None:
    """By when they came: a time of a gateway's choice neither keeps nor removes one."""
    send(gateway, event(1), event(2, time="9999-01-01T00:00:00Z"), event(3), batch=1)
    old = datetime.now(UTC) - timedelta(days=31)
    Decision.objects.filter(event_id__in=["e-1", "e-2"]).update(received_at=old)

    assert decisions.prune() == 2

    assert ids(admin) == ["e-3"]
