"""The decision log: a line of JSON for each request. Lost lines are counted."""

from __future__ import annotations

import json
import os
import stat
import sys
from contextlib import suppress
from typing import Any

import msgspec

from kt.gateway.records.writer import Writer

_KEPT_FILES = 5
# What is left at the end, for a reader of stdout that stands still.
_LAST_SECONDS = 3.0


class Journal(Writer):
    """The writer of the decision log.

    `path` is "-" for stdout, "" for nowhere, else a file that rotates at `max_bytes`.
    """

    def __init__(self, path: str, *, max_bytes: int) -> None:
        super().__init__("decision-log", last_seconds=_LAST_SECONDS if path == "-" else None)
        self._path = path
        self._max_bytes = max_bytes

    def start(self) -> None:
        if self._path:
            super().start()

    def write(self, entry: dict[str, Any]) -> None:
        if self._path:
            super().write(entry)

    def _put(self, entries: list[dict[str, Any]]) -> None:
        if not entries:
            return
        text = "".join(map(_line, entries))
        try:
            if self._path == "-":
                _print(text.encode())
            else:
                _append(self._path, text.encode(), self._max_bytes)
        except OSError:
            # A full disk or a reader that went away must not stop the gateway.
            self.dropped += len(entries)


def _print(data: bytes) -> None:
    # Not by the stream: whoever waits for its reader holds its lock, and so the interpreter's end.
    while sys.__stdout__ is not None and data:
        data = data[os.write(sys.__stdout__.fileno(), data) :]


def _line(entry: dict[str, Any]) -> str:
    """An entry in ASCII, which any locale can print; nearly all are, and msgspec is quick."""
    with suppress(UnicodeEncodeError):
        data = msgspec.json.encode(entry)
        if data.isascii():
            return f"{data.decode()}\n"
    return json.dumps(entry, separators=(",", ":")) + "\n"


def _append(path: str, data: bytes, max_bytes: int) -> None:
    mode = 0
    if os.path.exists(path) and os.path.getsize(path) + len(data) > max_bytes:
        # Who may read the log may read the next file of it as well.
        mode = stat.S_IMODE(os.stat(path).st_mode)
        for number in range(_KEPT_FILES - 1, 0, -1):
            older = f"{path}.{number}"
            if os.path.exists(older):
                os.replace(older, f"{path}.{number + 1}")
        os.replace(path, f"{path}.1")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with open(descriptor, "ab") as file:
        if mode:
            os.fchmod(descriptor, mode)
        file.write(data)
