"""The decision log: a line of JSON for each request, written beside the requests' path.

A thread writes what collects in a bounded queue, so a slow disk or reader delays no request.
What does not fit is dropped and counted.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections import deque
from typing import Any

_MOST_WAITING = 20_000
_PAUSE_SECONDS = 0.05
_KEPT_FILES = 5


class Journal:
    """`path` is "-" for stdout, "" for nowhere, else a file that rotates at `max_bytes`."""

    def __init__(self, path: str, *, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._waiting: deque[dict[str, Any]] = deque()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def start(self) -> None:
        """Begin to write. In each process after its fork."""
        if self._path:
            self._thread = threading.Thread(target=self._run, name="decision-log", daemon=True)
            self._thread.start()

    def write(self, entry: dict[str, Any]) -> None:
        """Take a line; never waits."""
        if not self._path:
            return
        if len(self._waiting) >= _MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append(entry)

    def close(self) -> None:
        """Write what is waiting and end."""
        if self._thread is not None:
            self._ending.set()
            self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._ending.wait(_PAUSE_SECONDS)
            lines = []
            while self._waiting:
                lines.append(json.dumps(self._waiting.popleft(), separators=(",", ":")))
            if lines:
                self._put("\n".join([*lines, ""]), len(lines))

    def _put(self, text: str, count: int) -> None:
        try:
            if self._path == "-":
                sys.stdout.write(text)
                sys.stdout.flush()
            else:
                _append(self._path, text.encode(), self._max_bytes)
        except OSError:
            # A full disk or a reader that went away must not stop what is being protected.
            self.dropped += count


def _append(path: str, data: bytes, max_bytes: int) -> None:
    if os.path.exists(path) and os.path.getsize(path) + len(data) > max_bytes:
        for number in range(_KEPT_FILES - 1, 0, -1):
            older = f"{path}.{number}"
            if os.path.exists(older):
                os.replace(older, f"{path}.{number + 1}")
        os.replace(path, f"{path}.1")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    with open(descriptor, "ab") as file:
        file.write(data)
