"""Celery's side: a tick that claims, a batch that asks, a sync that applies.

Messages are hints and rows are the truth: a message is acknowledged early and never retried;
one that is lost costs no more than a lease.
"""

from collections.abc import Mapping
from uuid import UUID

import structlog
from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.utils import timezone

from gitrepos import claim, fetch, keyring, sync
from gitrepos.claim import Claim, Fence
from gitrepos.errors import InternalError, TimedOutError
from keeptrusts import heartbeat

log = structlog.get_logger(__name__)


@shared_task(name="gitrepos.tick", time_limit=30)
def tick() -> None:
    """Claim what is due and send one message a batch; beat calls it every second."""
    heartbeat.beat()
    for batch in claim.due(timezone.now()):
        poll_batch.apply_async((str(batch.id), [str(pk) for pk in batch.remote_ids]))


@shared_task(name="gitrepos.poll_batch", time_limit=claim.POLL_LEASE_SECONDS - 5)
def poll_batch(claim_id: str, remote_ids: list[str]) -> None:
    """Ask every remote of one claim; what changed goes to `sync_remote` as it is found."""
    sync.poll(Claim(UUID(claim_id), tuple(UUID(pk) for pk in remote_ids)), _hand_over)


@shared_task(
    name="gitrepos.sync_remote",
    soft_time_limit=claim.SYNC_LEASE_SECONDS - 30,
    time_limit=claim.SYNC_LEASE_SECONDS - 5,
)
def sync_remote(remote_id: str, claim_id: str, heads: Mapping[str, str]) -> None:
    """Bring the links of one remote to the commits in `heads`."""
    fence = Fence(UUID(remote_id), UUID(claim_id))
    try:
        sync.sync(fence, heads)
    except SoftTimeLimitExceeded:
        log.warning("sync took too long", remote=remote_id)
        message = "The sync did not end in time; link a path with fewer files, or simpler ones."
        sync.abandon(fence, TimedOutError(message))
    except Exception:
        # The shell: a bug must not leave a link silently behind, retried at every lease.
        log.exception("sync crashed", remote=remote_id)
        sync.abandon(fence, InternalError("The sync crashed; the worker's log says how."))


@shared_task(name="gitrepos.sweep", time_limit=60)
def sweep() -> None:
    """Remove what killed workers left behind."""
    if removed := fetch.sweep(settings.ENV.data_dir / "work"):
        log.warning("removed leftovers of killed workers", folders=removed)


@shared_task(name="gitrepos.warn", time_limit=60)
def warn() -> None:
    """Say which credentials expire soon."""
    if warned := keyring.warn(timezone.now()):
        log.warning("credentials expire soon", credentials=warned)


def _hand_over(fence: Fence, heads: Mapping[str, str]) -> None:
    sync_remote.apply_async((str(fence.remote_id), str(fence.claim_id), dict(heads)))
