"""Standard output of the supervisor: what its parts print, which waits for no reader."""

import contextlib
import json
import os
import queue
import sys
import threading
from typing import TextIO

# Some seconds of a busy log, in memory.
_MOST_LINES = 10_000
_LAST_SECONDS = 2.0
_OWN = "parent"


class Output:
    """Lines, written by a thread in their order.

    A terminal that is held (Ctrl-S), or a pager that is not read on, must not stop the parts, whose
    own output would wait. What does not fit is left out, and how much is told once it can be.
    With `as_json` each line is an object.
    """

    as_json = False

    def __init__(self, *, most: int = _MOST_LINES) -> None:
        self._waiting: queue.Queue[bytes] = queue.Queue(most)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._left_out = 0

    def say(self, line: str) -> None:
        """Have a line of the parent's own written; never waits."""
        self.put(of_part(_OWN, line.encode()) if self.as_json else f"{line}\n".encode())

    def relay(self, part: str, line: bytes) -> None:
        """Have a line that a part printed written, with the part's name; never waits."""
        self.put(of_part(part, line) if self.as_json else f"{part:<6} | ".encode() + line)

    def put(self, line: bytes) -> None:
        """Have a line written as it is; never waits."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, args=(sys.stdout,), name="output", daemon=True
                )
                self._thread.start()
            left_out = b"%d lines were left out\n" % self._left_out
            told = of_part(_OWN, left_out) if self.as_json else left_out
            if self._left_out and self._fits(told):
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


def of_part(part: str, line: bytes) -> bytes:
    """A line that a part printed, as a JSON object with the part's name.

    What is no object, as the interpreter's own words, is the `event` of one.
    """
    text = line.decode("utf-8", "replace").rstrip("\n")
    try:
        found = json.loads(text) if text.startswith("{") else None
    except ValueError:
        found = None
    fields = found if isinstance(found, dict) else {"event": text}
    return json.dumps({**fields, "part": part}, ensure_ascii=False).encode() + b"\n"


output = Output()
