"""Cursors: where a page ended, for whoever asks for the next one, and for nobody to read.

A position names the last row that was listed, so that rows that come and go move nothing. It is
covered: what it holds may count what a reader does not see. Equal positions give equal cursors.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import orjson

from keeptrusts import sealing
from keeptrusts.api.errors import FieldError

Value = str | int | bool | datetime | UUID | None


@dataclass(frozen=True, slots=True)
class Position:
    """The place of a row in an order: the value that it is sorted by, and its key among equals."""

    value: Value
    key: Value


def written(position: Position, *, order: str) -> str:
    """The cursor of a position in an order of a list, such as `tokens -created_at`."""
    told = orjson.dumps([_told(position.value), _told(position.key)]).decode()
    return sealing.cover(told, row=f"cursor:{order}")


def read(text: str, *, order: str) -> Position:
    """The position of a cursor.

    Raises:
        FieldError: it is none that an answer in this order had.
    """
    try:
        value, key = orjson.loads(sealing.uncover(text, row=f"cursor:{order}"))
    except sealing.SealError as exc:
        raise FieldError(
            "cursor", "must be the next_cursor of an answer to the same list with the same sort"
        ) from exc
    return Position(_meant(value), _meant(key))


def _told(value: Value) -> str | bool | None:
    match value:
        case None | bool():
            return value
        case int():
            return f"i{value:020d}"  # Of one length: a longer cursor would tell of more rows.
        case datetime():
            return f"t{value.astimezone(UTC).isoformat(timespec='microseconds')}"
        case UUID():
            return f"u{value.hex}"
    return f"s{value}"


def _meant(told: str | bool | None) -> Value:
    if told is None or isinstance(told, bool):
        return told
    kind, text = told[0], told[1:]
    match kind:
        case "i":
            return int(text)
        case "t":
            return datetime.fromisoformat(text)
        case "u":
            return UUID(text)
    return text
