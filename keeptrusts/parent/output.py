"""Standard output of the supervisor: what its parts print, which waits for no reader."""

import contextlib
import os
import queue
import sys
import threading
from typing import TextIO

# Some seconds of a busy log, in memory.
_MOST_LINES = 10_000
_LAST_SECONDS = 2.0


class Output:
    """Lines, written by a thread in their order.

    A terminal that is held (Ctrl-S), or a pager that is not read on, must not stop the parts, whose
    own output would wait. What does not fit is left out, and how much is told once it can be.
    """

    def __init__(self, *, most: int = _MOST_LINES) -> None:
        self._waiting: queue.Queue[bytes] = queue.Queue(most)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._left_out = 0

    def put(self, line: bytes) -> None:
        """Have a line written; never waits."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, args=(sys.stdout,), name="output", daemon=True
                )
                self._thread.start()
            if self._left_out and self._fits(b"%d lines were left out\n" % self._left_out):
                self._left_out = 0
            self._left_out += not self._fits(line)

    def finish(self) -> None:
        """Wait until all is written, for two seconds at most."""
        done = threading.Event()
        threading.Thread(target=self._join, args=(done,), daemon=True).start()
        done.wait(_LAST_SECONDS)

    def _join(self, done: threading.Event) -> None:
        self._waiting.join()
        done.set()

    def _fits(self, line: bytes) -> bool:
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            return False
        return True

    def _run(self, stdout: TextIO) -> None:
        while True:
            line = self._waiting.get()
            # A full disk, or a reader that is gone: no reason to end what still works, and nowhere
            # left to say so. Not by the stream, whose lock would hold up the interpreter's end.
            with contextlib.suppress(OSError, ValueError):  # Or it is closed.
                while line:
                    line = line[os.write(stdout.fileno(), line) :]
            self._waiting.task_done()


output = Output()
