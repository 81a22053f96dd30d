"""The pkt-lines of git's wire protocol: four hex digits of length, then the payload.

Source: gitprotocol-common(5).
"""

import re
from collections.abc import Iterator
from enum import Enum

from gitrepos.errors import BadAnswerError

FLUSH = b"0000"
DELIMITER = b"0001"
_HEAD_BYTES = 4
_MAX_BYTES = 65_520
_LENGTH = re.compile(rb"[0-9a-fA-F]{4}")


class Mark(Enum):
    """A packet without a payload."""

    FLUSH = FLUSH
    DELIMITER = DELIMITER


_MARKS = tuple(Mark)  # By the number in place of a length.


def frame(payload: str) -> bytes:
    """A packet with `payload`, which ends with a line feed where the command needs one."""
    raw = payload.encode()
    return b"%04x%s" % (len(raw) + _HEAD_BYTES, raw)


def malformed(what: str) -> BadAnswerError:
    """The error for a malformed answer; `what` ends its sentence."""
    return BadAnswerError(f"The server's answer does not follow git's protocol: {what}.")


class Cutter:
    """A splitter of a stream into packets, which keeps one unfinished packet at most."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def is_between(self) -> bool:
        """True when no packet is unfinished, so that the stream may end."""
        return not self._rest

    def feed(self, chunk: bytes) -> Iterator[bytes | Mark]:
        """The payload of each packet that `chunk` completes.

        Raises:
            BadAnswerError: a length is malformed, or of a packet that no server sends over http.
        """
        buffer, at = self._rest + chunk, 0
        self._rest = b""
        while at + _HEAD_BYTES <= len(buffer):
            size = _size(buffer[at : at + _HEAD_BYTES])
            end = at + max(size, _HEAD_BYTES)
            if end > len(buffer):
                break
            yield buffer[at + _HEAD_BYTES : end] if size >= _HEAD_BYTES else _MARKS[size]
            at = end
        self._rest = buffer[at:]


def _size(head: bytes) -> int:
    if not _LENGTH.fullmatch(head):
        raise malformed("it is not in packets")
    size = int(head, 16)
    if len(_MARKS) <= size < _HEAD_BYTES or size > _MAX_BYTES:
        raise malformed("a packet has no such length")
    return size
