"""Output of commands: a table or lines for people, the API's data for programs."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TextIO

from kt.cli.client.printable import as_json, line, lines

_GAP = "  "
_CUT = "…"
_LEAST_WIDTH = 8
_NOTHING = "-"
_GREEN, _YELLOW, _RED = "32", "33", "31"
_HUES = {
    **dict.fromkeys(("synced", "in_sync", "confirmed", "active"), _GREEN),
    **dict.fromkeys(
        ("pending", "held", "suspended", "pinned", "rolling_out", "overridden", "stale", "waiting",
         "missing", "unlinked", "expiring"),
        _YELLOW,
    ),
    **dict.fromkeys(
        ("error", "stalled", "quarantined", "conflict", "drifted", "offline", "orphaned",
         "failing"),
        _RED,
    ),
}  # fmt: skip

Value = Callable[[Mapping[str, Any]], Any]


class Column(NamedTuple):
    """A column of a table: its heading, and where a row has the value: a member, or a function.

    Where a table is too wide, those that `yields` are cut first.
    """

    heading: str
    value: str | Value
    yields: bool = False


def add_json(parser: argparse.ArgumentParser) -> None:
    """Declare the option by which the API's data are printed."""
    parser.add_argument("--json", action="store_true", help="print what the API answers, as JSON")


def show_rows(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[Column],
    options: argparse.Namespace,
    *,
    nothing: str,
) -> None:
    """Print rows; `nothing` is said in the place of an empty table."""
    if options.json:
        print(as_json(rows))
    elif rows:
        print("\n".join(table(rows, columns, width=terminal_width(), color=is_colored())))
    else:
        print(nothing)


def show_row(row: Mapping[str, Any], names: Iterable[str], options: argparse.Namespace) -> None:
    """Print one row: a line for each of its members `names` that says something."""
    if options.json:
        print(as_json(row))
        return
    told = [(name, text(row[name])) for name in names if row.get(name) not in (None, "", [], {})]
    width = max((len(name) for name, _ in told), default=0)
    for name, value in told:
        print(f"{name:<{width}}  {painted(value) if is_colored() else value}")


def table(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[Column],
    *,
    width: int | None = None,
    color: bool = False,
) -> list[str]:
    """The lines of an aligned table, none longer than `width` columns where one is given.

    What does not fit is cut: columns that yield before others, the widest first.
    """
    cells = [[column.heading for column in columns]]
    cells += [[text(_value(row, column)) for column in columns] for row in rows]
    widths = [max(map(columns_of, one)) for one in zip(*cells, strict=True)]
    if width is not None:
        room = width - len(_GAP) * (len(widths) - 1)
        yielding = [number for number, column in enumerate(columns) if column.yields]
        for numbers in (yielding, range(len(columns))):
            _shrink(widths, numbers, sum(widths) - room)
    made = []
    for number, row in enumerate(cells):
        fitted = [_padded(cell, room) for cell, room in zip(row, widths, strict=True)]
        if color:
            fitted = [_bold(cell) if number == 0 else painted(cell) for cell in fitted]
        made.append(_GAP.join(fitted).rstrip())
    return made


def text(value: Any) -> str:
    """A value of an answer for people, on one line."""
    if value is None or value == "" or value == [] or value == {}:
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return line(_moment(value))
    if isinstance(value, list) and not any(isinstance(one, dict | list) for one in value):
        return ", ".join(map(text, value))
    if isinstance(value, dict) and not any(isinstance(one, dict | list) for one in value.values()):
        return ", ".join(f"{line(str(key))}={text(one)}" for key, one in value.items())
    return as_json(value, indent=None)


def pairs(counts: Any) -> str:
    """Counts by name as words: `3 synced, 1 quarantined`."""
    if not isinstance(counts, Mapping):
        return text(counts)
    return ", ".join(f"{text(count)} {line(str(name))}" for name, count in counts.items() if count)


def say(message: str) -> None:
    """Say something beside the output, which a program may read."""
    print(lines(message), file=sys.stderr, flush=True)


def painted(cell: str) -> str:
    """A cell in the colour of the state that it names, if it names one."""
    hue = _HUES.get(cell.strip())
    return f"\x1b[{hue}m{cell}\x1b[0m" if hue else cell


def is_colored(stream: TextIO | None = None) -> bool:
    """Whether colours may be printed: on a terminal that has them, unless NO_COLOR is set."""
    environment = os.environ
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    return (stream or sys.stdout).isatty()


def terminal_width() -> int | None:
    """The columns of the terminal; None where the output goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def columns_of(cell: str) -> int:
    """How many columns of a terminal a printable text takes."""
    if cell.isascii():
        return len(cell)
    import unicodedata

    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in cell)
    return len(cell) + wide - sum(unicodedata.combining(char) != 0 for char in cell)


def _value(row: Mapping[str, Any], column: Column) -> Any:
    return row.get(column.value) if isinstance(column.value, str) else column.value(row)


def _moment(value: str) -> str:
    """A time of the API to the second; any other text as it is."""
    if len(value) >= 20 and value[10] == "T" and value[:4].isdigit() and value.endswith("Z"):
        return f"{value[:10]} {value[11:19]}Z"
    return value


def _shrink(widths: list[int], numbers: Sequence[int], surplus: int) -> None:
    """Take `surplus` from the columns of these numbers, the widest first.

    None gets narrower than what can be read.
    """
    while surplus > 0 and numbers:
        widest = max(numbers, key=lambda number: widths[number])
        if widths[widest] <= _LEAST_WIDTH:
            return
        widths[widest] -= 1
        surplus -= 1


def _padded(cell: str, room: int) -> str:
    taken = columns_of(cell)
    if taken <= room:
        return cell + " " * (room - taken)
    while cell and columns_of(cell) > room - 1:
        cell = cell[: -max(1, (columns_of(cell) - room + 1) // 2)]
    return cell + _CUT + " " * (room - 1 - columns_of(cell))


def _bold(cell: str) -> str:
    return f"\x1b[1m{cell}\x1b[0m"
