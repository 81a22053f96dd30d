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
_TWICE = "A key is given twice in one object."


class UnreadableError(Exception):
    """Bytes that clients would not all read alike; the message is the reason."""


class DuplicateKeyError(ValueError):
    """A key is given twice."""


def decoded(data: bytes) -> Any:
    """The value of JSON as targets write it, an answer or an event of a stream.

    Raises:
        UnreadableError: not UTF-8, not JSON, a key given twice, or nested too deep.
    """
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _lenient(data)
    return value if _most_keys(data) == _count_keys(value) else _lenient(data)


def _lenient(data: bytes) -> Any:
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text, object_pairs_hook=without_twins, parse_float=number)
    except DuplicateKeyError as exc:
        raise UnreadableError(str(exc)) from exc
    except RecursionError as exc:
        raise UnreadableError("It nests too deep.") from exc
    except ValueError as exc:
        raise UnreadableError("It is not JSON.") from exc


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


def _most_keys(data: bytes) -> int:
    """The number of keys in a text, or more: what a string holds may look like the end of one."""
    count = 0
    for piece in data.split(b'"')[1:]:
        first = piece[:1]
        count += first == b":" or (first.isspace() and piece.lstrip()[:1] == b":")
    return count


def _count_keys(value: Any) -> int:
    """The number of keys of a value, or fewer: a list that begins with a number is passed over."""
    count = 0
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if type(item) is dict:
            count += len(item)
            waiting += [one for one in item.values() if type(one) in (dict, list)]
        elif type(item) is list and item and type(item[0]) in (dict, list):
            waiting += item
    return count


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
