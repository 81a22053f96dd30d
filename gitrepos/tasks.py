"""Celery tasks: ticks that poll what is due, syncs of changed remotes, previews, housekeeping.

A message is only a hint, the state is in the rows: it is acknowledged early and never retried,
and a lost one delays its remote by a lease at most.
"""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import redis
import structlog
from celery import Task, shared_task
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError
from celery.signals import (
    task_failure,
    worker_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutting_down,
)
from django.conf import settings
from django.db import connection
from django.utils import timezone
from kombu.exceptions import OperationalError

from events import retention
from gitrepos.errors import InternalError, RemoteError, TimedOutError, UnavailableError
from gitrepos.forge import eventloop
from gitrepos.links import links, preview_requests, shared_credentials
from gitrepos.polling import claims, hosts, measures, waiting
from gitrepos.polling.claims import Claim, Fence
from gitrepos.polling.gate import Gate
from gitrepos.polling.leases import Leases
from gitrepos.polling.waiting import Found
from gitrepos.sync import history, poll, preview, steps, work
from keeptrusts import metrics
from keeptrusts.messaging import mailbox
from keeptrusts.messaging.standby import Standby
from keeptrusts.observed import traces
from keeptrusts.processes import heartbeat
from keeptrusts.servers import failures, outages
from kt.tracing import context

log = structlog.get_logger(__name__)

_PREVIEW_SECONDS = 45

# Batches of one process that may wait for slow forges at once. There are more threads than
# batches, so that ticks go on.
_turns = threading.BoundedSemaphore(settings.POLLS_AT_ONCE)
_gate = Gate()
_leases = Leases()


@shared_task(name="gitrepos.tick")
def tick() -> None:
    """Claim a batch of due remotes and poll them; beat calls it every second.

    A changed remote waits for `sync_remote`, which is told at once. Where more are due, another
    tick follows.
    """
    _standby.heard()
    _beat()
    metrics.flush()
    links.expire_pins()
    if not _turns.acquire(blocking=False):
        return
    try:
        batch = _claimed()
        if batch is not None:
            if batch.more:
                _tick_again()
            _poll(batch, _hand_over)
        if waiting.is_any_overlooked(timezone.now()):
            _tell_syncers(expires=2)
    finally:
        _turns.release()


def _tick_alone() -> None:
    """What a tick does, without the broker."""
    links.expire_pins()
    with _turns:
        batch = _claimed()
        if batch is not None:
            _poll(batch, _put)


def _claimed() -> Claim | None:
    began = time.monotonic()
    batch = claims.due(timezone.now(), _gate)
    if batch is not None:
        measures.claimed(len(batch.remote_ids), time.monotonic() - began)
    return batch


_standby = Standby(_tick_alone, lambda: _sync_next(uuid4()))


@worker_init.connect
def _stand_by(sender: Any, **_: Any) -> None:
    """The poller goes on when no messages come, with the syncs too; one process is enough."""
    if sender.hostname.startswith("tick@"):
        _standby.start()


@worker_shutting_down.connect
def _stand_down(**_: Any) -> None:
    _standby.stop()


def _beat() -> None:
    """Record the tick; a broker that is full takes no note of it, and the tick goes on."""
    try:
        heartbeat.beat()
    except redis.RedisError as exc:
        if outages.met(exc) is None:
            raise


def _tick_again() -> None:
    try:
        tick.apply_async(expires=2)
    except OperationalError as exc:
        # Beat's next tick goes on; what this one claimed is polled.
        log.warning("tick not queued: broker unreachable", error=str(exc))


def _poll(batch: Claim, hand_over: Callable[[Fence, Found], object]) -> None:
    try:
        with (
            traces.span("poll") as span,
            _leases.held(batch.id, batch.remote_ids, most_seconds=claims.POLL_SECONDS),
        ):
            span.attributes["keeptrusts.remotes"] = len(batch.remote_ids)
            poll.poll(batch, hand_over)
    except Exception as exc:
        if failures.of(exc) is not None:
            _leases.give_back(lambda: claims.release(batch.id, batch.remote_ids))
        raise
    finally:
        _gate.leave(batch.remote_ids)


@shared_task(
    bind=True,
    name="gitrepos.sync_remote",
    soft_time_limit=claims.SYNC_SECONDS - 30,
    time_limit=claims.SYNC_SECONDS - 5,
)
def sync_remote(self: Task[Any, None], *_: Any) -> None:
    """Sync the remote whose turn it is, if one waits.

    The claim has the task's id, by which the remote of a killed process is found. Messages of an
    older version say which remote to sync; its claim ends with its lease.
    """
    _sync_next(UUID(self.request.id))


