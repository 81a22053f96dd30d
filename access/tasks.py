"""Celery task of `access`; beat starts it each ten minutes."""

from celery import shared_task

from access import uses


@shared_task(name="access.flush", time_limit=60)
def flush() -> None:
    """Write when tokens were last used."""
    uses.flush()
