"""What a target is asked and what it answers, whoever it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

from kt.gateway.wire import Headers


@dataclass(frozen=True, slots=True)
class Call:
    """A model call as it goes out. `data` is the client's own bytes unless it was redacted."""

    path: str
    model: str
    body: dict[str, Any]
    data: bytes
    headers: dict[str, str]
    stream: bool
    max_response_bytes: int


class Reply(Protocol):
    """An answer whose head has come. `headers` are those that may reach the client.

    Reading raises `UpstreamError`. `close` must be called, however reading ended.
    """

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Headers: ...

    @property
    def content_type(self) -> str: ...

    async def read(self) -> bytes:
        """The whole body."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body in the pieces in which it arrives."""
        ...

    def close(self) -> None:
        """Stop, whatever is still to come."""
        ...
