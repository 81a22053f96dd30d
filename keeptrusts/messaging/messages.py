"""kombu's transport for Redis, which drops what none of our processes sent, and bears refusals.

A message has a MAC over all that is read of it and over the name of its queue. Who writes to Redis
can lose a message, keep it back or send it again, and neither alter one nor make one up.
"""

import time
from collections.abc import Mapping
from queue import Empty
from typing import Any

import structlog
from kombu.transport import TRANSPORT_ALIASES, redis
from kombu.utils.json import dumps, loads
from redis import ResponseError

from keeptrusts import sealing
from keeptrusts.redis_client import PROTOCOL, UNREADABLE

log = structlog.get_logger(__name__)

_MAC = "mac"
# kombu notes here that it sends a message again.
_NOTED = "redelivered"
_PAUSE_SECONDS = 1.0


def signed(message: Mapping[str, Any], queue: str) -> dict[str, Any]:
    """A message with its MAC, as it stands in a queue."""
    plain = loads(dumps({**message, _MAC: ""}))
    vouched = sealing.vouch(_told(plain), row=_row(queue))
    return {**plain, _MAC: vouched[: sealing.MAC_DIGITS].decode()}


def is_ours(message: Any, queue: str | None) -> bool:
    """Whether one of our processes sent this message to this queue."""
    try:
        stored = message[_MAC].encode() + _told(message)
        sealing.vouched(stored, row=_row(queue))
    except (sealing.SealError, *UNREADABLE):
        return False
    return True


def _row(queue: str | None) -> str:
    return f"queue:{queue}"


def _told(message: Mapping[str, Any]) -> bytes:
    """All of a message but its MAC and what kombu notes on the way."""
    headers = {name: value for name, value in message["headers"].items() if name != _NOTED}
    information = message["properties"]["delivery_info"]
    delivery = {name: value for name, value in information.items() if name != _NOTED}
    properties = {**message["properties"], "delivery_info": delivery}
    parts = {**message, "headers": headers, "properties": properties}
    del parts[_MAC]
    text: str = dumps(parts, sort_keys=True, allow_nan=False)
    return text.encode()


class QoS(redis.QoS):
    """kombu's record of messages that nobody has acknowledged; invalid entries are removed."""

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:
        """Send a message again that was not acknowledged in time."""
        try:
            super().restore_by_tag(tag, client=client, leftmost=leftmost)
        except UNREADABLE as exc:
            log.warning("dropped an invalid message", error=repr(exc)[:200])
            self._remove_from_indices(tag).execute()  # type: ignore[attr-defined]


class Channel(redis.Channel):
    """kombu's channel, which fails on anything invalid in a queue; this one drops it."""

    QoS = QoS

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        return {**super()._connparams(asynchronous=asynchronous), **PROTOCOL}  # type: ignore[misc]

    def _put(self, queue: str, message: Mapping[str, Any], **options: Any) -> None:
        super()._put(queue, signed(message, queue), **options)

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]
        # Not JSON, or no answer of Redis at all.
        except UNREADABLE as exc:
            log.warning("dropped an invalid message", error=repr(exc)[:200])
            raise Empty from exc

    def get_table(self, exchange: str) -> list[tuple[str, str, str]]:
        """The routes of an exchange: to the queue of its name, whatever Redis says."""
        return [(exchange, "", exchange)]


class Transport(redis.Transport):
    """kombu's transport with this channel."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str | None) -> None:
        if is_ours(message, queue):
            super()._deliver(message, queue)
        else:
            log.warning("dropped a message that none of our processes sent", queue=queue)

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Listen on a new connection, which is closed when the broker refuses that.

        Its worker does not know it by then, and tries anew at once and without an end.
        """
        try:
            super().register_with_event_loop(connection, loop)
        except ResponseError:
            self.close_connection(connection)
            time.sleep(_PAUSE_SECONDS)
            raise


def use() -> None:
    """Make kombu use this transport for all urls of Redis."""
    name = f"{Transport.__module__}:{Transport.__name__}"
    TRANSPORT_ALIASES.update(redis=name, rediss=name)
