"""The log on standard error, which delays no request, however slowly somebody reads it."""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
import time

_MOST_WAITING = 10_000
# What is left at the end, for a reader that stands still.
_LAST_SECONDS = 3.0
_LOOK_SECONDS = 0.01


class LogLines(logging.Handler):
    """Writes lines in a thread. Those that do not fit are counted, and told of when others do."""

    def __init__(self, *, most: int = _MOST_WAITING) -> None:
        super().__init__()
        self._most = most
        self._begin()

    def _begin(self) -> None:
        self._owner = os.getpid()
        self._waiting: queue.Queue[str] = queue.Queue(self._most)
        self._thread: threading.Thread | None = None
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Add a record to the queue; never waits."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001  As every handler of `logging`: a line ends no program.
            self.handleError(record)
            return
        if self._owner != os.getpid():
            self._begin()  # A fork has no thread of its parent's, who writes what waited.
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log", daemon=True)
            self._thread.start()
        if self._lost and self._put(f"kt: {self._lost} lines of this log are lost"):
            self._lost = 0
        self._lost += not self._put(line)

    def flush(self) -> None:
        """Wait until all is written, for a few seconds at most."""
        until = time.monotonic() + _LAST_SECONDS
        while self._is_at_work and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)

    @property
    def _is_at_work(self) -> bool:
        return self._owner == os.getpid() and self._waiting.unfinished_tasks > 0

    def _put(self, line: str) -> bool:
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        waiting = self._waiting
        while True:
            data = f"{waiting.get()}\n".encode("utf-8", "backslashreplace")
            try:
                # Not by the stream, whose lock would hold up the interpreter's end.
                while sys.__stderr__ is not None and data:
                    data = data[os.write(sys.__stderr__.fileno(), data) :]
            except OSError:
                # Its reader went away, and there is nobody else to tell.
                self._lost += 1
            waiting.task_done()
