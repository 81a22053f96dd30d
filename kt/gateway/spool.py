"""Decisions on their way to a control plane: lines of JSON in segments on disk.

Each process writes segments of its own and holds a lock on the one it writes, which tells
whoever sends them that more may come. A thread writes what collects in a bounded queue; what
does not fit, or cannot be written, is counted in a line `{"dropped": n}` once that is possible.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
import uuid
from collections import deque
from typing import Any

SUFFIX = ".jsonl"
MAX_LINE_BYTES = 16 << 10
_MOST_WAITING = 20_000
_PAUSE_SECONDS = 0.05
_MOST_MODEL = 200


class Spool:
    """`segment_bytes` is the size past which a new segment is begun.

    `dropped` is what was lost and could not be told yet.
    """

    def __init__(self, folder: str, *, segment_bytes: int) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._waiting: deque[dict[str, Any]] = deque()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._descriptor = -1
        self._size = 0
        self.dropped = 0

    def start(self) -> None:
        """Begin to write. In each process after its fork."""
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
        self._thread.start()

    def write(self, entry: dict[str, Any]) -> None:
        """Take a decision; never waits."""
        if len(self._waiting) >= _MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append(entry)

    def close(self) -> None:
        """Write what is waiting, and let go of the segment."""
        if self._thread is not None:
            self._ending.set()
            self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._ending.wait(_PAUSE_SECONDS)
            self._flush()
        self._leave()

    def _flush(self) -> None:
        lines = []
        while self._waiting:
            lines.append(_line(self._waiting.popleft()))
        fitting = [line for line in lines if len(line) <= MAX_LINE_BYTES]
        self.dropped += len(lines) - len(fitting)
        dropped = self.dropped
        if dropped:
            fitting.append(json.dumps({"dropped": dropped}).encode() + b"\n")
        if not fitting:
            return
        try:
            self._put(b"".join(fitting))
        except OSError:
            # Counted, and told when the disk takes a line again.
            self.dropped += len(fitting) - bool(dropped)
        else:
            self.dropped -= dropped

    def _put(self, data: bytes) -> None:
        if self._descriptor < 0 or self._size >= self._segment_bytes:
            self._leave()
            self._begin()
        try:
            written = os.write(self._descriptor, data)
        except OSError:
            self._leave()
            raise
        if written < len(data):
            # Half a line ends the segment; whoever reads it sees that it is none.
            self._leave()
            raise OSError("the disk took a part only")
        self._size += written

    def _begin(self) -> None:
        """Open a segment, which has its name only once it is locked."""
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


def _line(entry: dict[str, Any]) -> bytes:
    """A decision with an id of its own: a request's may be its client's, and come twice."""
    told = {
        **entry,
        "id": uuid.uuid4().hex,
        "request_id": entry["id"],
        "model": entry["model"][:_MOST_MODEL],
    }
    # A lone surrogate, which JSON lets a client write, is no text that anybody would take.
    line = json.dumps(told, separators=(",", ":"), ensure_ascii=False)
    return line.encode("utf-8", "replace") + b"\n"
