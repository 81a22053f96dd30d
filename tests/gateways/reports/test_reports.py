"""`POST /v1/gateways/{id}/report`, and when it is written to the database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from gateways.models import State
from gateways.reports import live, reports
from keeptrusts.redis_client import client
from tests.gateways.conftest import Register
from tests.support.api import error, refusal
from tests.support.gateways import Machine, running
from tests.support.repo import policy
from tests.support.syncing import override

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]


def state(one: Machine) -> State:
    """What the database knows of a gateway."""
    return State.objects.get(pk=one.id)


def test_a_report_is_answered_with_what_to_enforce(gateway: Machine) -> None:
    """The ETag of its statement, and when to report again."""
    answer = gateway.report()

    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data.pop("confirmation").keys() == {"statement", "signature", "key", "chain"}
    assert data == {
        "report_interval_seconds": 3,
        "etag": gateway.pull()["ETag"].strip('"'),
        "client_keys": None,
    }


def test_a_gateway_without_a_binding_may_report(register: Register) -> None:
    """There is nothing to enforce."""
    assert register("loose").report().json()["data"]["etag"] is None


def test_what_runs_is_written_at_once(gateway: Machine) -> None:
    """With the gateway's own time, and this clock's."""
    said = gateway.run(health="degraded", problem={"code": "disk", "message": "full"})

    row = state(gateway)
    assert (row.running_hash, row.running_version) == (said["content_hash"], 1)
    assert (row.health, row.problem_code, row.problem_message) == ("degraded", "disk", "full")
    assert row.running_since is not None
    assert row.running_since.isoformat() == "2026-01-31T12:00:00+00:00"
    assert row.enforced_at is not None


def test_the_same_again_writes_nothing(gateway: Machine) -> None:
    """One query authenticates; the rest is Redis."""
    gateway.run()
    body = {"running": running(gateway.statement())}

    with CaptureQueriesContext(connection) as queries:
        answer = gateway.report(**body, counters={"decisions_sent": 7})

    assert answer.status_code == 200
    assert len(queries) == 1


def test_the_rest_follows_in_bulk(gateway: Machine) -> None:
    """When it was seen, its counters, and what it was handed."""
    gateway.run()
    State.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))
    gateway.report(running=running(gateway.statement()), counters={"decisions_sent": 7})

    assert reports.flush() == 1

    row = state(gateway)
    assert timezone.now() - row.last_seen_at < timedelta(minutes=5)
    assert row.counters == {"decisions_sent": 7}
    assert row.handed_hash == row.running_hash
    assert reports.flush() == 0


def test_a_row_that_was_restored_is_written_again(gateway: Machine) -> None:
    """Redis has the last report, so the next one that says the same would not be written."""
    before = gateway.run()
    older = State.objects.values().get()
    State.objects.update(running_hash="a" * 64, running_seq=1)

    gateway.run()
    assert state(gateway).running_hash == "a" * 64
    reports.flush()
    gateway.run()

    assert state(gateway).running_hash == before["content_hash"] == older["running_hash"]


def test_a_row_that_a_restore_took_away_is_written_again(gateway: Machine) -> None:
    """The gateway had reported nothing when the backup was made."""
    gateway.run()
    State.objects.all().delete()

    reports.flush()
    gateway.run()

    assert state(gateway).running_hash


def test_a_row_that_says_the_same_is_left(gateway: Machine) -> None:
    """Also of a gateway in trouble, and of one that runs nothing; no report is written twice."""
    gateway.run(problem={"code": "disk", "message": "full"}, stopping=True)
    reports.flush()
    assert gateway.id in live.seen()
    gateway.report(started_at="2026-01-31T14:00:00.123456+02:00")
    reports.flush()

    assert gateway.id in live.seen()


def test_a_clock_that_went_back_hides_nothing(gateway: Machine) -> None:
    """This machine's, or that of the other server that took the report before."""
    said = gateway.run()
    State.objects.update(last_seen_at=timezone.now() + timedelta(hours=1))

    for _ in range(2):
        gateway.report(running={**running(gateway.statement()), "content_hash": "b" * 64})

    assert said["content_hash"] != state(gateway).running_hash == "b" * 64


def test_bulk_leaves_what_runs(gateway: Machine) -> None:
    """A report that comes meanwhile is not undone."""
    said = gateway.run()

    reports.flush()

    assert state(gateway).running_hash == said["content_hash"]


def test_a_version_is_enforced_from_its_first_report(admin: APIClient, gateway: Machine) -> None:
    """Another report of it changes nothing; the next version does."""
    gateway.run()
    first = state(gateway).enforced_at
    gateway.run(health="degraded")
    assert state(gateway).enforced_at == first

    override(admin, "bot", policy("Bot 2"))
    gateway.run()

    second = state(gateway).enforced_at
    assert first is not None
    assert second is not None
    assert second > first


def test_a_lost_broker_costs_a_write(gateway: Machine) -> None:
    """What was noted there is gone; the next report writes its row again, and nothing is lost."""
    gateway.run()
    first = state(gateway)
    client().flushdb()

    gateway.run()

    assert state(gateway).enforced_at == first.enforced_at
    assert gateway.id in live.seen()


