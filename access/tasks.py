"""Celery task of `access`; beat starts it each ten minutes."""

from celery import shared_task

from access import sessions, uses
from access.trusts import replays


@shared_task(name="access.flush", time_limit=60)
def flush() -> None:
    """Write when tokens were last used, and forget JWTs and sessions that are over."""
    replays.prune()
    sessions.prune()
    uses.flush()
