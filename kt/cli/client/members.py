"""Members of rows that a server may have made anything of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from kt.cli.errors import CommandError

Row = dict[str, Any]


def block(row: Mapping[str, Any], name: str) -> Row:
    """A member that is an object; an empty one where it is none."""
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def blocks(row: Mapping[str, Any], name: str) -> list[Row]:
    """The objects in a member that is a list; none where it is not."""
    value = row.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def identity(row: Mapping[str, Any]) -> str:
    """The id of a row, as a segment of a path.

    Raises:
        CommandError: it has none.
    """
    value = row.get("id")
    if not isinstance(value, str) or not value:
        raise CommandError("the answer has a row without an id")
    return segment(value)


def segment(value: str) -> str:
    """An id as a segment of a path, whatever is in it.

    Raises:
        CommandError: it is no text; a shell hands on any bytes.
    """
    try:
        return quote(value, safe="")
    except UnicodeEncodeError as exc:
        raise CommandError(f"{value!r} is no id: it is not UTF-8") from exc
