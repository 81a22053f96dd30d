"""Server-sent events: from bytes to whole events and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kt.gateway.errors import UpstreamError, encode

# Two line ends, each atomic: CRLF is one line end, not two.
_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE = re.compile(rb"\r\n|\n|\r")
_WITH_END = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|$)")
_LONGEST_END = 4
_MARK = b"\xef\xbb\xbf"
_DATA = b"data:"
_NAMES = (b"event", b"id", b"retry")
# Line ends of an event of one line.
_DATA_ALONE = 2
DONE = b"[DONE]"


class Splitter:
    """Splits bytes into whole events, each of at most `limit` bytes.

    `strict`: nobody has said that the bytes are events, so each line must be one of an event.
    """

    def __init__(self, limit: int, *, strict: bool = False) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._limit = limit
        self._strict = strict

    def feed(self, data: bytes) -> list[bytes]:
        """The events that these bytes complete, each with all its bytes.

        Raises:
            UpstreamError: an event is past the limit, or the bytes are no events.
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
        return self._checked(events)

    def rest(self) -> list[bytes]:
        """The bytes after the last whole event, at the end of the stream."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return self._checked([rest] if rest else [])

    def _checked(self, events: list[bytes]) -> list[bytes]:
        if self._strict and not all(map(is_event, events)):
            message = "The target's answer is neither JSON nor a stream of events."
            raise UpstreamError(message, trigger="", code="unreadable_answer")
        return events


def field(event: bytes, name: bytes) -> bytes | None:
    """The value of a field, of `data` over all its lines; None when there is none."""
    if _is_data_alone(event):
        # What nearly all events are.
        return event[len(_DATA) : -_DATA_ALONE].removeprefix(b" ") if name == b"data" else None
    values = [value for key, value in _fields(event) if key == name]
    return b"\n".join(values) if values else None


def beside_data(event: bytes) -> list[str]:
    """All that an event's other lines say: its name and id, comments, and what is no field."""
    if _is_data_alone(event):
        return []
    return [
        (value if key in _NAMES or not key else key + b":" + value).decode("utf-8", "replace")
        for key, value in _fields(event)
        if key != b"data" and value + key
    ]


def is_event(event: bytes) -> bool:
    """True when each line is one that a stream of events may hold."""
    return all(key in (b"data", b"", *_NAMES) for key, _ in _fields(event))


def without_others(event: bytes) -> bytes:
    """An event with no lines but its data."""
    data = field(event, b"data")
    lines = data.split(b"\n") if data is not None else ()
    return b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"


def render(original: bytes, body: dict[str, Any]) -> bytes:
    """An event like `original` with another body: the lines that are not data stay as they are."""
    pieces = []
    written = False
    for line in _WITH_END.findall(original):
        if not line.removeprefix(_MARK).startswith((b"data:", b"data\n", b"data\r")):
            pieces.append(line)
        elif not written:
            end = _LINE.search(line)
            pieces.append(b"data: " + encode(body) + (end.group() if end else b"\n"))
            written = True
    return b"".join(pieces)


def _is_data_alone(event: bytes) -> bool:
    """True for an event of one line, which is its data."""
    ends = event.endswith(b"\n\n") and event.count(b"\n") == _DATA_ALONE
    return ends and event.startswith(_DATA) and b"\r" not in event


def _fields(event: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The lines of an event, each with what stands before its colon and after it."""
    for line in _LINE.split(event.removeprefix(_MARK)):
        key, colon, value = line.partition(b":")
        if key or colon:
            yield key, value.removeprefix(b" ") if colon else b""
