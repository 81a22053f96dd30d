"""A clock that was ahead for a while leaves times behind that lie far in the future."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from gitrepos import claim, hosts, tasks
from gitrepos.models import GitRepo, Host, Remote
from tests.support.repo import Repo, policy
from tests.support.syncing import link, run_due

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]

AHEAD = timedelta(days=1)


@pytest.fixture
def synced(admin: APIClient, repo: Repo) -> Remote:
    """A remote whose one link is synced."""
    repo.commit({"bot/policy-config.yaml": policy("One")})
    link(admin, repo.url)
    run_due()
    return Remote.objects.get()


def test_a_claim_made_with_a_clock_ahead_holds_nobody_up(synced: Remote) -> None:
    """Its lease is longer than any, so it counts for nothing."""
    now = timezone.now()
    Remote.objects.update(next_poll_at=now, claim_id=uuid4(), lease_until=now + AHEAD)

    batch = claim.due(now)

    assert batch is not None and batch.remote_ids == (synced.pk,)


def test_a_lease_of_a_clock_a_little_ahead_holds(synced: Remote) -> None:
    """No two clocks are the same."""
    now = timezone.now()
    longest = timedelta(seconds=claim.SYNC_LEASE_SECONDS + 30)
    Remote.objects.update(next_poll_at=now, claim_id=uuid4(), lease_until=now + longest)

    assert claim.due(now) is None


@pytest.mark.parametrize("ahead", [AHEAD, timedelta(minutes=10)])
def test_what_waits_longer_than_anything_does_gets_a_turn(synced: Remote, ahead: timedelta) -> None:
    """Within an interval of being found."""
    Remote.objects.update(next_poll_at=timezone.now() + ahead)

    tasks.wake()

    synced.refresh_from_db()
    assert synced.next_poll_at is not None
    waits = synced.next_poll_at - timezone.now()
    assert waits <= timedelta(seconds=synced.interval_seconds)


@pytest.mark.parametrize(("interval", "failures"), [(300, 9), (86_400, 0), (300, 0)])
def test_a_wait_that_is_meant_stays(synced: Remote, interval: int, failures: int) -> None:
    """An hour after failures, and an interval, however long it is."""
    seconds = 3600 if failures else interval
    meant = timezone.now() + timedelta(seconds=seconds)
    GitRepo.objects.update(poll_interval_seconds=interval)
    Remote.objects.update(interval_seconds=interval, failures=failures, next_poll_at=meant)

    tasks.wake()

    synced.refresh_from_db()
    assert synced.next_poll_at == meant


def test_a_pause_of_a_host_is_an_hour_at_most(synced: Remote) -> None:
    """Also one that was counted from tomorrow."""
    now = timezone.now()
    Host.objects.create(pk=synced.host, cooling_until=now + AHEAD, code="rate_limited")

    tasks.wake()

    assert hosts.resting(timezone.now() + timedelta(hours=1, minutes=1)) == []
    assert hosts.resting(now) == [synced.host]
