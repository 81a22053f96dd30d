"""The JSON that a text is in the middle of, and values written so that they are read there."""

from __future__ import annotations

from json import dumps

from kt.policy.decision.reading.jsonscan import JsonScan
from kt.policy.decision.reading.jsontext import unescaped


def is_plain(value: str) -> bool:
    """True for a value that is written alike in a text and in a string of JSON."""
    return _escaped(value) == value


class Landing:
    """The end of a text that comes in pieces: in which strings of JSON it stands.

    A string of JSON may hold JSON itself, as the arguments of a tool that posts a body do.
    """

    __slots__ = ("_inner", "_scan", "_waiting")

    def __init__(self) -> None:
        self._scan = JsonScan()
        self._inner: Landing | None = None
        # The beginning of an escape.
        self._waiting = ""

    def feed(self, text: str) -> None:
        """Read on."""
        scan = self._scan
        if scan.broken:
            return
        start, quotes = scan.length, len(scan.quotes)
        scan.feed(text)
        if scan.broken or not scan.inside:
            self._inner = None
            return
        if self._inner is None or len(scan.quotes) > quotes:
            self._inner, self._waiting = Landing(), ""
            text = text[scan.quotes[-1] + 1 - start :]
        said = self._waiting + text
        end = len(said) - scan.unfinished
        self._inner.feed(unescaped(said[:end])[0])
        self._waiting = said[end:]

    def written(self, value: str) -> str:
        """A value as it is written here: escaped once for each string around it."""
        if self._inner is None:
            return value
        return _escaped(self._inner.written(value))


def _escaped(value: str) -> str:
    return dumps(value, ensure_ascii=False)[1:-1]
