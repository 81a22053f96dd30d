"""JSON of requests, so that what is judged is what its reader reads.

Parsers differ on a key that is given twice, on `NaN` and on bytes that are not UTF-8, so a
request with any of these is refused.
"""

from __future__ import annotations

import json
from typing import Any

from kt.gateway.errors import InvalidRequestError
from kt.gateway.policy.answers import (
    DoubtfulError,
    DuplicateKeyError,
    number,
    quickly,
    without_twins,
)

MAX_DEPTH = 128


def parse(data: bytes) -> dict[str, Any]:
    """Read a request's body.

    Raises:
        InvalidRequestError: not UTF-8, not JSON, not an object, a key given twice, too deep.
    """
    try:
        value = _value(data)
    except DuplicateKeyError as exc:
        raise InvalidRequestError(str(exc), code="duplicate_key") from exc
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


def _value(data: bytes) -> Any:
    try:
        return quickly(data)
    except DoubtfulError:
        return json.loads(
            data.decode(),
            object_pairs_hook=without_twins,
            parse_constant=_constant,
            parse_float=number,
        )


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


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
