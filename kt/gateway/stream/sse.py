"""Server-sent events: from bytes to whole events and back."""

from __future__ import annotations

import re
from typing import Any

from kt.gateway.errors import UpstreamError, encode

# Two line ends, each atomic: CRLF is one line end, not two.
_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE = re.compile(rb"\r\n|\n|\r")
_LONGEST_END = 4
DONE = b"[DONE]"


class Splitter:
    """Splits bytes into whole events, each of at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._limit = limit

    def feed(self, data: bytes) -> list[bytes]:
        """The events that these bytes complete, each with all its bytes.

        Raises:
            UpstreamError: an event is past the limit.
        """
        self._buffer += data
        events = []
        at = 0
        for end in _END.finditer(self._buffer, self._searched):
            events.append(bytes(self._buffer[at : end.end()]))
            at = end.end()
        del self._buffer[:at]
        self._searched = max(0, len(self._buffer) - _LONGEST_END + 1)
        if len(self._buffer) > self._limit:
            message = f"An event is larger than {self._limit} bytes."
            raise UpstreamError(message, trigger="", code="response_too_large")
        return events

    def rest(self) -> list[bytes]:
        """The bytes after the last whole event, at the end of the stream."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return [rest] if rest.strip() else []


def field(event: bytes, name: bytes) -> bytes | None:
    """The value of a field, of `data` over all its lines; None when there is none."""
    values = []
    for line in _LINE.split(event.removeprefix(b"\xef\xbb\xbf")):
        key, colon, value = line.partition(b":")
        if key == name:
            values.append(value.removeprefix(b" ") if colon else b"")
    return b"\n".join(values) if values else None


def render(original: bytes, body: dict[str, Any]) -> bytes:
    """An event like `original` with another body."""
    name = field(original, b"event")
    head = b"event: " + name + b"\n" if name else b""
    return head + b"data: " + encode(body) + b"\n\n"
