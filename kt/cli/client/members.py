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
    return quote(value, safe="")
