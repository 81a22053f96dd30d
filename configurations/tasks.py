"""Celery task that has configurations judged when the rules changed; beat starts it each minute."""

import subprocess
import sys
import threading
from typing import Any

import structlog
from celery import shared_task
from celery.signals import worker_ready
from django.conf import settings

from configurations import judging

log = structlog.get_logger(__name__)


@worker_ready.connect
def _announce(**_: Any) -> None:
    judging.announce()


@shared_task(name="configurations.judge", time_limit=60)
def judge() -> None:
    """Start `manage.py judge` if a configuration waits for the present rules.

    It is a process of its own at the lowest priority, which takes no place in a worker's pool. It
    ends with this worker; a later call goes on where it was.
    """
    if judging.is_due():
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "judge"]
        child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "nice", "-n", "19", *command],  # noqa: S607
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
        )
        threading.Thread(target=_follow, args=(child,), daemon=True).start()


def _follow(child: "subprocess.Popen[bytes]") -> None:
    if status := child.wait():
        log.warning("judging ended early", status=status)
