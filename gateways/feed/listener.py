"""An open stream of one listener."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from access.bearers import Bearer
from access.sights import Sight
from keeptrusts.serving.answers import Send

# What waits for a client to read; whoever has more waiting comes back, and is told what it missed.
_MOST_WAITING_BYTES = 1 << 20


# What the text of a credential begins with that is the cookie of a session; no header can have it.
SESSION = "\0session "


@dataclass(frozen=True, slots=True)
class Ear:
    """What of a batch somebody hears: all listeners with the same are sent the same bytes."""

    resources: frozenset[str]
    sight: Sight | None


@dataclass(frozen=True, slots=True)
class Credential:
    """Whose stream it is: a bearer, as it was when the stream was opened, with its token's text."""

    bearer: Bearer
    text: str = field(repr=False)
    address: str


class Listener:
    """A listener: what it hears, and the way to send it. Used by one event loop.

    `end` closes the connection whatever its client reads.
    """

    def __init__(
        self, ear: Ear, credential: Credential, send: Send, end: Callable[[], None]
    ) -> None:
        self.ear, self.credential = ear, credential
        self.position = ""
        self._send, self._end = send, end
        self._waiting: list[bytes] = []
        self._size = 0
        self._is_last = False
        self._delivery: asyncio.Task[None] | None = None

    def tell(self, data: bytes, position: str = "") -> None:
        """Send some bytes, soon; a position is where it stands after them."""
        if self._is_last:
            return
        self.position = position or self.position
        self._waiting.append(data)
        self._size += len(data)
        if self._size > _MOST_WAITING_BYTES:
            self.close()
            self._end()
        elif self._delivery is None:
            self._delivery = asyncio.create_task(self._deliver())

    def say_goodbye(self, data: bytes) -> None:
        """Send the last bytes and end the stream; the client may connect again."""
        self.tell(data)
        self._is_last = True

    def close(self) -> None:
        """Stop sending."""
        self._is_last = True
        self._waiting.clear()
        if self._delivery is not None:
            self._delivery.cancel()

    async def _deliver(self) -> None:
        try:
            while self._waiting:
                body = b"".join(self._waiting)
                self._waiting.clear()
                # What is being sent counts as waiting: nobody read it yet.
                self._size = len(body)
                more = not self._is_last
                await self._send({"type": "http.response.body", "body": body, "more_body": more})
                self._size -= len(body)
        finally:
            self._delivery = None
