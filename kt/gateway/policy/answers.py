"""Answers of targets: their JSON, read as clients read it, and copies of what was cut out of it.

An answer may hold what parsers of answers read alike: `NaN`, and half of a surrogate pair, where a
model was cut off in an emoji. They differ on a key that is given twice.
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

import msgspec

# The text once more, by token or as sound. A cut in it says nothing of where to cut here.
_BY_TOKEN = ("logprobs", "prompt_logprobs", "token_ids", "prompt_token_ids")

# The input of a tool call has keys of its own.
_INPUTS = ("arguments", "input")

# Digits of a number that no float holds. Python converts no longer ones.
_MOST_DIGITS = 4000
_TOO_MANY_DIGITS = "a number has too many digits"
# Levels for which the stack must have room beyond those of an answer, which is read here and
# written anew where the stack is deeper.
_SPARE_LEVELS = 100
# `\\u003a` or `\\u003A`.
_ESCAPED_COLON = b"\\u003"
_TWICE = "A key is given twice in one object."


class UnreadableError(Exception):
    """Bytes that clients would not all read alike; the message is the reason."""


class DuplicateKeyError(ValueError):
    """A key is given twice."""


class DoubtfulError(Exception):
    """JSON that parsers may read differently, or that is none."""


def quickly(data: bytes) -> Any:
    """The value of JSON that all parsers read alike.

    Raises:
        DoubtfulError: not that it is wrong, but that it must be read with care.
        RecursionError: it nests too deep to be written anew.
    """
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise DoubtfulError from exc
    if _has_twins(data, value):
        raise DoubtfulError
    return value


def decoded(data: bytes) -> Any:
    """The value of JSON as targets write it, an answer or an event of a stream.

    Raises:
        UnreadableError: not UTF-8, not JSON, a key given twice, or nested too deep.
    """
    try:
        try:
            return quickly(data)
        except DoubtfulError:
            return _lenient(data)
    except RecursionError as exc:
        raise UnreadableError("It nests too deep.") from exc


def _lenient(data: bytes) -> Any:
    try:
        text = data.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=without_twins, parse_float=number)
    except DuplicateKeyError as exc:
        raise UnreadableError(str(exc)) from exc
    except ValueError as exc:
        raise UnreadableError("It is not JSON.") from exc
    json.dumps(_deeper(value, data))
    return value


def without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these keys and values.

    Raises:
        DuplicateKeyError: a key is there twice.
    """
    value = dict(pairs)
    if len(value) != len(pairs):
        raise DuplicateKeyError(_TWICE)
    return value


def number(text: str) -> float | int:
    """A number; past what a float holds it is whole, since `Infinity` could not be sent on."""
    value = float(text)
    if isfinite(value):
        return value
    try:
        exact = Decimal(text)
    except InvalidOperation as exc:
        raise ValueError(_TOO_MANY_DIGITS) from exc
    if exact.adjusted() >= _MOST_DIGITS:
        raise ValueError(_TOO_MANY_DIGITS)
    return int(exact)


def _has_twins(data: bytes, value: Any) -> bool:
    """Whether a key may be given twice in a text of which `value` was read.

    Each key brings a colon, and the one that was dropped took its colon along. An escaped colon
    would count for one in its place.
    """
    if _ESCAPED_COLON in data:
        return True
    return data.count(b":") != msgspec.json.encode(_deeper(value, data)).count(b":")


def _deeper(value: Any, data: bytes) -> Any:
    """A value with levels to spare around it, unless its text has too few brackets to be deep."""
    if data.count(b"[") + data.count(b"{") <= _SPARE_LEVELS:
        return value
    for _ in range(_SPARE_LEVELS):
        value = [value]
    return value


def without_copies(body: Any) -> Any:
    """A redacted answer without what says its text once more; changed in place."""
    return _without_copies(body, sound=True)


def without_tokens(body: Any) -> Any:
    """An answer without copies of its text by token; changed in place. Sound says it otherwise."""
    return _without_copies(body, sound=False)


def _without_copies(body: Any, *, sound: bool) -> Any:
    waiting = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for key in _BY_TOKEN:
                value.pop(key, None)
            if sound and "transcript" in value:
                value.pop("data", None)
            waiting.extend(item for key, item in value.items() if key not in _INPUTS)
        elif isinstance(value, list):
            waiting.extend(value)
    return body
