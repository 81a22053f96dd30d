"""Connections to the database of a worker's threads, which last from one task to the next.

Celery closes them before and after each task: to connect took longer than most tasks do.
"""

from typing import Any

from celery.fixups import django
from django.db import close_old_connections


class LastingConnections(django.DjangoWorkerFixup):  # type: ignore[misc, name-defined]
    """Celery's part that cares for Django's connections, of which it closes those that are bad."""

    def _close_database(self) -> None:
        close_old_connections()


def use(app: Any) -> None:
    """Make the workers of an application do so."""
    for installed in app._fixups:
        if isinstance(installed, django.DjangoFixup):
            installed.worker_fixup = LastingConnections(app)  # type: ignore[misc]
