"""Judging versions in force by new rules: a warning, and nothing else changes."""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from configurations import judging
from configurations.judging import Judgement, judged
from configurations.models import Configuration
from gateways.models import Gateway
from keeptrusts.judge import policies
from keeptrusts.judge.asking import Asker
from keeptrusts.judge.errors import CrashedError
from keeptrusts.redis_client import client as redis_client
from kt.policy.findings import Finding
from kt.policy.verify import VERIFY_VERSION
from tests.configurations.conftest import Make
from tests.support.api import refusal
from tests.support.releases import REFUSED, older_rules
from tests.support.repo import policy
from tests.support.syncing import content, get

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

PATH = "/v1/configurations"
THEN, NOW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
BAD = Finding("E001", "error", "pack", "is bad", "mend it", 3, 5)
OTHER = dataclasses.replace(BAD, line=4)


@pytest.fixture(autouse=True)
def _nobody_judges() -> None:
    """What another test left in the broker is gone."""
    redis_client().delete("keeptrusts:rules", "keeptrusts:judging")


def kept(*findings: Finding) -> list[dict[str, Any]]:
    """Findings as a row keeps them."""
    return [dataclasses.asdict(finding) for finding in findings]


@pytest.mark.parametrize(
    ("errors", "before", "after"),
    [
        ((), Judgement([], None), Judgement([], None)),
        ((), Judgement(kept(BAD), THEN), Judgement([], None)),
        ((BAD,), Judgement([], None), Judgement(kept(BAD), NOW)),
        ((BAD,), Judgement(kept(BAD), THEN), Judgement(kept(BAD), THEN)),
        ((OTHER,), Judgement(kept(BAD), THEN), Judgement(kept(OTHER), THEN)),
    ],
)
def test_a_judgement_follows_from_the_errors_and_the_one_before(
    errors: Sequence[Finding], before: Judgement, after: Judgement
) -> None:
    """Since when it would be refused is said once."""
    assert judged(errors, before, NOW) == after


def test_no_more_findings_are_kept_than_fit(admin: APIClient) -> None:
    """The last one says how many there are; none holds what a database does not take."""
    found = judged([dataclasses.replace(BAD, message="a\0b")] * 500, Judgement([], None), NOW)

    assert len(found.findings) == 20
    assert found.findings[0]["message"] == "a\ufffdb"
    assert found.findings[-1]["code"] == "more_findings"
    assert "481" in found.findings[-1]["message"]


def test_what_would_be_refused_now_stays_in_force_with_a_warning(
    admin: APIClient, make: Make
) -> None:
    """With code, place and time; a reader of the list hears of it."""
    with older_rules():
        make("bad", content=REFUSED)
        make("good")
    before = admin.get(PATH)["ETag"]

    count = judging.judge_all()

    rows = admin.get(PATH, headers={"If-None-Match": before}).json()["data"]
    bad, good = (get(admin, f"{PATH}/{pk}") for pk in ("bad", "good"))
    assert (count, good["warning"], bad["status"], bad["version"]) == (2, None, "active", 1)
    assert content(admin, "bad") == REFUSED.encode()
    warning, [finding] = bad["warning"], bad["warning"].pop("findings")
    assert (warning["code"], finding["code"]) == ("refused_in_force", "suite_failed")
    assert (finding["line"], finding["column"]) == (12, 11)
    assert "line 12, column 11: the case 'stops harm'" in warning["message"]
    assert {row["id"]: row["warning"] for row in rows} == {"bad": warning, "good": None}


def test_a_list_is_asked_for_those_with_a_warning(admin: APIClient, make: Make) -> None:
    """Or for those without."""
    with older_rules():
        make("bad", content=REFUSED)
        make("good")
    judging.judge_all()

    found = {
        value: [row["id"] for row in get(admin, f"{PATH}?warning={value}")]
        for value in ("true", "false")
    }

    assert found == {"true": ["bad"], "false": ["good"]}
    assert refusal(admin.get(f"{PATH}?warning=yes")) == (400, ["warning"])


def test_what_passes_looks_the_same_to_every_reader(admin: APIClient, make: Make) -> None:
    """Nobody is told, and it is judged once."""
    with older_rules():
        for number in range(3):
            make(f"c{number}")
    before = admin.get(PATH)

    counts = judging.judge_all(), judging.judge_all()

    after = admin.get(PATH)
    assert (after["ETag"], after.content) == (before["ETag"], before.content)
    assert counts == (3, 0)


def test_a_warning_that_stands_is_no_news(admin: APIClient, make: Make) -> None:
    """The next release finds the same: its time stays, and nobody is told."""
    with older_rules():
        make("bad", content=REFUSED)
    judging.judge_all()
    before = admin.get(PATH)
    Configuration.objects.update(judged_rules="another")

    assert judging.judge_all() == 1

    after = admin.get(PATH)
    assert (after["ETag"], after.content) == (before["ETag"], before.content)


def test_a_release_that_lets_it_pass_takes_the_warning_back(admin: APIClient, make: Make) -> None:
    """The content stays as it is; the rules moved."""
    with older_rules():
        make("bad", content=REFUSED)
    judging.judge_all()
    with older_rules(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "VERIFY_VERSION", "later")
        patch.setattr(judging, "verify", _passing)
        before = admin.get(PATH)["ETag"]
        judging.judge_all()

    after = admin.get(PATH)
    assert after["ETag"] != before
    assert [row["warning"] for row in after.json()["data"]] == [None]


def _passing(data: bytes, **_: Asker) -> object:
    from kt.policy.lint import lint

    return lint(data)


