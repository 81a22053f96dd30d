"""`GET /v1/events`, and the retention of events."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from events import log, retention
from events.models import Event
from tests.support.api import refusal
from tests.support.syncing import get

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

Kind = Event.Kind


@pytest.fixture
def told() -> list[str]:
    """Three events, oldest first; their messages."""
    log.record(Kind.FAILED, "one", git_repo="a", details={"code": "timeout"})
    log.record(Kind.QUARANTINED, "two", git_repo="a", configuration="bot")
    log.record(Kind.RECOVERED, "three", git_repo="b")
    return ["one", "two", "three"]


def messages(admin: APIClient, query: str = "") -> list[str]:
    """What the log tells, newest first."""
    return [row["message"] for row in get(admin, f"/v1/events{query}")]


def test_the_newest_comes_first(admin: APIClient, told: list[str]) -> None:
    """Each with what it is about, and values for programs."""
    rows = get(admin, "/v1/events")

    assert [row["message"] for row in rows] == told[::-1]
    assert {**rows[2], "id": 0, "created_at": ""} == {
        "id": 0,
        "kind": "failed",
        "git_repo": "a",
        "configuration": "",
        "message": "one",
        "details": {"code": "timeout"},
        "created_at": "",
    }


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("?kind=failed", ["one"]),
        ("?kind=failed,recovered", ["three", "one"]),
        ("?git_repo=a", ["two", "one"]),
        ("?configuration=bot", ["two"]),
        ("?git_repo=b&kind=failed", []),
        ("?git_repo=nobody", []),
        ("?since=2020-02-29T12:00:00Z", ["three", "two", "one"]),
        ("?since=2999-01-01T00:00:00%2B02:00", []),
    ],
)
def test_events_are_chosen(
    admin: APIClient, told: list[str], query: str, wanted: list[str]
) -> None:
    """By kind, by what they are about, by time; all of these together."""
    assert messages(admin, query) == wanted


def test_since_is_the_time_of_the_event_itself(admin: APIClient, told: list[str]) -> None:
    """As an answer spells it: whoever asks again misses none."""
    moment = get(admin, "/v1/events")[1]["created_at"]

    assert messages(admin, f"?since={moment}") == ["three", "two"]


def test_pages_follow_one_another(admin: APIClient, told: list[str]) -> None:
    """Until there is no cursor; what comes meanwhile moves none."""
    first = admin.get("/v1/events?limit=2").json()
    log.record(Kind.FAILED, "four")
    second = admin.get(f"/v1/events?limit=2&cursor={first['next_cursor']}").json()

    assert [row["message"] for row in first["data"] + second["data"]] == ["three", "two", "one"]
    assert second["next_cursor"] is None


def test_a_page_has_a_hundred_unless_it_is_asked_for_more(admin: APIClient) -> None:
    """And a thousand at most."""
    for number in range(101):
        log.record(Kind.FAILED, str(number))

    assert len(messages(admin)) == 100
    assert len(messages(admin, "?limit=1000")) == 101


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("kind=", "kind"), ("kind=nothing", "kind"), ("kind=failed,", "kind"),
        ("git_repo=", "git_repo"), ("configuration=%00", "configuration"),
        ("since=", "since"), ("since=yesterday", "since"), ("since=2026-01-31", "since"),
        ("since=2026-01-31T12:00:00", "since"), ("since=2026-02-31T12:00:00Z", "since"),
        ("since=0001-01-01T00:00:00%2B14:00", "since"),
        ("since=9999-12-31T23:59:59-23:59", "since"),
        ("limit=0", "limit"), ("limit=1001", "limit"), ("cursor=0", "cursor"),
        ("cursor=x", "cursor"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_is_refused(admin: APIClient, query: str, field: str) -> None:
    """Naming the parameter."""
    assert refusal(admin.get(f"/v1/events?{query}")) == (400, [field])


def test_old_events_are_deleted(admin: APIClient, told: list[str]) -> None:
    """Those before a moment, and no other."""
    now = timezone.now()
    Event.objects.filter(message="one").update(created_at=now - timedelta(days=2))

    assert retention.trim(now - timedelta(days=1)) == 1
    assert retention.trim(now - timedelta(days=1)) == 0
    assert messages(admin) == ["three", "two"]


def test_a_page_costs_two_queries(
    admin: APIClient, told: list[str], django_assert_num_queries: Any
) -> None:
    """The token's counters and the rows."""
    messages(admin)  # The token is known from now on.

    with django_assert_num_queries(2):
        messages(admin, "?kind=failed&limit=1")
