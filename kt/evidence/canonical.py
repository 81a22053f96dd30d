"""JSON in the one form of RFC 8785, of values that have no fractions."""

from __future__ import annotations

import json
from typing import Any

# Past it a reader that keeps numbers as doubles would see another one.
MOST = 2**53 - 1


class NotCanonicalError(ValueError):
    """Bytes that are not in the one form, or a value that has none."""


def encode(value: Any) -> bytes:
    """A value of objects, arrays, texts, truths, nulls and whole numbers, in its one form.

    Names of members are ASCII, which sort alike by bytes and by UTF-16.

    Raises:
        NotCanonicalError: it has a fraction, a number past 2^53, a text that is no Unicode, or a
            member's name that is not ASCII, or is nested very deep.
    """
    try:
        _check(value)
        return _written(value)
    except RecursionError as exc:
        raise NotCanonicalError("nested too deep") from exc


def decode(data: bytes) -> Any:
    """Undo `encode`.

    Raises:
        NotCanonicalError: `encode` writes no such bytes.
    """
    try:
        value = _decoder.decode(data.decode())
        if not data.isascii():
            _check(value)  # A name may not be ASCII; else what was read can have no other fault.
        is_same = _written(value) == data
    except (ValueError, RecursionError) as exc:
        raise NotCanonicalError("no JSON") from exc
    if not is_same:
        raise NotCanonicalError("JSON in another form")
    return value


def _written(value: Any) -> bytes:
    return _encoder.encode(value).encode()


def _none(text: str) -> Any:
    raise NotCanonicalError(f"a fraction: {text}")


def _bounded(text: str) -> int:
    number = int(text) if len(text) < 18 else MOST + 1
    if not -MOST <= number <= MOST:
        raise NotCanonicalError(f"a number past 2^53: {text}")
    return number


# Made once, for the making takes as long as the reading of a leaf.
_decoder = json.JSONDecoder(parse_float=_none, parse_int=_bounded, parse_constant=_none)
_encoder = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def repaired(value: Any, *, levels: int = 50) -> Any:
    """The nearest value that has a form, whatever it is: appending never fails on a content.

    Fractions and large numbers become texts, what is no Unicode is replaced as is NUL, which no
    database keeps, and names that are not ASCII are escaped. What is nested below so many levels
    is left out.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -MOST <= value <= MOST else str(value)
    if isinstance(value, dict | list | tuple) and levels == 0:
        return "nested too deep"
    if isinstance(value, dict):
        return {_name(str(name)): repaired(one, levels=levels - 1) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [repaired(one, levels=levels - 1) for one in value]
    return str(value).encode(errors="replace").decode().replace("\x00", "\ufffd")


def _name(name: str) -> str:
    return name.encode("ascii", "backslashreplace").decode().replace("\x00", "\\x00")


def _check(value: Any) -> None:
    if isinstance(value, dict):
        for name, one in value.items():
            if not (isinstance(name, str) and name.isascii()):
                raise NotCanonicalError(f"a member's name: {name!r}")
            _check(one)
    elif isinstance(value, list):
        for one in value:
            _check(one)
    elif isinstance(value, str):
        if not value.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in value):
            raise NotCanonicalError("a text that is no Unicode")
    elif isinstance(value, int) and not -MOST <= value <= MOST:
        raise NotCanonicalError(f"a number past 2^53: {value!r}")
    elif not (value is None or isinstance(value, int)):
        raise NotCanonicalError(f"of no form: {value!r}")
