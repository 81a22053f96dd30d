"""An open event stream of one gateway."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from gateways.mirror.mirror import fleet
from gateways.signing.statements import Desired, DesiredKeys, Signed

Send = Callable[[Mapping[str, Any]], Awaitable[None]]

_GOODBYE = b"event: goodbye\ndata: {}\n\n"
_PING = b": ping\n\n"


class Stream:
    """An event stream: the last statement that was sent on it, and the way to send the next.

    At most one delivery is under way, and it sends the newest statement: a client that reads
    slowly gets fewer events, never a queue of old ones. `digest` is that of its token.
    """

    def __init__(self, gateway_id: str, digest: str, send: Send) -> None:
        self.gateway_id = gateway_id
        self._digest = digest
        self._send = send
        self._told: Desired | None = None
        self._told_keys: DesiredKeys | None = None
        self._ping = False
        self._ended = False
        self._goodbye = False
        self._delivery: asyncio.Task[None] | None = None

    @property
    def is_behind(self) -> bool:
        """Whether this gateway has something to be sent."""
        desired, keys = fleet.desired(self.gateway_id), fleet.desired_keys(self.gateway_id)
        is_new = desired is not None and desired != self._told
        return is_new or keys not in (None, self._told_keys) or not fleet.opens(self._digest)

    def deliver(self) -> None:
        """Send the newest statement, unless it was sent already."""
        if self._delivery is None and not self._ended:
            self._delivery = asyncio.create_task(self._deliver())

    def ping(self) -> None:
        """Show that the stream is alive."""
        self._ping = True
        self.deliver()

    def say_goodbye(self) -> None:
        """Send `goodbye` and end the stream; the client may connect again."""
        self._goodbye = True
        self.deliver()

    def close(self) -> None:
        """Stop sending: the client is gone."""
        self._ended = True
        if self._delivery is not None:
            self._delivery.cancel()

    async def _deliver(self) -> None:
        try:
            while not self._ended and (message := self._next()):
                more = not self._ended
                await self._send({"type": "http.response.body", "body": message, "more_body": more})
        finally:
            self._delivery = None

    def _next(self) -> bytes:
        if self._goodbye or not fleet.opens(self._digest):
            self._ended = True
            return _GOODBYE
        # Before the policy, so that no gateway enforces its first one without its keys.
        keys = fleet.signed_keys(self.gateway_id)
        if keys is not None and keys.desired != self._told_keys:
            self._told_keys = keys.desired
            return _event(b"client-keys", keys, keys.desired.keys_seq)
        signed = fleet.signed(self.gateway_id)
        if signed is not None and signed.desired != self._told:
            self._told = signed.desired
            return _event(b"configuration", signed, signed.desired.publish_seq)
        if self._ping:
            self._ping = False
            return _PING
        return b""


def _event(name: bytes, signed: Signed[Any], seq: int) -> bytes:
    """A statement as a server-sent event; its JSON has no line feeds.

    Source: WHATWG HTML, "Server-sent events".
    """
    signer = fleet.signer
    assert signer is not None  # It made the signature.
    data = {
        "statement": signed.statement,
        "signature": signed.signature,
        "key": signer.public_key,
        "chain": list(signer.chain),
        "etag": signed.etag,
    }
    return b"event: %b\nid: %d\ndata: %b\n\n" % (name, seq, orjson.dumps(data))