def test_a_new_version_that_passes_ends_the_warning(admin: APIClient, make: Make) -> None:
    """At once: what is published was judged on the way."""
    with older_rules():
        make("bad", content=REFUSED)
    judging.judge_all()

    body = {"content": policy("Mended")}
    row = admin.patch(f"{PATH}/bad", body, format="json").json()["data"]

    assert (row["version"], row["warning"]) == (2, None)
    assert judging.judge_all() == 0


@pytest.mark.parametrize(("how", "body"), [("rollback", {}), ("pin", {"reason": "an audit"})])
def test_an_old_version_that_comes_back_is_judged(
    admin: APIClient, make: Make, how: str, body: dict[str, str]
) -> None:
    """It passed the rules of its day, and nobody asked the present ones."""
    with older_rules():
        make("bad", content=REFUSED)
    admin.patch(f"{PATH}/bad", {"content": policy("Mended")}, format="json")
    assert judging.judge_all() == 0

    admin.post(f"{PATH}/bad/{how}", {"version": 1, **body}, format="json")

    assert (judging.is_due(), judging.judge_all()) == (True, 1)
    assert get(admin, f"{PATH}/bad")["warning"]["code"] == "refused_in_force"


def test_an_archived_one_is_judged_while_a_gateway_enforces_it(
    admin: APIClient, make: Make
) -> None:
    """And one that nobody enforces is not."""
    with older_rules():
        make("bound", content=REFUSED)
        make("gone", content=REFUSED)
    for name in ("bound", "gone"):
        admin.delete(f"{PATH}/{name}")
    Gateway.objects.create(
        pk="g",
        digest="d",
        bound_id="bound",
        bound_at=NOW,
        created_at=NOW,
        updated_at=NOW,
        changed_seq=1,
    )

    assert judging.judge_all() == 1
    assert get(admin, f"{PATH}/bound")["warning"] is not None


def test_a_version_that_came_meanwhile_is_not_called_what_the_old_one_was(
    admin: APIClient, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judgement was about other bytes."""
    with older_rules():
        make("bad", content=REFUSED)
    real = judging.verify

    def overtaken(data: bytes, **terms: Any) -> object:
        admin.patch(f"{PATH}/bad", {"content": policy("Mended")}, format="json")
        return real(data, **terms)

    monkeypatch.setattr(judging, "verify", overtaken)
    judging.judge_all()

    assert get(admin, f"{PATH}/bad")["warning"] is None


def test_one_that_crashes_the_rules_hides_no_other(
    admin: APIClient, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets a warning of its own, and is not tried again and again."""
    with older_rules():
        make("a", content=policy("Crash"))
        make("b", content=REFUSED)
    real = policies.ask

    def crashing(asker: Asker, function: Any, data: bytes, *others: object) -> object:
        if b"Crash" in data:
            raise CrashedError("Traceback")
        return real(asker, function, data, *others)

    monkeypatch.setattr(policies, "ask", crashing)

    assert (judging.judge_all(), judging.is_due()) == (2, False)
    found = [get(admin, f"{PATH}/{pk}")["warning"]["findings"][0]["code"] for pk in ("a", "b")]
    assert found == ["internal", "suite_failed"]


def test_only_one_process_judges_at_a_time(make: Make) -> None:
    """Another begins nothing, until the one that began ends or its lease does."""
    with older_rules():
        make()
    other = redis_client().lock("keeptrusts:judging", timeout=60)
    assert other.acquire()

    while_held = judging.is_due(), judging.judge_all()
    other.release()

    assert while_held == (False, 0)
    assert (judging.is_due(), judging.judge_all()) == (True, 1)


def test_a_process_that_was_killed_is_followed_by_another(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had judged by then is not judged again."""
    with older_rules():
        for number in range(4):
            make(f"c{number}")
    monkeypatch.setattr(judging, "_BATCH", 2)
    real, calls = judging.verify, []

    def killed(data: bytes, **terms: Any) -> object:
        calls.append(data)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(data, **terms)

    monkeypatch.setattr(judging, "verify", killed)
    with pytest.raises(KeyboardInterrupt):
        judging.judge_all()
    assert not judging.is_due()  # Its lease goes on.
    redis_client().delete("keeptrusts:judging")

    assert (judging.is_due(), judging.judge_all(), len(calls)) == (True, 2, 5)


def test_an_older_release_judges_nothing_beside_a_newer_one(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the two would undo each other's judgements for as long as both run."""
    with older_rules():
        make()
    alone = judging.is_due()
    with monkeypatch.context() as patch:
        patch.setattr(judging, "VERIFY_VERSION", "newer")
        judging.announce()

    assert (alone, judging.is_due()) == (True, False)


def test_a_look_that_finds_nothing_costs_one_query_whatever_there_is(make: Make) -> None:
    """No content is read, nothing is written."""
    for number in range(5):
        make(f"c{number}")

    with CaptureQueriesContext(connection) as queries:
        assert not judging.is_due()

    assert len(queries) == 1


def test_the_command_judges_in_batches(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that waits, though a batch is smaller."""
    with older_rules():
        for number in range(5):
            make(f"c{number}")
    monkeypatch.setattr(judging, "_BATCH", 2)

    call_command("judge")

    assert set(Configuration.objects.values_list("judged_rules")) == {(VERIFY_VERSION,)}


def test_a_worker_of_the_release_before_goes_on_writing(admin: APIClient, make: Make) -> None:
    """It names no column that it does not know; what it wrote is to be judged."""
    make()
    new = ("judged_rules", "findings", "refused_since")
    known = [f.column for f in Configuration._meta.fields if f.column not in new and f.name != "id"]
    table, columns = Configuration._meta.db_table, ", ".join(known)
    with connection.cursor() as cursor:
        cursor.execute(f"insert into {table} (id, {columns}) select 'old', {columns} from {table}")

    assert get(admin, f"{PATH}/old")["warning"] is None
    assert Configuration.objects.get(pk="old").judged_rules == ""
