"""Celery's messages in Redis. One that nobody here wrote is dropped, and ends no worker."""

from queue import Empty
from typing import Any

import structlog
from kombu.transport import TRANSPORT_ALIASES, redis

log = structlog.get_logger(__name__)

_PARTS_OF_A_ROUTE = 3


class Channel(redis.Channel):
    """kombu's, which takes whatever lies in a queue for a message, and fails on anything else."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]
        # No JSON, or another than an envelope. What is inside one, Celery looks at itself.
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
            log.warning("dropped what is no message", error=repr(exc)[:200])
            raise Empty from exc

    def get_table(self, exchange: str) -> list[tuple[str, str, str]]:
        """The routes of an exchange."""
        return [row for row in super().get_table(exchange) if len(row) == _PARTS_OF_A_ROUTE]


class Transport(redis.Transport):
    """kombu's, with that channel."""

    Channel = Channel


def use() -> None:
    """Have every connection of kombu to Redis be of this kind."""
    name = f"{Transport.__module__}:{Transport.__name__}"
    TRANSPORT_ALIASES.update(redis=name, rediss=name)
