"""The periodic task of commit statuses."""

import threading

from celery import shared_task

from commitstatus import telling

_turn = threading.Lock()


@shared_task(name="commitstatus.tell")
def tell() -> None:
    """Tell what is due; one round at a time in a process, so that no API takes its threads."""
    if not _turn.acquire(blocking=False):
        return
    try:
        telling.run()
    finally:
        _turn.release()
