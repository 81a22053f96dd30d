"""Answers of targets: their JSON, read as clients read it, and copies of what was cut out of it."""

from __future__ import annotations

import json
from typing import Any

import msgspec

# The text once more, by token or as sound. A cut in it says nothing of where to cut here.
_BY_TOKEN = ("logprobs", "prompt_logprobs", "token_ids", "prompt_token_ids")

# The input of a tool call has keys of its own.
_INPUTS = ("arguments", "input")


class UnreadableError(Exception):
    """Bytes that are not JSON."""


def decoded(data: bytes) -> Any:
    """The value of JSON as targets write it, with `NaN` and halves of surrogate pairs.

    Raises:
        UnreadableError: not JSON, not UTF-8, or too deep.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # The strict and fast parser refuses what others take.
        return _lenient(data)


def _lenient(data: bytes) -> Any:
    try:
        return json.loads(data.decode())
    except (ValueError, RecursionError) as exc:
        raise UnreadableError from exc


def without_copies(body: Any) -> Any:
    """A redacted answer without what says its text once more; changed in place."""
    waiting = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for key in _BY_TOKEN:
                value.pop(key, None)
            if "transcript" in value:
                value.pop("data", None)
            waiting.extend(item for key, item in value.items() if key not in _INPUTS)
        elif isinstance(value, list):
            waiting.extend(value)
    return body
