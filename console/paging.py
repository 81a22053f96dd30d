"""Lists on pages: what the URL asks of the API's list, and the links to other orders and pages."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from console.inside import API

_ROWS = 50
# Times that are filled in have no zone, and are of UTC.
_MOMENTS = ("since", "until")


def _has_no_zone(text: str) -> bool:
    return re.fullmatch(r"[0-9-]+T[0-9:.]+", text) is not None


@dataclass(frozen=True, slots=True)
class Rows:
    """A page of a list. `asked` is what the URL asks for, by parameter.

    `summary` counts the whole list by state, where it does.
    """

    rows: Sequence[Mapping[str, Any]]
    asked: Mapping[str, str]
    next_cursor: str
    count: int | None
    summary: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_first(self) -> bool:
        """Whether it is the first page."""
        return "cursor" not in self.asked


def rows(
    api: API, path: str, query: QueryDict, *, known: Sequence[str], limit: int = _ROWS,
    **fixed: str,
) -> Rows:  # fmt: skip
    """A page of a list of the API, by the parameters of the URL that the page knows.

    Raises:
        RefusedError: the API refused, as it does a parameter that is not of its form.
    """
    asked = {
        name: query.get(name, "") for name in (*known, "sort", "cursor", "q") if query.get(name)
    }
    moments = {name: f"{asked[name]}Z" for name in _MOMENTS if _has_no_zone(asked.get(name, ""))}
    given: dict[str, Any] = {"limit": limit, "count": "true", **fixed, **asked, **moments}
    body = api.answer(path, **given).body
    following = body.get("next_cursor") or ""
    return Rows(body["data"], asked, following, body.get("count"), body.get("summary", {}))
