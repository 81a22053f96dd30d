"""The sender of a process: takes events, claims, has calls under way, notes what comes of them.

One thread works, and waits for whichever call ends first; the calls are in the event loop. So an
endpoint that hangs holds up nobody else.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import datetime
from uuid import UUID

import structlog
from django.utils import timezone

from gitrepos.errors import InternalError
from gitrepos.forge import eventloop
from notifications import measures
from notifications.queue import claims, taking
from notifications.queue.claims import Claim
from notifications.sending import sending
from notifications.sending.outcomes import Attempt

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0


class Sender:
    """What sends in this process; whoever calls while it works is sent away."""

    def __init__(self, clock: Callable[[], datetime] = timezone.now) -> None:
        self._clock = clock
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        # What is under way stays here when a database that is away ends a run.
        self._calls: dict[Future[Attempt], Claim] = {}

    def run(self) -> None:
        """Send until nothing is due and nothing is under way."""
        if not self._turn.acquire(blocking=False):
            return
        try:
            while self._step():
                pass
        finally:
            self._turn.release()

    def stop(self) -> None:
        """Begin nothing more; what is under way ends."""
        self._stopping.set()

    def _step(self) -> bool:
        """Begin what is due, note what ended; returns whether there is more to do."""
        taken = 0
        if not self._stopping.is_set():
            taken = taking.take(self._clock())
            for claim in claims.due(self._clock()):
                self._calls[eventloop.submit(sending.attempt(claim.endpoint, claim.row))] = claim
        done, _ = wait(self._calls, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
        self._note(done)
        return bool(self._calls or done or taken)

    def _note(self, done: Iterable[Future[Attempt]]) -> None:
        """Note what ended, all of one endpoint at once."""
        ended: dict[UUID, list[Future[Attempt]]] = defaultdict(list)
        for call in done:
            ended[self._calls[call].endpoint.pk].append(call)
        for calls in ended.values():
            attempts = [(self._calls[call], self._attempt(call)) for call in calls]
            for claim in claims.note(attempts, self._clock()):
                log.warning("discarded", notification=str(claim.row.id), reason="its claim is over")
            for claim, attempt in attempts:
                measures.attempted(claim.endpoint.form, attempt.error)
            for call in calls:
                del self._calls[call]

    def _attempt(self, call: Future[Attempt]) -> Attempt:
        try:
            return call.result()
        except Exception:
            # A bug, or a form that cannot say this event: it is shown, and nothing else waits.
            claim = self._calls[call]
            log.exception(
                "notification crashed", endpoint=claim.endpoint.name, id=str(claim.row.id)
            )
            return Attempt(self._clock(), 0.0, InternalError.code, None, "see the log")
