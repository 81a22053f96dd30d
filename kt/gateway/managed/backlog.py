"""The reading end of the spool: decisions that wait, are acknowledged, or are dropped.

Used by one process, and never by two threads at once.
"""

from __future__ import annotations

import fcntl
import json
import os
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, TypeGuard

from kt.gateway.managed import files
from kt.gateway.records.spool import SUFFIX

MOST_EVENTS = 500
_CURSOR = "cursor"
_READ_BYTES = 256 << 10
_MOST_CURSOR_BYTES = 1 << 20
_MOST_COUNT = 1 << 53


@dataclass(frozen=True, slots=True)
class Batch:
    """Decisions of one segment, up to the byte `end`.

    `lost` counts the losses that these lines say, `dropped` those before. `is_last`: there is no
    more to read in the newest segment.
    """

    segment: str
    end: int
    events: tuple[dict[str, Any], ...]
    lost: int
    dropped: int
    is_last: bool


class Backlog:
    """The backlog. `dropped` counts losses since the last acknowledged batch."""

    def __init__(self, folder: str, *, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._at, self.dropped = self._load()
        self._read_last = ""

    def batch(self) -> Batch | None:
        """The next batch of waiting decisions, at most 500; None when none wait.

        Segments take turns, oldest first, so that a busy process does not hold up the others.
        """
        names = self._segments()
        turn = bisect_right(names, self._read_last)
        for name in (*names[turn:], *names[:turn]):
            if batch := self._read(name, is_newest=name == names[-1]):
                self._read_last = name
                return batch
            self._remove_done(name)
        return Batch("", 0, (), 0, self.dropped, is_last=True) if self.dropped else None

    def acknowledge(self, batch: Batch) -> None:
        """Go on after a batch.

        If its segment was dropped while it was sent, its decisions are no longer counted as lost.
        """
        self.dropped -= batch.dropped
        self._pass(batch)

    def give_up(self, batch: Batch) -> None:
        """Go on after a batch that the control plane refuses for good; its decisions are lost."""
        self.dropped += batch.lost + len(batch.events)
        self._pass(batch)

    def trim(self) -> int:
        """Drop the oldest segments past the bound, and count their decisions; the bytes left."""
        sizes = {name: os.path.getsize(self._path(name)) for name in self._segments()}
        total = sum(sizes.values())
        for name, size in sizes.items():
            if total <= self._max_bytes:
                break
            if not self._is_being_written(name):
                self.dropped += self._waiting(name)
                self._remove(name)
                total -= size
        return total

    def _pass(self, batch: Batch) -> None:
        if batch.segment in self._segments():
            self._at[batch.segment] = batch.end
        elif batch.segment:
            self.dropped -= batch.lost + len(batch.events)
        self._save()

    def _segments(self) -> list[str]:
        with os.scandir(self._folder) as found:
            # Somebody's folder of such a name is no segment.
            return sorted(one.name for one in found if one.name.endswith(SUFFIX) and one.is_file())

    def _read(self, name: str, *, is_newest: bool) -> Batch | None:
        start = self._at.get(name, 0)
        with open(self._path(name), "rb") as file:
            file.seek(start)
            data = file.read(_READ_BYTES)
        whole = data[: data.rfind(b"\n") + 1].split(b"\n")[:-1][:MOST_EVENTS]
        if not whole:
            return None
        read = [_parsed(line) for line in whole]
        events = tuple(one for one in read if "id" in one)
        lost = sum(_lost(one) for one in read)
        end = start + sum(len(line) + 1 for line in whole)
        is_last = is_newest and len(whole) < MOST_EVENTS and len(data) < _READ_BYTES
        return Batch(name, end, events, lost, self.dropped, is_last)

    def _waiting(self, name: str) -> int:
        """The number of unacknowledged decisions of a segment, with those that it says are lost."""
        with open(self._path(name), "rb") as file:
            file.seek(self._at.get(name, 0))
            read = [_parsed(line) for line in file]
        return sum(1 if "id" in one else _lost(one) for one in read)

    def _remove_done(self, name: str) -> None:
        """Remove a segment that was read to its end, unless it is still being written."""
        if not self._is_being_written(name):
            # Half a line may be left: its process was killed while it wrote.
            self.dropped += self._waiting(name)
            self._remove(name)

    def _is_being_written(self, name: str) -> bool:
        descriptor = os.open(self._path(name), os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _remove(self, name: str) -> None:
        os.unlink(self._path(name))
        self._at.pop(name, None)
        self._save()

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def _load(self) -> tuple[dict[str, int], int]:
        """The stored position; the start without one, since the control plane skips known ids."""
        cursor = _parsed(files.read(self._path(_CURSOR), _MOST_CURSOR_BYTES) or b"{}")
        at = cursor.get("at")
        if not isinstance(at, dict):
            return {}, 0
        return {name: end for name, end in at.items() if _is_count(end)}, _count(cursor, 0)

    def _save(self) -> None:
        text = json.dumps({"at": self._at, "dropped": self.dropped})
        files.replace(self._path(_CURSOR), text.encode(), durable=False)


def _parsed(line: bytes) -> dict[str, Any]:
    """A line of a segment; a broken one counts as one lost decision."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        fields = None
    return fields if isinstance(fields, dict) else {"dropped": 1}


def _lost(line: dict[str, Any]) -> int:
    """The number of lost decisions that a line says; 0 for a decision."""
    return 0 if "id" in line else _count(line, 1)


def _count(fields: dict[str, Any], default: int) -> int:
    dropped = fields.get("dropped")
    return dropped if _is_count(dropped) else default


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < _MOST_COUNT
