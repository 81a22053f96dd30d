"""Celery tasks: ticks that poll what is due, syncs of changed remotes, previews, housekeeping.

A message is only a hint, the state is in the rows: it is acknowledged early and never retried,
and a lost one delays its remote by a lease at most.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import redis
import structlog
from celery import current_app, shared_task
from celery.signals import worker_init, worker_ready, worker_shutting_down
from django.conf import settings
from django.db import connection
from django.utils import timezone
from kombu.exceptions import OperationalError

from events import retention
from evidence import sealer
from evidence import tasks as sealing
from gitrepos.errors import InternalError, RemoteError, TimedOutError, UnavailableError
from gitrepos.links import links, preview_requests, shared_credentials
from gitrepos.polling import claims, hosts, measures, schedule, waiting
from gitrepos.polling.claims import Claim, Fence
from gitrepos.polling.gate import Gate
from gitrepos.polling.leases import Leases
from gitrepos.polling.waiting import Found
from gitrepos.sync import history, poll, preview, steps, work
from keeptrusts import metrics
from keeptrusts.messaging import mailbox
from keeptrusts.messaging.standby import Standby
from keeptrusts.observed import traces
from keeptrusts.processes import due, heartbeat
from keeptrusts.processes.limits import TimeLimits
from keeptrusts.redis_client import client
from keeptrusts.servers import failures, outages
from kt.tracing import context

log = structlog.get_logger(__name__)

# A sync that lasts for longer is given up.
_SYNC_SECONDS = claims.SYNC_SECONDS - 30
_KILLS = 2
_IN_A_ROW_SECONDS = 1.0
# Less than between two messages of beat, so that the next one tells of what is left.
_REST_SECONDS = 0.5
# As many as two syncers read at once.
_ENOUGH = 2 * settings.SYNCS_AT_ONCE

# Batches of one process that may wait for slow forges at once. There are more threads than
# batches, so that ticks go on.
_turns = threading.BoundedSemaphore(settings.POLLS_AT_ONCE)
# When (monotonic) tasks were last told that they have something to do.
_told_at: dict[str, float] = {}
_gate = Gate()
_leases = Leases()
_limits = TimeLimits()


@shared_task(name="gitrepos.tick")
def tick() -> None:
    """Claim a batch of due remotes and poll them; beat calls it every second.

    A changed remote waits for `sync_remote`, which is told at once. Where more are due, another
    tick follows. Other tasks that have something to do are told of it.
    """
    _standby.heard()
    _beat()
    metrics.flush()
    names = due.at(timezone.now())
    for name in names - {tick.name}:
        if _is_time(name):
            _tell(current_app.tasks[name], expires=2)
    if not sealer.has_begun():
        _tell(sealing.seal, expires=2)
    if tick.name in names and _turns.acquire(blocking=False):
        try:
            _poll_due()
        finally:
            _turns.release()


def _is_time(name: str) -> bool:
    """Whether a task was last told of a while ago: ticks come as often as somebody asks for one."""
    now = time.monotonic()
    if now - _told_at.get(name, -math.inf) < _REST_SECONDS:
        return False
    _told_at[name] = now
    return True


def _poll_due() -> None:
    batch = _claimed()
    if batch is not None:
        if batch.more:
            _tell(tick, expires=2)
        _poll(batch, _hand_over)


def _tick_alone() -> None:
    """What a tick does, without the broker."""
    names = due.at(timezone.now())
    if expire_pins.name in names:
        links.expire_pins()
    if tick.name in names:
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


_standby = Standby(_tick_alone, lambda: _sync_next())


@worker_init.connect
def _stand_by(sender: Any, **_: Any) -> None:
    """The poller goes on when no messages come, with the syncs too; one process is enough."""
    if _is_poller(sender):
        _standby.start()


def _is_poller(worker: Any) -> bool:
    return bool(worker.hostname.startswith("tick@"))


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


def _tell(task: Any, *, expires: int) -> bool:
    """Send a message, which after so many seconds is void; returns whether the broker took it.

    It may be lost. A later tick tells of what is still to be done.
    """
    try:
        task.apply_async(expires=expires)
    except OperationalError as exc:
        log.warning("not queued: broker unreachable", task=task.name, error=str(exc))
        return False
    return True


def _poll(batch: Claim, hand_over: Callable[[UUID, Mapping[UUID, Found]], object]) -> None:
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


@shared_task(name="gitrepos.sync_remote")
def sync_remote(*_: Any) -> None:
    """Sync the remotes whose turn it is, for a second.

    Another message then has the rest synced: who waits for a preview comes in between. Messages of
    an older version say which remote to sync; its claim ends with its lease.
    """
    until = time.monotonic() + _IN_A_ROW_SECONDS
    try:
        while _sync_next():
            if time.monotonic() > until:
                _tell_syncers(1)
                return
    finally:
        metrics.flush()


def _sync_next() -> bool:
    """Sync the remote whose turn it is under a new claim; False when none waits."""
    claim_id = uuid4()
    taken = waiting.take(claim_id, timezone.now())
    if taken is None:
        return False
    fence, found = taken
    began = time.monotonic()
    try:
        with (
            traces.span("sync", at=context.of_id(found.trace_id)),
            _leases.held(claim_id, [fence.remote_id], most_seconds=claims.SYNC_SECONDS),
            _limits.within(_SYNC_SECONDS, lambda: _give_up(fence)),
        ):
            _sync(fence, found)
    except Exception as exc:  # noqa: BLE001
        # The outermost caller: after a bug the link shows an error, and backs off.
        failure = failures.of(exc)
        is_outage = failure is not None and failure.server != "judge"
        _abandon(fence, _cut_short(exc, "sync", remote=str(fence.remote_id)), is_outage=is_outage)
    finally:
        measures.synced(time.monotonic() - began)
    return True


def _sync(fence: Fence, found: Found) -> None:
    if found.kills < _KILLS:
        steps.sync(fence, found)
        return
    # Whatever ended its process would end the next one, and the syncs beside it.
    log.error("sync ended its process", remote=str(fence.remote_id), times=found.kills)
    message = "The process of this sync was killed each time; most likely it took too much memory."
    _abandon(fence, InternalError(message))


def _give_up(fence: Fence) -> None:
    """Give back the remote of a sync that lasts too long; what it still writes is refused."""
    try:
        log.warning("sync took too long", remote=str(fence.remote_id))
        message = "The sync did not end in time; link a path with fewer files, or simpler ones."
        _abandon(fence, TimedOutError(message))
    finally:
        connection.close()  # It is needed seldom.


def _abandon(fence: Fence, error: RemoteError, *, is_outage: bool = False) -> None:
    _leases.give_back(lambda: steps.abandon(fence, error, is_outage=is_outage))


@shared_task(name="gitrepos.preview")
def preview_link(ticket: str, request_id: str) -> None:
    """Make the preview that a request waits for, and answer it."""
    with _limits.within(preview.SECONDS, lambda: mailbox.put(ticket, _too_late())) as limit:
        answer = _previewed(request_id)
        if answer is not None and not limit.is_over:
            mailbox.put(ticket, answer)


def _previewed(request_id: str) -> dict[str, Any] | None:
    """The answer to a request for a preview; None where nobody waits for it."""
    try:
        link = preview_requests.take(UUID(request_id))
        if link is None:
            log.warning("nobody waits for this preview", request=request_id)
            return None
        return preview.of(link)
    except Exception as exc:  # noqa: BLE001
        # The outermost caller: the waiting request gets an error. A credential may be gone by now.
        error = _cut_short(exc, "preview")
        return {"error": {"code": error.code, "message": error.message}}


def _too_late() -> dict[str, Any]:
    text = (
        f"The preview took over {preview.SECONDS:g} s; choose a smaller path, or sync without a"
        " preview: a sync may take longer."
    )
    return {"error": {"code": TimedOutError.code, "message": text}}


@shared_task(name="gitrepos.expire_pins")
def expire_pins() -> None:
    """End pins whose time has passed."""
    links.expire_pins()


@shared_task(name="gitrepos.sweep")
def sweep() -> None:
    """Remove leftovers of killed workers and old history; poll often where webhooks stay away."""
    hosts.forget_unused()
    _remove_leftovers()
    links.forget_silent_hooks()
    preview_requests.forget_old()
    kept_since = timezone.now() - timedelta(days=settings.ENV.event_retention_days)
    events, runs = retention.trim(kept_since), history.trim(kept_since)
    if events or runs:
        log.info("removed old history", events=events, runs=runs)


def _remove_leftovers() -> None:
    if removed := work.remove_leftovers():
        log.warning("removed leftovers of killed workers", folders=removed)


@shared_task(name="gitrepos.wake")
def wake() -> None:
    """Repair times that lie too far ahead because a clock was set back."""
    now = timezone.now()
    hosts.wake_late(now)
    links.wake_late(now)
    waiting.wake_late(now)
    if late := claims.wake_late(now):
        log.warning("repaired times far ahead; check the clocks", remotes=late)


@shared_task(name="gitrepos.warn")
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


def _hand_over(claim_id: UUID, found: Mapping[UUID, Found]) -> None:
    _tell_syncers(_put(claim_id, found))


def _tell_syncers(many: int) -> None:
    """Tell the syncers of so many syncs that wait, until enough messages lie that nobody has read.

    Whoever reads one looks for what waits by then.
    """
    for _ in range(min(many, _ENOUGH - _unread())):
        # By then it is polled and told of again: else what waits for long would fill the broker.
        if not _tell(sync_remote, expires=waiting.WAITING_SECONDS):
            return


def _unread() -> int:
    try:
        return int(client().llen("sync"))
    except redis.RedisError:
        return 0  # Who sends a message tells what is wrong.


def _put(claim_id: UUID, found: Mapping[UUID, Found]) -> int:
    """Have syncs wait for a worker; returns for how many the claim still held."""
    put = waiting.put(claim_id, found)
    for remote_id in found.keys() - set(put):
        log.warning("discarded", remote=str(remote_id), reason="the claim of its poll ended")
    return len(put)


@worker_ready.connect
def _recover(sender: Any, **_: Any) -> None:
    """Remove leftovers of killed workers; a poller makes stalled remotes due as well.

    A syncer leaves to pollers what asks the database: it would hold the pages of that for nothing.
    """
    if _is_poller(sender):
        schedule.retry_stalled()
        sweep()
    else:
        _remove_leftovers()
