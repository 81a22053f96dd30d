"""Workers and beat. It is imported once Django is set up, in the process that forks them."""

import sys
from importlib import import_module
from typing import Any

import structlog
from celery import bootsteps
from celery.apps.beat import Beat
from celery.apps.worker import Worker
from celery.concurrency.thread import TaskPool
from django.conf import settings
from kombu.asynchronous import get_event_loop

from keeptrusts.celery import app
from keeptrusts.judge import asking
from keeptrusts.parent.clock import Clock
from keeptrusts.processes import alive
from keeptrusts.processes.beat import Scheduler

log = structlog.get_logger(__name__)

# What Celery imports by name once it starts. Its command line is left out: it would bring a shell.
_BY_NAME = (
    "billiard.pool", "celery.app.control", "celery.app.events", "celery.app.log",
    "celery.backends.base", "celery.contrib.django.task", "celery.events.dispatcher",
    "celery.events.receiver", "celery.worker.autoscale", "celery.worker.components",
    "celery.worker.consumer", "celery.worker.consumer.delayed_delivery", "celery.worker.control",
    "celery.worker.loops", "celery.worker.strategy", "kombu.transport.redis",
)  # fmt: skip

# More than polls, so that ticks run.
_POLLING = settings.POLLS_AT_ONCE + 4

for _name in _BY_NAME:
    import_module(_name)
app.loader.init_worker()
app.finalize()  # Once for all workers, and in memory that they share.


class _Beat(Beat):
    """Celery's, under the title that its process has."""

    def set_process_title(self) -> None: ...


class _Signing(bootsteps.StartStopStep):
    """Signs of life of a worker, while it has a broker and takes messages."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        _sign()
        self._timer = consumer.timer.call_repeatedly(alive.EVERY_SECONDS, _sign)

    def stop(self, consumer: Any) -> None:
        self._timer.cancel()


app.steps["consumer"].add(_Signing)


class _Threads(TaskPool):
    """Celery's pool of threads, which tells its worker once one of them is free.

    A worker whose threads are all at work reads no messages, and would look again once a second.
    """

    def on_apply(self, *given: Any, **named: Any) -> Any:
        """Have a thread run a task."""
        result = super().on_apply(*given, **named)
        result.f.add_done_callback(_free)
        return result


def _free(_: Any) -> None:
    if (loop := get_event_loop()) is not None:
        loop.call_soon(lambda: None)


def sync() -> None:
    """Be a worker of syncs and previews, until a signal ends it.

    Threads: what strangers wrote is read by judges and by git, which are processes under limits.
    """
    asking.work(settings.SYNCS_AT_ONCE)
    _work("sync,preview", settings.SYNCS_AT_ONCE)


def poll(*roles: str) -> None:
    """Be a worker of all else, polls above all, until a signal ends it; with `beat`, beat as well.

    Threads: hundreds of calls wait in one process, on connections that all of them share.
    """
    if "beat" in roles:
        Clock(_POLLING, on_tick=lambda: _sign("beat")).start()
    _work("tick", _POLLING)


def beat() -> None:
    """Be beat until a signal ends it."""
    Scheduler.on_tick = staticmethod(_sign)
    _Beat(app=app, loglevel="INFO", quiet=True).run()


def _sign(part: str = "") -> None:
    """Give a sign of life in a part's name, or in that of this process."""
    try:
        alive.sign(settings.ENV.data_dir, part or sys.argv[1])
    except OSError as exc:  # The part works; who probes it is told that it does not.
        log.warning("no sign of life can be written", error=str(exc))


def _work(queues: str, threads: int) -> None:
    worker = Worker(
        app=app,
        hostname=f"{queues.partition(',')[0]}@",
        queues=queues,
        pool_cls=_Threads,
        concurrency=threads,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        loglevel="INFO",
        quiet=True,
    )
    worker.start()
    sys.exit(worker.exitcode)
