"""Leases of a living worker are renewed, and what it holds is given back after an outage."""

import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from gitrepos.models import Remote
from gitrepos.polling import claims, leases
from gitrepos.polling.leases import Leases
from keeptrusts import database
from tests.support.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(leases, "_RENEWAL_SECONDS", 0.2)
    monkeypatch.setattr(leases, "_LOOK_SECONDS", 0.05)
    yield
    # No thread of a test may have a connection to its database any more.
    time.sleep(0.3)


@pytest.fixture
def claimed() -> tuple[UUID, UUID]:
    """A claim, and its remote."""
    now = timezone.now()
    row = Remote.objects.create(url="https://h/1", host="h", next_poll_at=now - timedelta(hours=1))
    batch = claims.due(now - timedelta(seconds=claims.LEASE_SECONDS - 1))
    assert batch is not None
    return batch.id, row.pk


def _left_seconds() -> float:
    until = Remote.objects.get().lease_until
    return (until - timezone.now()).total_seconds() if until else 0.0


def test_a_lease_is_renewed_for_as_long_as_it_is_worked_on(claimed: tuple[UUID, UUID]) -> None:
    """And no longer."""
    claim_id, pk = claimed
    held = Leases()

    with held.held(claim_id, [pk], most_seconds=60):
        wait_for(lambda: _left_seconds() > claims.LEASE_SECONDS - 2)
    Remote.objects.update(lease_until=timezone.now() + timedelta(seconds=1))
    time.sleep(0.5)

    assert _left_seconds() < 1


def test_no_lock_of_a_lost_worker_outlasts_its_lease() -> None:
    """Whoever takes over what it had claimed would wait for the lock instead."""
    assert database.MOST_IDLE_SECONDS < claims.LEASE_SECONDS


def test_a_worker_that_hangs_loses_its_lease(claimed: tuple[UUID, UUID]) -> None:
    """After as long as its work may take."""
    claim_id, pk = claimed

    with Leases().held(claim_id, [pk], most_seconds=0.1):
        time.sleep(0.6)

    assert _left_seconds() < 1


def test_a_lease_that_is_over_is_not_renewed(claimed: tuple[UUID, UUID]) -> None:
    """Its remote may be another's by now, or be so at any moment."""
    claim_id, pk = claimed
    Remote.objects.update(lease_until=timezone.now())

    claims.extend(claim_id, [pk])
    claims.extend(uuid4(), [pk])

    assert _left_seconds() <= 0


def test_a_lease_that_ends_while_its_worker_writes_is_renewed(claimed: tuple[UUID, UUID]) -> None:
    """The row is locked for as long as a sync is applied."""
    claim_id, pk = claimed
    Remote.objects.update(lease_until=timezone.now() + timedelta(seconds=0.6))
    held = Leases()

    with held.held(claim_id, [pk], most_seconds=60):
        with transaction.atomic():
            Remote.objects.select_for_update().get()
            time.sleep(0.8)
        wait_for(lambda: _left_seconds() > 20, seconds=5)


def test_a_claim_is_given_back_as_soon_as_the_database_lets_it(
    claimed: tuple[UUID, UUID], caplog: pytest.LogCaptureFixture
) -> None:
    """However it failed before; nobody waits for the end of the lease."""
    claim_id, pk = claimed
    fails = [OperationalError("the connection is lost")] * 3

    def act() -> None:
        if fails:
            raise fails.pop()
        claims.release(claim_id, [pk])

    Leases().give_back(act)
    wait_for(lambda: Remote.objects.get().claim_id is None, seconds=5)

    assert caplog.text.count("not given back yet") == 1
    assert connection.in_atomic_block is False


def test_a_bug_in_giving_back_is_told(claimed: tuple[UUID, UUID]) -> None:
    """And not tried again."""
    with pytest.raises(ZeroDivisionError):
        Leases().give_back(lambda: 1 / 0)