def test_a_problem_lasts_from_when_it_began(gateway: Machine) -> None:
    """And is gone with the first report without it."""
    gateway.report(problem={"code": "disk", "message": "full"})
    first = state(gateway).problem_since
    gateway.report(problem={"code": "disk", "message": "full"}, health="degraded")
    assert state(gateway).problem_since == first

    gateway.report()

    row = state(gateway)
    assert (row.problem_code, row.problem_since) == ("", None)


def test_a_gateway_that_knows_more_is_told_all_again(gateway: Machine) -> None:
    """The database was restored from a backup: what it says must be newer than what was said."""
    said = gateway.statement()
    ahead = {**running(said), "publish_seq": said["publish_seq"] + 1000}

    answer = gateway.report(running=ahead)

    after = gateway.statement()
    assert after["publish_seq"] > ahead["publish_seq"]
    assert answer.json()["data"]["etag"] == gateway.pull()["ETag"].strip('"')


def test_a_gateway_causes_no_publication_with_each_report(
    admin: APIClient, gateway: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However far ahead it says that it is: one in ten minutes, and none for the future."""

    def ahead(by: int) -> dict[str, Any]:
        said = gateway.statement()
        return {**running(said), "publish_seq": said["publish_seq"] + by}

    gateway.report(running=ahead(1))
    etag, said = admin.get("/v1/configurations")["ETag"], gateway.statement()
    for by in (1, 1, 1000, 2**62):
        with CaptureQueriesContext(connection) as queries:
            gateway.report(running=ahead(by))
        assert not any("keeptrusts_counter" in q["sql"] and "UPDATE" in q["sql"] for q in queries)

    assert admin.get("/v1/configurations")["ETag"] == etag
    assert gateway.statement() == said
    client().flushdb()  # As after ten minutes.
    gateway.report(running=ahead(1))
    assert gateway.statement()["publish_seq"] > said["publish_seq"] + 1


@pytest.mark.parametrize("code", ["statement_older", "disk"])
def test_what_contradicts_is_said_again(gateway: Machine, code: str) -> None:
    """A gateway has something else with the same sequence, and refuses what is true."""
    said = gateway.statement()
    other = {**running(said), "content_hash": "b" * 64}

    gateway.report(running=other, problem={"code": code, "message": ""})

    is_newer = gateway.statement()["publish_seq"] > said["publish_seq"]
    assert is_newer == (code == "statement_older")


def test_a_restored_database_is_told_apart_twice(gateway: Machine) -> None:
    """Policy and client keys each have their own way back."""
    assert live.is_first_ahead(gateway.id, "policy")
    assert live.is_first_ahead(gateway.id, "keys")
    assert not live.is_first_ahead(gateway.id, "policy")


def test_the_interval_grows_with_the_fleet() -> None:
    """All together stay at 25 a second, until each would be heard of too rarely."""
    assert [reports.interval_seconds(n) for n in (0, 3, 100, 1000, 9000)] == [3, 3, 6, 66, 100]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"health": "fine"}, "health"),
        ({"running": {}}, "running.configuration"),
        ({"running": {"configuration": "bot", "version": 1, "content_hash": "X", "publish_seq": 1,
                      "since": "2026-01-31T12:00:00Z"}}, "running.content_hash"),
        ({"problem": {"code": "BAD CODE", "message": ""}}, "problem.code"),
        ({"counters": {"a": -1}}, "counters.a"),
        ({"counters": {str(n): 1 for n in range(51)}}, "counters"),
        ({"counters": {"a\0": 1}}, "counters"),
        ({"started_at": "yesterday"}, "started_at"),
        ({"mood": "good"}, "mood"),
    ],
)  # fmt: skip
def test_a_report_that_means_nothing_is_refused(
    gateway: Machine, fields: dict[str, Any], field: str
) -> None:
    """400 with the field's name; nothing of it is kept."""
    status, names = refusal(gateway.report(**fields))

    assert status == 400
    assert field in names
    assert not State.objects.exists()


def test_a_gateway_reports_for_itself_alone(register: Register, gateway: Machine) -> None:
    """Another's token is refused."""
    other = register("other")
    answer = other.client.post(f"{gateway.path}/report", {}, format="json")

    assert (answer.status_code, error(answer)["code"]) == (403, "permission_denied")


def test_one_report_that_cannot_be_recorded_fails_alone(
    gateway: Machine, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were collected with it are taken."""
    other = register("other")
    good = {
        "running": None, "client_keys": None, "health": "ok", "problem": None, "kt_version": "1",
        "started_at": datetime(2026, 1, 31, tzinfo=UTC), "stopping": False, "counters": {},
        "stream": False,
    }  # fmt: skip
    far = datetime.fromisoformat("9999-12-31T23:59:59-14:00")

    failures = reports.take_all({gateway.id: {**good, "started_at": far}, other.id: good})

    assert list(failures) == [gateway.id]
    assert State.objects.filter(pk=other.id).exists()


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:60Z"]
)
def test_a_time_that_utc_has_not_is_refused(gateway: Machine, moment: str) -> None:
    """Named, and not met later by whoever compares it."""
    assert refusal(gateway.report(started_at=moment)) == (400, ["started_at"])
