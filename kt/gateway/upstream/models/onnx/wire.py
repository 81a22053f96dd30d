"""Messages between a gateway and the process of a model: JSON behind its length."""

from __future__ import annotations

import json
from asyncio import IncompleteReadError, StreamReader
from typing import Any, BinaryIO

_LARGEST_BYTES = 16 << 20


def packed(message: Any) -> bytes:
    """A message as bytes."""
    data = json.dumps(message).encode()
    return len(data).to_bytes(4, "big") + data


def read(stream: BinaryIO) -> Any:
    """The next message.

    Raises:
        EOFError: there is none.
    """
    head = stream.read(4)
    data = stream.read(int.from_bytes(head, "big")) if len(head) == 4 else b""
    if not data:
        raise EOFError
    return json.loads(data)


async def received(stream: StreamReader) -> Any:
    """The next message of a process that may be up to anything.

    Raises:
        EOFError: there is none.
        ValueError: what comes is none.
    """
    try:
        length = int.from_bytes(await stream.readexactly(4), "big")
        if length > _LARGEST_BYTES:
            raise ValueError("the message is too long")
        return json.loads(await stream.readexactly(length))
    except IncompleteReadError as exc:
        raise EOFError from exc
