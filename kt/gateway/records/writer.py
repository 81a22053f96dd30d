"""Writing in the background: a bounded queue, and a thread that empties it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from typing import Any

_MOST_WAITING = 20_000
_PAUSE_SECONDS = 0.05


class Writer(ABC):
    """A background writer: a slow disk delays no request. `dropped` counts lost entries.

    With `last_seconds` the end waits no longer for what is left, as a reader may stand still.
    """

    def __init__(self, name: str, *, last_seconds: float | None = None) -> None:
        self._name = name
        self._last_seconds = last_seconds
        self._waiting: deque[dict[str, Any]] = deque()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def start(self) -> None:
        """Begin to write. Called in each process after its fork."""
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def write(self, entry: dict[str, Any]) -> None:
        """Add an entry to the queue; never waits."""
        if len(self._waiting) >= _MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append(entry)

    def close(self) -> None:
        """Write what is waiting and end."""
        if self._thread is not None:
            self._ending.set()
            self._thread.join(self._last_seconds)

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._ending.wait(_PAUSE_SECONDS)
            entries = []
            while self._waiting:
                entries.append(self._waiting.popleft())
            self._put(entries)

    @abstractmethod
    def _put(self, entries: list[dict[str, Any]]) -> None:
        """Write entries, oldest first, or none when no new one came. Must not raise."""
