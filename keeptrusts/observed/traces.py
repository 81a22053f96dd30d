"""The trace in which a thread works: the `trace_id` of its log lines, and of what it writes.

Where somebody said where spans go, what is done in a trace is told as spans of it.
"""

import atexit
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from structlog import contextvars

from kt.tracing import context, otlp
from kt.tracing.context import Trace
from kt.tracing.otlp import Span, Value

if TYPE_CHECKING:
    from kt.tracing.exporter import Exporter
    from kt.tracing.settings import Settings

HEADER = context.HEADER
# Where a server's bridge to Django puts the trace of a request.
REQUEST = "keeptrusts.trace"

_NAME = "trace_id"
_current: ContextVar[Trace | None] = ContextVar("trace", default=None)
_exporter: "Exporter | None" = None


@dataclass(slots=True)
class Open:
    """A span that is not over: what is done may give it another name, attributes and an error."""

    name: str
    attributes: dict[str, Value] = field(default_factory=dict)
    error: str = ""


def use(found: "Settings | None", counted: Callable[[str, int], None]) -> None:
    """Send spans from here on, in forks of this process too; None for nowhere.

    `counted` is told of spans by what became of them: `sent` or `dropped`.
    """
    global _exporter
    _exporter = None
    if found is not None:
        from kt.tracing.exporter import Exporter

        _exporter = Exporter(found, counted=counted)
        atexit.register(_exporter.finish)


def current() -> Trace | None:
    """The present trace; None outside of any."""
    return _current.get()


def current_id() -> str:
    """The id of the present trace; empty outside of any."""
    trace = _current.get()
    return trace.trace_id if trace else ""


def begun(sent: object) -> Trace:
    """A span of the trace that a caller's `traceparent` names; of a new one where it names none."""
    heard = context.heard(sent)
    return heard.child() if heard else context.new()


def taken(sent: object) -> Trace:
    """The place of whoever sent a message; a new trace where it names none. No span is told of it
    here: what is done for the message has the sender's span above it, or none."""
    return context.heard(sent) or replace(context.new(), is_span=False)


@contextmanager
def bound(trace: Trace) -> Iterator[None]:
    """Work in a trace until the end of the block."""
    token = _current.set(trace)
    try:
        with contextvars.bound_contextvars(**{_NAME: trace.trace_id}):
            yield
    finally:
        _current.reset(token)


@contextmanager
def span(name: str, kind: int = otlp.INTERNAL, *, at: Trace | None = None) -> Iterator[Open]:
    """Work in `at`, or in a span below the present one, until the end of the block.

    An exception that leaves the block is its error, by its class alone.
    """
    above = current()
    trace = at or (above.child() if above else context.new())
    opened = Open(name)
    with bound(trace):
        start_ns = time.time_ns()
        try:
            yield opened
        except BaseException as exc:
            opened.error = opened.error or type(exc).__name__
            raise
        finally:
            _send(trace, opened, kind, start_ns)


def told(name: str, trace_id: str, since: datetime, attributes: dict[str, Value]) -> None:
    """Tell of what began at `since`, elsewhere, and ended now, as a span of a trace."""
    if context.is_id(trace_id):
        start_ns = int(since.timestamp() * 1e9)
        _send(context.of_id(trace_id), Open(name, attributes), otlp.INTERNAL, start_ns)


def _send(trace: Trace, opened: Open, kind: int, start_ns: int) -> None:
    if _exporter is None or not _exporter.takes(trace.trace_id):
        return
    _exporter.put(
        Span(
            trace.trace_id, trace.span_id, trace.parent_id, opened.name, kind,
            start_ns, max(start_ns, time.time_ns()), opened.attributes, opened.error,
        )
    )  # fmt: skip
