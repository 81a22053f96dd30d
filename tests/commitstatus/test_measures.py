"""Metrics of commit statuses: what was told, what is due, which credentials fail."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from commitstatus import measures
from commitstatus.models import CommitStatus
from gitrepos.models import Link
from tests.support.forgeapi import ForgeAPI
from tests.support.forgesaid import OTHER, a_round, kept, stands, synced, takes, told
from tests.support.pages import samples

pytestmark = pytest.mark.django_db

STATUSES = "keeptrusts_commit_statuses_total"
FAILING = "keeptrusts_commit_statuses_failing"


def test_statuses_are_counted_by_forge_and_outcome(
    admin: APIClient, api: ForgeAPI, row: dict[str, Any]
) -> None:
    """What stands there already is not told again, and not counted."""
    before = samples(admin)
    a_round()
    a_round()
    takes(api, status=403)
    stands(row, last_commit=OTHER)
    a_round()

    after = samples(admin)
    counted = {key: after[key] - before.get(key, 0) for key in after if key[0] == STATUSES}
    assert {key[1:]: count for key, count in counted.items() if count} == {
        ("github", measures.TOLD): 1, ("github", "auth_failed"): 1,
    }  # fmt: skip


def test_a_credential_whose_statuses_fail_is_named(
    admin: APIClient, api: ForgeAPI, row: dict[str, Any]
) -> None:
    """With the number of its links, and since when; not once its link is gone."""
    assert [key for key in samples(admin) if key[0] == FAILING] == []
    takes(api, status=403)
    a_round()
    CommitStatus.objects.update(error_since=timezone.now() - timedelta(seconds=700))

    page = samples(admin)
    assert page[FAILING, "telling"] == 1
    assert 700 <= page["keeptrusts_commit_statuses_failing_for_seconds",] < 730

    Link.objects.filter(pk=row["id"])._raw_delete(Link.objects.db)
    page = samples(admin)
    assert [key for key in page if key[0] == FAILING] == []
    assert page["keeptrusts_commit_statuses_failing_for_seconds",] == 0


def test_what_nobody_looks_at_is_seen(admin: APIClient, row: dict[str, Any]) -> None:
    """Until a round does."""
    CommitStatus.objects.update(look_at=timezone.now() - timedelta(seconds=50))
    page = samples(admin)
    assert page["keeptrusts_commit_statuses_due",] == 1
    assert 50 <= page["keeptrusts_commit_statuses_due_for_seconds",] < 80

    a_round()

    page = samples(admin)
    assert page["keeptrusts_commit_statuses_due",] == 0
    assert page["keeptrusts_commit_statuses_due_for_seconds",] == 0


def test_credentials_that_are_named_are_bounded(
    admin: APIClient, api: ForgeAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those with the most links that fail."""
    monkeypatch.setattr(measures, "MOST_NAMED", 2)
    for number, links in enumerate((1, 3, 2)):
        kept(admin, api, name=f"c-{number}")
        for link in range(links):
            made = synced(admin, f"https://forge.example/org/{number}-{link}.git")
            told(admin, made, f"c-{number}")
    CommitStatus.objects.update(error_code="auth_failed", error_since=timezone.now())

    page = samples(admin)

    assert {key[1]: page[key] for key in page if key[0] == FAILING} == {"c-1": 3, "c-2": 2}
