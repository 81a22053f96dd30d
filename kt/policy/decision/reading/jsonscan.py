"""A reader of a JSON text that comes in pieces, or was cut off before its end."""

from __future__ import annotations

import re
from string import hexdigits

# What may stand next: a value, a key, what is between them, or nothing but blanks.
_VALUE, _ITEM, _KEY, _MEMBER, _COLON, _NEXT, _NOTHING = range(7)
_CLOSES = {"{": "}", "[": "]"}
_BLANK = " \t\r\n"
_PLAIN = re.compile(r'[^"\\]*')
_SCALAR = re.compile(r"[A-Za-z0-9+\-.]+")
_WHOLE = re.compile(
    r"true|false|null|NaN|-?Infinity|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+\-]?[0-9]+)?"
)


class JsonScan:
    """The state of a JSON object or array after the text so far, or of several in a row.

    `quotes` has the place of each quotation mark that begins or ends a string. `unfinished` is
    the number of characters at the end that are the beginning of an escape. `broken`: the
    text is not JSON, whatever follows; then nothing after that is read.
    """

    def __init__(self) -> None:
        self.length = 0
        self.inside = False
        self.unfinished = 0
        self.broken = False
        self.quotes: list[int] = []
        self._open: list[str] = []
        self._expects = _VALUE
        self._scalar = ""

    @property
    def complete(self) -> bool:
        """True when the whole value was read."""
        return self._expects == _NOTHING and not self.broken

    def feed(self, text: str) -> None:
        """Read on."""
        at = 0
        while at < len(text) and not self.broken:
            at = self._string(text, at) if self.inside else self._between(text, at)
        self.length += len(text)

    def _string(self, text: str, at: int) -> int:
        if self.unfinished:
            return self._escape(text, at)
        found = _PLAIN.match(text, at)
        end = found.end() if found else at
        if end == len(text):
            return end
        if text[end] == "\\":
            self.unfinished = 1
        else:
            self.inside = False
            self.quotes.append(self.length + end)
            self._expects = _COLON if self._expects in (_KEY, _MEMBER) else self._after_value()
        return end + 1

    def _escape(self, text: str, at: int) -> int:
        """Read one character of an escape: the letter behind the backslash, then four digits."""
        first = self.unfinished == 1
        longer = text[at] == "u" if first else self.unfinished < len("\\u000")
        self.broken = not first and text[at] not in hexdigits
        self.unfinished = self.unfinished + 1 if longer else 0
        return at + 1

    def _between(self, text: str, at: int) -> int:
        sign = text[at]
        scalar = _SCALAR.match(text, at)
        if scalar:
            self.broken = not self._scalar and self._expects not in (_VALUE, _ITEM)
            self.broken = self.broken or not self._open
            self._scalar += scalar.group()
            return scalar.end()
        self._end_scalar()
        if sign == '"':
            self._quote(at)
        elif sign in _CLOSES:
            self._enter(sign)
        elif sign not in _BLANK:
            self._mark(sign)
        return at + 1

    def _end_scalar(self) -> None:
        if self._scalar:
            self.broken = _WHOLE.fullmatch(self._scalar) is None
            self._scalar = ""
            self._expects = self._after_value()

    def _quote(self, at: int) -> None:
        self.broken = self.broken or self._expects in (_COLON, _NEXT, _NOTHING) or not self._open
        self.inside = not self.broken
        self.quotes.append(self.length + at)

    def _enter(self, sign: str) -> None:
        # One value after another, as some write parallel calls.
        self.broken = self.broken or self._expects not in (_VALUE, _ITEM, _NOTHING)
        self._open.append(sign)
        self._expects = _MEMBER if sign == "{" else _ITEM

    def _mark(self, sign: str) -> None:
        if sign == ":" and self._expects == _COLON:
            self._expects = _VALUE
        elif sign == "," and self._expects == _NEXT:
            self._expects = _KEY if self._open[-1] == "{" else _VALUE
        elif self._may_close(sign):
            self._open.pop()
            self._expects = self._after_value()
        else:
            self.broken = True

    def _may_close(self, sign: str) -> bool:
        empty = _MEMBER if sign == "}" else _ITEM
        closing = self._open and _CLOSES[self._open[-1]] == sign
        return bool(closing) and self._expects in (_NEXT, empty)

    def _after_value(self) -> int:
        return _NEXT if self._open else _NOTHING


def cut_off(text: str) -> bool:
    """True when a text is the beginning of a JSON object or array."""
    scan = JsonScan()
    scan.feed(text)
    return not scan.broken
