"""JSON of requests and answers, so that what is judged is what its reader reads.

Parsers differ on a key that is given twice, on `NaN` and on bytes that are not UTF-8, so a
request with any of these is refused. An answer may hold what parsers of answers read alike: `NaN`,
and half of a surrogate pair, where a model was cut off in an emoji.
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

import msgspec

from kt.gateway.errors import InvalidRequestError

MAX_DEPTH = 128
# Digits of a number that no float holds. Python converts no longer ones.
_MOST_DIGITS = 4000
_TOO_MANY_DIGITS = "a number has too many digits"
_TWICE = "A key is given twice in one object."


class DuplicateKeyError(ValueError):
    """A key is given twice."""


def parse(data: bytes) -> dict[str, Any]:
    """Read a request's body.

    Raises:
        InvalidRequestError: not UTF-8, not JSON, not an object, a key given twice, too deep.
    """
    try:
        value = json.loads(
            data.decode(), object_pairs_hook=_object, parse_constant=_constant, parse_float=_number
        )
    except DuplicateKeyError as exc:
        raise InvalidRequestError(_TWICE, code="duplicate_key") from exc
    except UnicodeDecodeError as exc:
        raise InvalidRequestError("The body is not UTF-8.", code="invalid_json") from exc
    except RecursionError as exc:
        raise _too_deep() from exc
    except ValueError as exc:
        raise InvalidRequestError(f"The body is not JSON: {exc}.", code="invalid_json") from exc
    if not isinstance(value, dict):
        raise InvalidRequestError("The body is not a JSON object.")
    if len({key.casefold() for key in value}) != len(value):
        # Some servers ignore the case of keys: for them these are one key given twice.
        raise InvalidRequestError("Two keys differ only in case.", code="duplicate_key")
    _check_depth(value, data)
    return value


def parse_answer(data: bytes) -> Any:
    """Read an answer.

    Raises:
        ValueError: not UTF-8, not JSON, a key given twice, or nested too deep.
    """
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _parse_leniently(data)
    return value if _most_keys(data) == _count_keys(value) else _parse_leniently(data)


def _parse_leniently(data: bytes) -> Any:
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text, object_pairs_hook=_object, parse_float=_number)
    except DuplicateKeyError:
        raise
    except RecursionError as exc:
        raise ValueError("It nests too deep.") from exc
    except ValueError as exc:
        raise ValueError("It is not JSON.") from exc


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise DuplicateKeyError(_TWICE)
    return value


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _number(text: str) -> float | int:
    """A number; past what a float holds it is whole, since `Infinity` could not be sent on."""
    value = float(text)
    if isfinite(value):
        return value
    try:
        number = Decimal(text)
    except InvalidOperation as exc:
        raise ValueError(_TOO_MANY_DIGITS) from exc
    if number.adjusted() >= _MOST_DIGITS:
        raise ValueError(_TOO_MANY_DIGITS)
    return int(number)


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


def _check_depth(value: Any, data: bytes) -> None:
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> InvalidRequestError:
    return InvalidRequestError(f"The body nests deeper than {MAX_DEPTH} levels.", code="too_deep")
