"""Cursors for whoever sees only some rows of a log: they tell no row's number, which counts all.

A cursor is the time of the last row that was listed, and how many of that time were, so that what
is not seen moves no cursor. Pure.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

from keeptrusts.api.errors import FieldError

_Row = TypeVar("_Row")

_MOMENT = "%Y%m%dT%H%M%S.%f"
_CURSOR = re.compile(r"([0-9]{8}T[0-9]{6}\.[0-9]{6})-([0-9]{1,9})")


class Walk:
    """A walk over the rows that are seen, the newest first, from where the page before ended.

    `begun` is the time of its last row, None for the first page, which has no cursor.

    Raises:
        FieldError: the cursor is none that an answer had.
    """

    def __init__(self, cursor: str | None) -> None:
        self.begun: datetime | None = None
        self._listed = 0
        if cursor is not None:
            self.begun, self._listed = _read(cursor)
        self._at: datetime | None = None
        self._number = 0

    def is_new(self, at: datetime) -> bool:
        """Whether the next row, which is of this time, was on no page before."""
        if at != self._at:
            self._at, self._number = at, 0
        self._number += 1
        return at != self.begun or self._number > self._listed

    @property
    def cursor(self) -> str:
        """The cursor of what follows the last row."""
        assert self._at is not None
        return f"{self._at.astimezone(UTC):{_MOMENT}}-{self._number}"


def page(
    rows: Iterable[_Row], walk: Walk, *, moment: Callable[[_Row], datetime], limit: int
) -> tuple[list[_Row], str | None]:
    """The next rows, `limit` at most, and the cursor of those behind them; None at the end.

    `rows` are all that are seen, from `walk.begun` on, which is included.
    """
    found: list[_Row] = []
    cursor = None
    for row in rows:
        if walk.is_new(moment(row)):
            if len(found) == limit:
                return found, cursor
            found.append(row)
            cursor = walk.cursor
    return found, None


def _read(text: str) -> tuple[datetime, int]:
    try:
        match = _CURSOR.fullmatch(text)
        if match is not None:
            return datetime.strptime(match[1], _MOMENT).replace(tzinfo=UTC), int(match[2])
    except ValueError:
        pass  # Well formed, and no time: the 31st of February.
    raise FieldError("cursor", "must be the next_cursor of an answer")
