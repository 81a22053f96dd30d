"""Text without characters that steer a terminal, hide, or turn the direction of writing."""

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

# Controls, line and paragraph separators, lone surrogates and invisible formatting, which holds the
# marks of direction and the tags; but for the two joiners that Persian and emoji are written with.
_FORBIDDEN = (
    r"\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_UNPRINTABLE = re.compile(f"[{_FORBIDDEN}]")
# A carriage return ends a line of Windows; alone it has a terminal write over what stands there.
_UNPRINTABLE_BUT_LINES = re.compile(f"(?![\n\t]|\r\n)[{_FORBIDDEN}]")
# What people write in lines and read back, by the names of fields.
_OF_LINES = frozenset(
    ("allowed_openpgp_keys", "allowed_signers", "client_certificate", "description", "known_hosts",
     "message", "note", "public_key", "suggestion", "text")
)  # fmt: skip
# First bytes of any of them in JSON: answers without one, which are most, are not looked through.
_SUSPECTS = re.compile(rb"[\\\x7f\xc2\xd8\xe1\xe2\xef\xf0\xf3]")


def encode(data: Any) -> bytes:
    """Encode as JSON, with times as `2026-01-31T12:00:00.000000Z` and all texts printable."""
    try:
        text = orjson.dumps(data, option=orjson.OPT_UTC_Z)
    except TypeError:
        # What git and the database have may be whole numbers beyond 64 bits, which it refuses.
        told = orjson.dumps(_with_digits(data), option=orjson.OPT_UTC_Z)
        return orjson.dumps(_with_digits(printable(json.loads(told))))
    # Most are of ASCII without an escape, which is seen in a tenth of the time of a search.
    is_plain = text.isascii() and b"\\" not in text and b"\x7f" not in text
    if is_plain or _SUSPECTS.search(text) is None:
        return text
    decoded = orjson.loads(text)
    clean = printable(decoded)
    return text if clean == decoded else orjson.dumps(clean)


def _with_digits(value: Any) -> Any:
    """A value whose whole numbers beyond 64 bits are written out."""
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return orjson.Fragment(str(value))
    if isinstance(value, Mapping):
        return {name: _with_digits(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_with_digits(one) for one in value]
    return value


def printable(value: Any, *, keeps_lines: bool = True) -> Any:
    """A JSON value with each character that is not printable written as an escape, in keys too.

    Line feeds and tabs stay in fields whose name says that they have lines, with `keeps_lines`.
    """
    if isinstance(value, str):
        return _escaped(value, _UNPRINTABLE)
    if isinstance(value, list):
        return [printable(one, keeps_lines=keeps_lines) for one in value]
    if isinstance(value, Mapping):
        return {
            _escaped(name, _UNPRINTABLE): (
                _escaped(one, _UNPRINTABLE_BUT_LINES)
                if keeps_lines and name in _OF_LINES and isinstance(one, str)
                else printable(one, keeps_lines=keeps_lines)
            )
            for name, one in value.items()
        }
    return value


def first_unprintable(text: str, *, may_have_lines: bool) -> str | None:
    """The first character that is not printable, in words for an error; None when all are."""
    pattern = _UNPRINTABLE_BUT_LINES if may_have_lines else _UNPRINTABLE
    found = pattern.search(text)
    return found and f"character {found.start() + 1} is U+{ord(found[0]):04X}"


def _escaped(text: str, pattern: re.Pattern[str]) -> str:
    return pattern.sub(lambda found: ascii(found[0])[1:-1], text)
