"""Calls to targets and their replies, for the mock and HTTP alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from kt.gateway.errors import encode
from kt.gateway.wire import Headers


@dataclass(frozen=True, slots=True)
class Call:
    """A model call to a target. `data` is the client's own bytes unless it was redacted."""

    path: str
    model: str
    body: dict[str, Any]
    data: bytes
    headers: dict[str, str]
    stream: bool
    max_response_bytes: int
    method: str = "POST"

    def asking_for(self, model: str) -> Call:
        """The call for a model; written anew where the client asked for another."""
        if model == self.model:
            return self
        body = {**self.body, "model": model}
        return replace(self, model=model, body=body, data=encode(body))


class Reply(Protocol):
    """An answer whose head has arrived. `headers` are those that may reach the client.

    `close` must be called, however reading ended.

    Raises:
        UpstreamError: `read` and `chunks` raise it when the target fails.
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
        """The body in pieces, as they arrive."""
        ...

    def close(self) -> None:
        """Stop, even when there is more to read."""
        ...
