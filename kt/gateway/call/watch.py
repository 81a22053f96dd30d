"""The watch for a client that goes away while its call is served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from kt.gateway.wire import DisconnectedError, Scope

WATCH = "keeptrusts.watch"
"""The key of a request's state under which its server has the function that `Watch` calls."""


class Watch:
    """A context that is cancelled when the client goes away, also while it waits for the target.

    It is entered after the body was read; until then reading notices a client that goes. The
    server's function at `WATCH` in a request's state calls what it is given when that happens,
    at once where it has happened: a task that waits for it would take longer than all else that
    is done for a call here. A connection's next call may begin when an answer is complete, so the
    context ends with that.

    Raises:
        DisconnectedError: the client went away; it replaces the cancellation.
    """

    def __init__(self, scope: Scope) -> None:
        self._watch: Callable[[Callable[[], None] | None], None] = scope["state"][WATCH]
        self._gone = False
        self._inside: asyncio.Task[Any] | None = None

    async def __aenter__(self) -> None:
        self._watch(self._lose)
        if self._gone:
            raise DisconnectedError
        self._inside = asyncio.current_task()

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._watch(None)
        if self._gone and kind is asyncio.CancelledError and self._inside is not None:
            self._inside.uncancel()
            raise DisconnectedError

    def _lose(self) -> None:
        self._gone = True
        if self._inside is not None:
            self._inside.cancel()
