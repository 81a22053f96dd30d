"""Beat within a poller, for a machine that runs all roles: a process less."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import structlog
from celery.beat import Service
from celery.signals import worker_shutting_down
from django.conf import settings

from keeptrusts.celery import app
from keeptrusts.messaging.standby import call
from keeptrusts.processes.beat import Scheduler

log = structlog.get_logger(__name__)

_STATUS = 70  # EX_SOFTWARE


class _Service(Service):
    """Celery's, with our scheduler: its own looks for others in each installed package."""

    def get_scheduler(self, *_: Any, **_named: Any) -> Scheduler:
        return Scheduler(app=self.app, max_interval=self.max_interval)


class Clock:
    """Beat in a thread of its own; `on_tick` is called at each of its ticks.

    Where the broker is this machine's own, nobody else would hear its messages: it sends none, and
    has the tasks run here, by as many threads.
    """

    def __init__(self, threads: int, *, on_tick: Callable[[], None]) -> None:
        self._service = _Service(app)
        self.scheduler = cast(Scheduler, self._service.scheduler)
        self.scheduler.on_tick = on_tick
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="due")
        self._places = threading.BoundedSemaphore(threads)
        if not settings.ENV.redis_url:
            self.scheduler.run = self.run

    def start(self) -> None:
        """Tick until the worker ends."""
        threading.Thread(target=self._tick, name="beat", daemon=True).start()
        worker_shutting_down.connect(self._stop)

    def run(self, name: str) -> None:
        """Run a task, unless as many run as there are threads: it is due again soon."""
        if self._places.acquire(blocking=False):
            self._threads.submit(self._call, name)

    def _call(self, name: str) -> None:
        try:
            call(app.tasks[name])
        finally:
            self._places.release()

    def _tick(self) -> None:
        try:
            self._service.start()
        except Exception:
            # The outermost caller of this thread. A poller without ticks would do nothing.
            log.critical("beat crashed, and the poller ends with it", exc_info=True)
            os._exit(_STATUS)

    def _stop(self, **_: Any) -> None:
        # The threads go on: a tick that is under way may still hand them something.
        self._service.stop()
