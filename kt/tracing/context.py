"""A place in a trace: the trace's id and that of a span, as `traceparent` carries them.

What comes from others is a name to search logs by, and is believed of nothing.

Source: W3C Trace Context, level 1.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

HEADER = "traceparent"

_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_LONGEST = 200
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace's id, 32 hex digits, and that of the present span, 16; neither is all zeros."""

    trace_id: str
    span_id: str
    is_sampled: bool = True
    # Of the span that led here, empty where none is known; it is not in the header.
    parent_id: str = field(default="", compare=False)
    # False where no span is told of this place: then those below it have no parent.
    is_span: bool = field(default=True, compare=False)

    def header(self) -> str:
        """The value of `traceparent`."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.is_sampled):02x}"

    def child(self) -> Trace:
        """A new span of the same trace."""
        parent_id = self.span_id if self.is_span else ""
        return Trace(self.trace_id, new_span_id(), self.is_sampled, parent_id)


def new() -> Trace:
    """A trace that begins here."""
    return Trace(secrets.token_hex(16), new_span_id())


def new_span_id() -> str:
    """An id for a span; of 2^64 one is all zeros, which no span may have."""
    return secrets.token_hex(8)


def of_id(trace_id: str) -> Trace:
    """A new span of the trace with this id, as `is_id` has it; of a new one for any other text."""
    return Trace(trace_id, new_span_id()) if is_id(trace_id) else new()


def is_id(text: object) -> bool:
    """Whether a value is a trace's id."""
    return isinstance(text, str) and bool(_ID.fullmatch(text)) and text != "0" * 32


def heard(value: object) -> Trace | None:
    """The place that a caller's `traceparent` names; None for any other value.

    A later version of the header may have more behind the four parts, version 0 has not.
    """
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    match = _FORM.fullmatch(value)
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    is_wrong = version == "ff" or (version == "00" and rest is not None)
    if is_wrong or trace_id == "0" * 32 or span_id == "0" * 16:
        return None
    return Trace(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))
