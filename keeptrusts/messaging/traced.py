"""Traces on their way through messages: a task works in the trace of whoever sent it.

A message without one, as beat's, begins a trace.
"""

import contextlib
from collections.abc import MutableMapping
from typing import Any

from celery import Task
from celery.signals import before_task_publish, task_postrun, task_prerun

from keeptrusts.observed import traces

_running: dict[str, contextlib.ExitStack] = {}


def use() -> None:
    """Make every message and task of this process do so."""
    before_task_publish.connect(tell)
    task_prerun.connect(begin)
    task_postrun.connect(end)


def tell(headers: MutableMapping[str, Any], **_: Any) -> None:
    """Put the present trace into the headers of a message."""
    trace = traces.current()
    if trace is not None:
        headers[traces.HEADER] = trace.header()


def begin(task_id: str, task: Task[Any, Any], **_: Any) -> None:
    """Work in the trace of a message."""
    _running[task_id] = stack = contextlib.ExitStack()
    stack.enter_context(traces.bound(traces.taken(task.request.get(traces.HEADER))))


def end(task_id: str, **_: Any) -> None:
    """Leave it."""
    stack = _running.pop(task_id, None)
    if stack is not None:
        stack.close()
