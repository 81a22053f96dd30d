"""Celery tasks: notifications are sent, and those that are over are put away."""

from typing import Any

import structlog
from celery import shared_task
from celery.signals import worker_shutting_down
from django.utils import timezone

from notifications.queue import claims, retention
from notifications.sender import Sender

log = structlog.get_logger(__name__)

_sender = Sender()


@shared_task(name="notifications.send")
def send() -> None:
    """Send what is due; a tick tells it, and one call works on while there is more."""
    _sender.run()


@shared_task(name="notifications.sweep", time_limit=60)
def sweep() -> None:
    """Give up what waited too long, forget old ones, and follow a clock that was set back."""
    now = timezone.now()
    claims.wake_late(now)
    given_up, deleted = retention.sweep(now)
    if given_up or deleted:
        log.info("notifications over", given_up=given_up, deleted=deleted)


@worker_shutting_down.connect
def _stop(**_: Any) -> None:
    _sender.stop()
