"""The past that is told, from the tables that have it: one reader for all listeners."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from events.models import AuditEntry, Event
from gateways.feed.tails import LostError, Row, Table, Tail
from gitrepos.models import SyncRun
from keeptrusts import counters

_AUDITED = Table(AuditEntry, "at", ("action", "target", "after__request"))
_EVENTS = Table(
    Event, "created_at", ("id", "kind", "git_repo", "configuration", "message", "details")
)
# Those of a link go with it.
_RUNS = Table(SyncRun, "started_at", ("link_id",), is_kept=False)
_MARKS = re.compile(r"([0-9a-f]{16})?-([0-9a-f]{16})?-([0-9a-f]{16})?")


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of the three tables that are told together, and where a listener stands after them.

    `counts` are the change counters, read after the rows. `is_reset`: what came before cannot be
    told, and there are no rows.
    """

    position: str
    counts: Mapping[str, int] = field(default_factory=dict)
    audited: Sequence[Row] = ()
    events: Sequence[Row] = ()
    runs: Sequence[Row] = ()
    is_reset: bool = False

    def __bool__(self) -> bool:
        return bool(self.audited or self.events or self.runs or self.is_reset)


class Past:
    """The ends of the three tables. Used by one thread."""

    def __init__(self) -> None:
        self._tails = [Tail(table) for table in (_AUDITED, _EVENTS, _RUNS)]
        self._counts: Mapping[str, int] = {}
        self._is_begun = False

    def read(self) -> Batch:
        """What is new.

        Raises:
            Error: the database could not be read.
        """
        if not self._is_begun:
            return self._begin()
        try:
            rows = [tail.read() for tail in self._tails]
        except LostError:
            return self._begin()
        counts, is_past = counters.read_after(self._counts)
        if not is_past:
            return self._begin()
        self._counts = counts
        return self._batch(rows)

    def since(self, position: str) -> Batch:
        """What came after a position, of what was read; a reset if nobody here knows it."""
        marks = _MARKS.fullmatch(position)
        if marks is not None and self._is_begun:
            try:
                rows = [
                    tail.since(mark or "")
                    for tail, mark in zip(self._tails, marks.groups(), strict=True)
                ]
                return self._batch(rows)
            except LostError:
                pass  # It is too old, or of another database.
        return Batch(self._position(), self._counts, is_reset=True)

    def now(self) -> Batch:
        """Nothing, and the position of now."""
        return Batch(self._position(), self._counts)

    def _begin(self) -> Batch:
        self._is_begun = False
        for tail in self._tails:
            tail.begin()
        self._counts, self._is_begun = counters.read(), True
        return Batch(self._position(), self._counts, is_reset=True)

    def _batch(self, rows: Sequence[Sequence[Row]]) -> Batch:
        audited, events, runs = rows
        return Batch(self._position(), self._counts, audited, events, runs)

    def _position(self) -> str:
        return "-".join(tail.mark for tail in self._tails)
