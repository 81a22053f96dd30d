"""kombu's transport for Redis, for which neither an invalid message nor a refusal is the end."""

import time
from queue import Empty
from typing import Any

import structlog
from kombu.transport import TRANSPORT_ALIASES, redis
from redis import ResponseError

log = structlog.get_logger(__name__)

_PARTS_OF_A_ROUTE = 3
_PAUSE_SECONDS = 1.0


class Channel(redis.Channel):
    """kombu's channel, which fails on anything invalid in a queue; this one drops it."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]
        # Not JSON, or not an envelope. Celery checks what is in one.
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
            log.warning("dropped an invalid message", error=repr(exc)[:200])
            raise Empty from exc

    def get_table(self, exchange: str) -> list[tuple[str, str, str]]:
        """The valid routes of an exchange."""
        return [row for row in super().get_table(exchange) if len(row) == _PARTS_OF_A_ROUTE]


class Transport(redis.Transport):
    """kombu's transport with this channel."""

    Channel = Channel

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
