"""A list as a file: the rows that the filters in the URL leave, newest first."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from django.http import HttpResponse
from django.utils import timezone

from console import paging
from console.pages.base import Context, Page, wrong

# A file is made whole in memory, in the time of an answer. The API's own list has no end.
MOST_ROWS = 10_000
_AT_ONCE = 1000
# A cell that begins so is a formula to a spreadsheet, whoever wrote it; an apostrophe before it
# makes it text. Source: OWASP, "CSV Injection".
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


class Export(Page):
    """The file of a list: `?as=csv` for spreadsheets, or `jsonl`, a row of the API in each line.

    `listed` is the list's path and `known` its filters; `columns` are those of the spreadsheet, a
    dot for each level.
    """

    listed = ""
    known: Sequence[str] = ()
    columns: Sequence[str] = ()

    def read(self, **_: Any) -> Context:
        form = self.request.GET.get("as", "csv")
        if form not in _TYPES:
            raise wrong("as", f"must be one of {', '.join(_TYPES)}")
        return {"as": form, "rows": list(self._rows())}

    def shown(self, context: Context, *, status: int = 200) -> HttpResponse:
        """The file."""
        form, rows = context["as"], context["rows"]
        content = _table(self.columns, rows) if form == "csv" else _lines(rows)
        name = f"{self.listed.rpartition('/')[2]}-{timezone.now():%Y-%m-%d-%H%M%S}.{form}"
        response = HttpResponse(content, content_type=_TYPES[form], status=status)
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        query = self.request.GET.copy()
        query.pop("cursor", None)
        for _ in range(MOST_ROWS // _AT_ONCE):
            found = paging.rows(
                self.api, self.listed, query, known=self.known, limit=_AT_ONCE, count="false"
            )
            yield from found.rows
            if not found.next_cursor:
                return
            query["cursor"] = found.next_cursor


def _lines(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(_member(row, name)) for name in columns])
    return text.getvalue().encode("utf-8", "backslashreplace")


def _member(row: Any, name: str) -> Any:
    for level in name.split("."):
        row = row.get(level) if isinstance(row, Mapping) else None
    return row


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return f"'{text}" if text.startswith(_FORMULAS) else text
