"""Connections to the database between two tasks of a worker's thread."""

from types import SimpleNamespace

import pytest
from django.db import connection

from keeptrusts.celery import app
from keeptrusts.messaging.lasting import LastingConnections

pytestmark = pytest.mark.django_db(transaction=True)

_TASK = SimpleNamespace(request=SimpleNamespace(is_eager=False))


def _run_task() -> object:
    """What a worker does around a task; returns the connection that the task had."""
    worker = _worker()
    worker.on_task_prerun(_TASK)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    used = connection.connection
    worker.on_task_postrun(_TASK)
    return used


def _worker() -> LastingConnections:
    [installed] = app._fixups  # type: ignore[attr-defined]
    assert isinstance(installed.worker_fixup, LastingConnections)
    return installed.worker_fixup


def test_a_thread_keeps_its_connection_from_task_to_task() -> None:
    """To connect takes longer than most tasks."""
    assert _run_task() is _run_task()


def test_a_connection_that_is_too_old_is_made_anew() -> None:
    """Those of a thread that is seldom used, too."""
    before = _run_task()
    connection.close_at = 0.0

    assert _run_task() is not before


def test_a_connection_that_broke_is_made_anew() -> None:
    """A server that was started again ended all of them."""
    if connection.vendor != "postgresql":
        pytest.skip("a file has no server")
    before = _run_task()
    assert connection.connection is not None
    connection.connection.close()

    assert _run_task() is not before
