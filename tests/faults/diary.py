"""What went on when: faults, kills, and what somebody met during them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass
class _Entry:
    """Something that lasted, by the monotonic clock; until now without an end."""

    what: str
    began_at: float
    ended_at: float = float("inf")


class Diary:
    """Entries by the seconds since its first page."""

    def __init__(self) -> None:
        self._opened_at = time.monotonic()
        self._entries: list[_Entry] = []

    @contextmanager
    def lasting(self, what: str) -> Iterator[None]:
        """Note what lasts for the block, its beginning and end included."""
        entry = _Entry(what, time.monotonic())
        self._entries.append(entry)
        try:
            yield
        finally:
            entry.ended_at = time.monotonic()

    def note(self, what: str) -> None:
        """Note what happens now."""
        now = time.monotonic()
        self._entries.append(_Entry(what, now, now))

    def told(self, what: str, began_at: float) -> str:
        """Something that began then and ends now, with all that was noted of that time."""
        now = time.monotonic()
        entries = [
            f"{one.what} ({self._second(one.began_at)}-{self._second(one.ended_at)})"
            for one in tuple(self._entries)
            if one.began_at <= now and one.ended_at >= began_at
        ]
        times = f"{self._second(began_at)}-{self._second(now)}"
        return f"{times}: {what}; meanwhile {', '.join(entries) or 'nothing'}"

    def _second(self, at: float) -> str:
        return "" if at == float("inf") else f"{at - self._opened_at:.1f}"


def state(pid: int) -> str:
    """What the kernel says a process does: its state, its load, and what its threads wait for."""
    with suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        tasks = sorted(Path(f"/proc/{pid}/task").iterdir())
        waits = ", ".join((one / "wchan").read_text() or "-" for one in tasks)
        load = Path("/proc/loadavg").read_text().split()[0]
        return f"process {stat[0]}, threads wait for {waits}, load {load}"
    return "no such process"
