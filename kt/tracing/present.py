"""The trace in which a task or thread of a gateway works, for its log."""

from __future__ import annotations

from contextvars import ContextVar

from kt.tracing.context import Trace

_present: ContextVar[Trace | None] = ContextVar("trace", default=None)


def trace() -> Trace | None:
    """The present trace; None outside of any."""
    return _present.get()


def enter(found: Trace | None) -> None:
    """Work in a trace from here on, None for outside of any."""
    _present.set(found)
