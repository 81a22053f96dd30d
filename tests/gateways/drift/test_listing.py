"""The last survey of the fleet, which is kept for as long as nothing changed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from gateways.drift import listing, survey
from tests.support.api import like
from tests.support.gateways import Machine
from tests.support.repo import Repo, policy
from tests.support.syncing import link, make, poll, unlink

pytestmark = pytest.mark.django_db

PATH = "/v1/drift"


def states(admin: APIClient, query: str = "") -> dict[str, str]:
    """The state of each gateway or configuration."""
    rows = admin.get(PATH + query).json()["data"]
    return {row["gateway"] or row["configuration"]: row["state"] for row in rows}


@pytest.fixture
def surveys(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each survey that is made."""
    made: list[int] = []
    whole: Callable[..., Any] = survey.rows

    def counted(**asked: Any) -> Any:
        made.append(1)
        return whole(**asked)

    monkeypatch.setattr(survey, "rows", counted)
    monkeypatch.setattr(listing, "_last", listing._Last())
    return made


def test_one_survey_serves_all_who_ask(
    admin: APIClient, gateway: Machine, surveys: list[int],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    """Whatever they choose of it, while nothing changes; it then costs the counters alone."""
    gateway.run()
    admin.get(PATH)
    surveys.clear()

    with django_assert_num_queries(2):
        assert states(admin) == states(like(admin))
    assert states(admin, "?state=drifted") == {}
    assert admin.get(f"{PATH}?limit=1&count=true&fields=state").json()["count"] == 1
    assert surveys == []


def test_whatever_changes_is_seen_at_once(admin: APIClient, repo: Repo, gateway: Machine) -> None:
    """By people, by syncs that publish nothing, and by reports."""
    repo.commit({"team/policy-config.yaml": policy()})
    made = link(admin, repo.url, auto_create_configuration=True)
    poll()
    seen = [states(admin)["team"]]
    repo.commit({"team/policy-config.yaml": "not: a policy"})
    poll()
    seen.append(states(admin)["team"])
    repo.commit({"team/policy-config.yaml": policy()})
    poll()
    seen.append(states(admin)["team"])
    unlink(admin, made)
    seen.append(states(admin)["team"])
    before = states(admin)["edge-1"]
    gateway.run()
    after = states(admin)["edge-1"]

    assert seen == ["in_sync", "quarantined", "in_sync", "orphaned"]
    assert (before, after) == ("offline", "in_sync")


def test_it_is_good_for_two_seconds(
    admin: APIClient, gateway: Machine, surveys: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """States change with time alone, too; also when a clock is set back."""
    gateway.run()
    now = timezone.now()
    for seconds in (0, 1.9, 2.1, 3.9, -60):
        monkeypatch.setattr(timezone, "now", lambda at=now + timedelta(seconds=seconds): at)
        admin.get(PATH)

    assert len(surveys) == 3


def test_configurations_without_gateways_are_told_apart(admin: APIClient, gateway: Machine) -> None:
    """Or left out, of the count of states too, before and after the survey is kept."""
    make(admin, "lonely", policy("Lonely"))
    gateway.run()

    for _ in range(2):
        assert states(admin, "?has_gateway=true") == {"edge-1": "in_sync"}
        assert states(admin, "?has_gateway=false") == {"lonely": "in_sync"}
        body = admin.get(f"{PATH}?has_gateway=true&count=true").json()
        assert (body["count"], body["summary"]["in_sync"]) == (1, 1)
    assert states(admin, "?has_gateway=true&configuration=lonely") == {}
    assert len(states(admin)) == 2
