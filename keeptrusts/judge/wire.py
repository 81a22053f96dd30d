"""Messages between a judge and the process that asks it: data alone, each with its length before.

Nothing in a message is code: both sides decode it into types that the function's signature names.
"""

import socket
import struct
import time
from collections.abc import Callable
from functools import cache
from typing import Any, get_type_hints

import msgspec

# Two policies, of 1 MiB each; a hundred thousand changes between them.
MAX_QUESTION_BYTES = 4 * 1024 * 1024
MAX_ANSWER_BYTES = 32 * 1024 * 1024
_LENGTH = struct.Struct("!I")
_PIECE_BYTES = 65_536


class Question(msgspec.Struct, frozen=True):
    """A question: a function by its name, its arguments, and the processor time for it."""

    function: str
    arguments: msgspec.Raw
    seconds: float


class Value(msgspec.Struct, frozen=True, tag=True):
    """What the function returned."""

    value: msgspec.Raw


class Crash(msgspec.Struct, frozen=True, tag=True):
    """What the function raised, as text."""

    traceback: str


class NoMemory(msgspec.Struct, frozen=True, tag=True):
    """There was not enough memory for the answer; the judge ends."""


Answer = Value | Crash | NoMemory


def name(function: Callable[..., Any]) -> str:
    """The name by which both sides know a function."""
    return f"{function.__module__}:{function.__qualname__}"


@cache
def signature(function: Callable[..., Any]) -> tuple[Any, Any]:
    """The types of a function's arguments, as one tuple, and of what it returns."""
    hints = get_type_hints(function)
    returned = hints.pop("return")
    return tuple[tuple(hints.values())], returned  # type: ignore[misc]


def encode(value: object) -> bytes:
    """A value as bytes; lone surrogates, which a policy may have escaped, become `?`."""
    try:
        return msgspec.msgpack.encode(value)
    except UnicodeEncodeError:
        return msgspec.msgpack.encode(
            _without_surrogates(msgspec.to_builtins(value, builtin_types=(bytes,)))
        )


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value


def send(link: socket.socket, message: bytes, *, until: float | None = None) -> None:
    """Send a message, before the moment `until` (monotonic) if one is given.

    Raises:
        OSError: the other side is gone, or the time is over (TimeoutError).
    """
    link.settimeout(_left(until))
    link.sendall(_LENGTH.pack(len(message)) + message)


def receive(link: socket.socket, *, most: int, until: float | None = None) -> bytes:
    """Receive a message of at most `most` bytes, before the moment `until` if one is given.

    Raises:
        OSError: the other side is gone (ConnectionError), or the time is over (TimeoutError).
    """
    (length,) = _LENGTH.unpack(_received(link, _LENGTH.size, until))
    if length > most:
        raise ConnectionAbortedError(f"a message of {length} bytes; the limit is {most}")
    return bytes(_received(link, length, until))


def _received(link: socket.socket, length: int, until: float | None) -> bytearray:
    data = bytearray()
    while len(data) < length:
        link.settimeout(_left(until))
        piece = link.recv(min(length - len(data), _PIECE_BYTES))
        if not piece:
            raise ConnectionResetError("the other side is gone")
        data += piece
    return data


def _left(until: float | None) -> float | None:
    if until is None:
        return None
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