def _sync_next(claim_id: UUID) -> None:
    """Sync the remote whose turn it is, if one waits, under a new claim."""
    taken = waiting.take(claim_id, timezone.now())
    if taken is None:
        return
    fence, found = taken
    began = time.monotonic()
    try:
        with (
            traces.span("sync", at=context.of_id(found.trace_id)),
            _leases.held(claim_id, [fence.remote_id], most_seconds=claims.SYNC_SECONDS),
        ):
            steps.sync(fence, found)
    except SoftTimeLimitExceeded:
        log.warning("sync took too long", remote=str(fence.remote_id))
        message = "The sync did not end in time; link a path with fewer files, or simpler ones."
        _abandon(fence, TimedOutError(message))
    except Exception as exc:  # noqa: BLE001
        # The outermost caller: after a bug the link shows an error, and backs off.
        failure = failures.of(exc)
        is_outage = failure is not None and failure.server != "judge"
        _abandon(fence, _cut_short(exc, "sync", remote=str(fence.remote_id)), is_outage=is_outage)
    finally:
        measures.synced(time.monotonic() - began)
        metrics.flush()


def _abandon(fence: Fence, error: RemoteError, *, is_outage: bool = False) -> None:
    _leases.give_back(lambda: steps.abandon(fence, error, is_outage=is_outage))


@task_failure.connect(sender=sync_remote)
def give_back(task_id: str, exception: BaseException, **_: Any) -> None:
    """Give back the remote of a killed pool process; else it would wait for the lease's end."""
    if not isinstance(exception, WorkerLostError | TimeLimitExceeded):
        return
    message = "The process of this sync was killed; most likely it took too much memory."
    try:
        for fence in claims.held_by(UUID(task_id)):
            _abandon(fence, InternalError(message))
    finally:
        connection.close()  # The main process needs none, and its children inherit it.


@shared_task(name="gitrepos.preview", soft_time_limit=_PREVIEW_SECONDS, time_limit=60)
def preview_link(ticket: str, request_id: str) -> None:
    """Make the preview that a request waits for, and answer it."""
    try:
        link = preview_requests.take(UUID(request_id))
        if link is None:
            log.warning("nobody waits for this preview", request=request_id)
            return
        answer = preview.of(link)
    except SoftTimeLimitExceeded:
        text = (
            f"The preview took over {_PREVIEW_SECONDS} s; choose a smaller path, or sync without a"
            " preview: a sync may take longer."
        )
        answer = {"error": {"code": TimedOutError.code, "message": text}}
    except Exception as exc:  # noqa: BLE001
        # The outermost caller: the waiting request gets an error. A credential may be gone by now.
        error = _cut_short(exc, "preview")
        answer = {"error": {"code": error.code, "message": error.message}}
    mailbox.put(ticket, answer)


@shared_task(name="gitrepos.sweep")
def sweep() -> None:
    """Remove leftovers of killed workers and old history; poll often where webhooks stay away."""
    hosts.forget_unused()
    if removed := work.remove_leftovers():
        log.warning("removed leftovers of killed workers", folders=removed)
    links.forget_silent_hooks()
    preview_requests.forget_old()
    kept_since = timezone.now() - timedelta(days=settings.ENV.event_retention_days)
    events, runs = retention.trim(kept_since), history.trim(kept_since)
    if events or runs:
        log.info("removed old history", events=events, runs=runs)


@shared_task(name="gitrepos.wake", time_limit=60)
def wake() -> None:
    """Repair times that lie too far ahead because a clock was set back."""
    now = timezone.now()
    hosts.wake_late(now)
    links.wake_late(now)
    waiting.wake_late(now)
    if late := claims.wake_late(now):
        log.warning("repaired times far ahead; check the clocks", remotes=late)


@shared_task(name="gitrepos.warn", time_limit=60)
def warn() -> None:
    """Record an event for each credential that expires soon."""
    if warned := shared_credentials.warn(timezone.now()):
        log.warning("credentials expire soon", credentials=warned)


def _cut_short(exc: Exception, what: str, **facts: str) -> RemoteError:
    """The error to show for work that an exception ended: an outage of a server, or a bug."""
    if failure := outages.met(exc):
        return UnavailableError(failure.message)
    log.exception(f"{what} crashed", **facts)
    return InternalError(f"The {what} crashed; see the worker's log.")


def _hand_over(fence: Fence, found: Found) -> None:
    if _put(fence, found):
        # By then it is polled and told of again: else what waits for long would fill the broker.
        _tell_syncers(expires=waiting.WAITING_SECONDS)


def _put(fence: Fence, found: Found) -> bool:
    """Have a sync wait for a worker; False when its claim ended."""
    try:
        waiting.put(fence, found)
    except claims.FenceLostError as exc:
        log.warning("discarded", remote=str(fence.remote_id), reason=str(exc))
        return False
    return True


def _tell_syncers(*, expires: int) -> None:
    """Tell the workers that a sync waits; after so many seconds the message is void."""
    try:
        sync_remote.apply_async(expires=expires)
    except OperationalError as exc:
        # The sync keeps its place, and a later tick tells of it.
        log.warning("sync not queued: broker unreachable", error=str(exc))


@worker_ready.connect
def _recover(**_: Any) -> None:
    """Make stalled remotes due and remove leftovers of killed workers."""
    claims.retry_stalled()
    sweep()


@worker_process_shutdown.connect
def _close_connections(**_: Any) -> None:
    """Close the connections to forges: a child of the pool ends without Python's exit handlers."""
    eventloop.close()
