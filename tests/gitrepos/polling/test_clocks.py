"""Clocks set back: times that a clock ahead has left far in the future."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from gitrepos import tasks
from gitrepos.models import Host, Link, Pause, Remote
from gitrepos.polling import claims, hosts
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

    batch = claims.due(now)

    assert batch is not None and batch.remote_ids == (synced.pk,)


def test_a_lease_of_a_clock_a_little_ahead_holds(synced: Remote) -> None:
    """No two clocks are the same."""
    now = timezone.now()
    longest = timedelta(seconds=claims.SYNC_SECONDS + 30)
    Remote.objects.update(next_poll_at=now, claim_id=uuid4(), lease_until=now + longest)

    assert claims.due(now) is None


@pytest.mark.parametrize("ahead", [AHEAD, timedelta(minutes=10)])
def test_what_waits_longer_than_anything_does_gets_a_turn(synced: Remote, ahead: timedelta) -> None:
    """Within an interval of being found."""
    Remote.objects.update(next_poll_at=timezone.now() + ahead)

    tasks.wake()

    synced.refresh_from_db()
    assert synced.next_poll_at is not None
    waits = synced.next_poll_at - timezone.now()
    assert waits <= timedelta(seconds=synced.interval_seconds)


@pytest.mark.parametrize(
    ("interval", "failures", "put_off"), [(300, 9, 0), (300, 0, 9), (86_400, 0, 0), (300, 0, 0)]
)
def test_a_wait_that_is_meant_stays(
    synced: Remote, interval: int, failures: int, put_off: int
) -> None:
    """An hour after failures, its own or others', and an interval, however long it is."""
    seconds = 3600 if failures + put_off else interval
    meant = timezone.now() + timedelta(seconds=seconds)
    Link.objects.update(poll_interval_seconds=interval)
    Remote.objects.update(interval_seconds=interval, next_poll_at=meant)
    Remote.objects.update(failures=failures, put_off=put_off)

    tasks.wake()

    synced.refresh_from_db()
    assert synced.next_poll_at == meant


def test_a_pause_is_an_hour_at_most(synced: Remote) -> None:
    """Also one that was counted from tomorrow; a host rests for seconds."""
    now = timezone.now()
    Host.objects.create(pk=synced.host, cooling_until=now + AHEAD)
    Pause.objects.create(host=synced.host, credential_digest="", until=now + AHEAD)
    Remote.objects.update(limited_until=now + AHEAD, next_poll_at=now, put_off=1)

    tasks.wake()

    ends = hosts.in_trouble()
    assert ends[synced.host, ""] <= timezone.now() + timedelta(hours=1)
    assert ends[synced.host, None] <= timezone.now()
    later = timezone.now() + timedelta(hours=1, minutes=1)
    assert claims.due(later) is not None


def test_who_asked_waits_for_no_clock(synced: Remote) -> None:
    """However long the interval is."""
    now = timezone.now()
    Remote.objects.update(interval_seconds=604_800, next_poll_at=now + AHEAD, asked=True)

    tasks.wake()

    batch = claims.due(timezone.now())
    assert batch is not None and batch.remote_ids == (synced.pk,)


def test_a_push_is_expected_for_a_minute_on_any_clock(synced: Remote) -> None:
    """Announced by a clock that is ahead, it would be asked for each second for a day."""
    ahead = timezone.now() + AHEAD
    Link.objects.update(expected_commit="c" * 40, expected_until=ahead)

    tasks.wake()

    until = Link.objects.get().expected_until
    assert until is not None and until <= timezone.now()


def test_a_failed_commit_is_tried_again_on_any_clock(synced: Remote) -> None:
    """Within the hour that the longest wait is."""
    Link.objects.update(failed_commit="c" * 40, retry_at=timezone.now() + AHEAD)

    tasks.wake()

    retry_at = Link.objects.get().retry_at
    assert retry_at is not None and retry_at <= timezone.now()


def test_a_webhook_from_the_future_was_heard_now(synced: Remote) -> None:
    """Else its silence would be noticed a year too late."""
    Link.objects.update(last_delivery_at=timezone.now() + 365 * AHEAD)

    tasks.wake()

    heard = Link.objects.get().last_delivery_at
    assert heard is not None and heard <= timezone.now()


@pytest.mark.parametrize("meant", [timedelta(minutes=1), timedelta(minutes=59)])
def test_times_of_a_link_that_are_meant_stay(synced: Remote, meant: timedelta) -> None:
    """A little ahead of this clock, and a wait that is not over."""
    soon = timezone.now() + min(meant, timedelta(seconds=50))
    later = timezone.now() + meant
    Link.objects.update(expected_until=soon, retry_at=later, last_delivery_at=soon)

    tasks.wake()

    row = Link.objects.get()
    assert (row.expected_until, row.retry_at, row.last_delivery_at) == (soon, later, soon)
