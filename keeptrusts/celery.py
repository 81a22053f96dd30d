"""The Celery application: `celery -A keeptrusts.celery worker|beat`."""

import os
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import setup_logging, task_failure, worker_init
from django.conf import settings

from keeptrusts import database
from keeptrusts.messaging import lasting, messages, traced
from keeptrusts.messaging.reconnecting import Messaging
from keeptrusts.redis_client import TIMEOUTS
from keeptrusts.servers import outages

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keeptrusts.settings")

_TICK_SECONDS = 1.0
_SWEEP_SECONDS = 600.0
_WAKE_SECONDS = 60.0
_WARN_SECONDS = 60.0
_FLUSH_SECONDS = 60.0
_JUDGE_SECONDS = 60.0
_WITNESS_SECONDS = 5.0
_TELL_SECONDS = 5.0


def _broker_url(url: str) -> str:
    """The url in kombu's form, which differs from redis-py's for unix sockets."""
    if not url.startswith("unix://"):
        return url
    return url.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=", 1)


# The worker warns of root because of pickle; messages here are JSON, and nothing else is read.
warnings.filterwarnings("ignore", category=SecurityWarning)

messages.use()
traced.use()
app = Celery("keeptrusts", amqp=Messaging)
app.conf.update(
    broker_url=_broker_url(settings.REDIS_URL),
    broker_connection_retry_on_startup=True,
    # A broker that is full, read-only or forbids something is asked again, and ends no worker.
    broker_channel_error_retry=True,
    # Longer than the longest task: a message that is still worked on is not delivered again.
    # The other options: a publisher that finds no broker says so at once. Its message is a hint.
    broker_transport_options={
        "visibility_timeout": 600,
        **TIMEOUTS,
        # A connection that the network forgot is noticed after as many seconds, and one.
        "health_check_interval": 4,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.1,
    },
    accept_content=["json"],
    result_accept_content=["json"],
    task_ignore_result=True,
    result_expires=None,  # There are none, so beat has none to remove.
    worker_enable_remote_control=False,
    task_publish_retry=False,
    task_default_queue="tick",
    task_routes={
        "gitrepos.tick": {"queue": "tick"},
        "gitrepos.expire_pins": {"queue": "tick"},
        "gitrepos.sweep": {"queue": "tick"},
        "gitrepos.wake": {"queue": "tick"},
        "gitrepos.warn": {"queue": "tick"},
        "gitrepos.sync_remote": {"queue": "sync"},
        "configurations.judge": {"queue": "tick"},
        "access.flush": {"queue": "tick"},
        "evidence.seal": {"queue": "tick"},
        "evidence.witness": {"queue": "tick"},
        "gateways.flush": {"queue": "tick"},
        "gateways.prune": {"queue": "tick"},
        "notifications.send": {"queue": "tick"},
        "notifications.sweep": {"queue": "tick"},
        "commitstatus.tell": {"queue": "tick"},
        "gitrepos.preview": {"queue": "preview"},
    },
    # A message that a busy process keeps for later delays whoever waits for it.
    worker_disable_prefetch=True,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    beat_scheduler="keeptrusts.processes.beat:Scheduler",
    beat_max_loop_interval=_TICK_SECONDS,
    beat_schedule={
        # `expires`: an outage leaves no heap of ticks behind.
        "tick": {"task": "gitrepos.tick", "schedule": _TICK_SECONDS, "options": {"expires": 2}},
        "sweep": {"task": "gitrepos.sweep", "schedule": _SWEEP_SECONDS, "options": {"expires": 60}},
        "wake": {"task": "gitrepos.wake", "schedule": _WAKE_SECONDS, "options": {"expires": 60}},
        "warn": {"task": "gitrepos.warn", "schedule": _WARN_SECONDS, "options": {"expires": 60}},
        "witness": {
            "task": "evidence.witness",
            "schedule": _WITNESS_SECONDS,
            "options": {"expires": 5},
        },
        "judge": {
            "task": "configurations.judge",
            "schedule": _JUDGE_SECONDS,
            "options": {"expires": 60},
        },
        "uses": {"task": "access.flush", "schedule": _SWEEP_SECONDS, "options": {"expires": 60}},
        "flush": {"task": "gateways.flush", "schedule": _FLUSH_SECONDS, "options": {"expires": 60}},
        "prune": {"task": "gateways.prune", "schedule": _SWEEP_SECONDS, "options": {"expires": 60}},
        "notified": {
            "task": "notifications.sweep",
            "schedule": _WAKE_SECONDS,
            "options": {"expires": 60},
        },
        "tell": {"task": "commitstatus.tell", "schedule": _TELL_SECONDS, "options": {"expires": 5}},
    },
    timezone="UTC",
)
lasting.use(app)
app.autodiscover_tasks(
    [
        "evidence",
        "access",
        "configurations",
        "gitrepos",
        "gateways",
        "notifications",
        "commitstatus",
    ]
)


@setup_logging.connect
def _keep_logging(**_: Any) -> None:
    """Keep Celery from configuring the logs again; Django did."""


@worker_init.connect
def _bound_statements(**_: Any) -> None:
    database.bound_statements(database.WORKER_SECONDS)


@task_failure.connect
def _note(exception: BaseException, **_: Any) -> None:
    outages.met(exception)
