"""Decisions on their way to a control plane: lines of JSON in segments on disk.

Each process writes its own segments and locks the one it writes, so that the sender knows that
more may come. Decisions that do not fit, or cannot be written, are counted in a line
`{"dropped": n}` as soon as one can be written.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from kt.gateway.records.writer import Writer

SUFFIX = ".jsonl"
MAX_LINE_BYTES = 16 << 10
_MOST_MODEL = 200


class Spool(Writer):
    """The writing end of the spool.

    `segment_bytes` is the size past which a new segment begins. `dropped` counts losses that no
    line says yet.
    """

    def __init__(self, folder: str, *, segment_bytes: int) -> None:
        super().__init__("spool")
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._descriptor = -1
        self._size = 0

    def close(self) -> None:
        """Write what is waiting, and unlock the segment."""
        super().close()
        self._leave()

    def _put(self, entries: list[dict[str, Any]]) -> None:
        lines = [_line(entry) for entry in entries]
        fitting = [line for line in lines if len(line) <= MAX_LINE_BYTES]
        self.dropped += len(lines) - len(fitting)
        dropped = self.dropped
        if dropped:
            fitting.append(json.dumps({"dropped": dropped}).encode() + b"\n")
        written = 0
        try:
            for piece in _pieces(fitting, self._segment_bytes):
                self._append(b"".join(piece))
                written += len(piece)
        except OSError:
            # Counted, and written when the disk takes a line again.
            self.dropped += len(fitting) - written - bool(dropped)
        else:
            self.dropped -= dropped

    def _append(self, data: bytes) -> None:
        if self._descriptor < 0:
            self._begin()
        try:
            written = os.write(self._descriptor, data)
        except OSError:
            self._leave()
            raise
        if written < len(data):
            # The segment ends with half a line, which its reader recognizes.
            self._leave()
            raise OSError("the disk took only a part")
        self._size += written
        if self._size >= self._segment_bytes:
            # At once: nobody can drop a segment that is being written.
            self._leave()

    def _begin(self) -> None:
        """Open a segment; it gets its final name when it is locked."""
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}{SUFFIX}"
        path = os.path.join(self._folder, name)
        self._descriptor = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = 0
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        os.rename(f"{path}.new", path)

    def _leave(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _pieces(lines: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    """Lines in pieces that end with the line that makes them `size` bytes long, or longer."""
    piece: list[bytes] = []
    length = 0
    for line in lines:
        piece.append(line)
        length += len(line)
        if length >= size:
            yield piece
            piece, length = [], 0
    if piece:
        yield piece


def _line(entry: dict[str, Any]) -> bytes:
    """A decision as a line."""
    fields = {**entry, "model": entry["model"][:_MOST_MODEL]}
    # A lone surrogate, which a client may write in JSON, would be refused.
    line = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
    return line.encode("utf-8", "replace") + b"\n"
