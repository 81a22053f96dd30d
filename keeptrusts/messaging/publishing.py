"""Publishing over Redis' pub/sub of what may be lost, without waiting for Redis."""

import contextlib
import os
import threading
import time
from collections import deque
from typing import Any

import redis
import structlog

from keeptrusts.redis_client import client

log = structlog.get_logger(__name__)

# After a failure nothing is tried for so long: each try may wait until its time limit.
_REST_SECONDS = 5.0
# A Redis that answers nothing is waited for once so many answers are missing.
_MOST_UNREAD = 64


class _Line:
    """A connection on which answers are read before the next message, by when they have come.

    They tell of an error, and whether anybody hears; to wait for each took a tenth of a sync.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Any = None
        self._of: Any = None  # Its client and its process.
        # The channels of messages whose answers were not read.
        self._unread: deque[str] = deque()
        self._hearers: dict[str, int] = {}

    def publish(self, channel: str, data: bytes) -> None:
        """Send a message; if the connection broke since the last one, on a new one.

        Raises:
            redis.RedisError: Redis cannot be reached, or refused a message before.
        """
        with self._lock:
            was_kept = self._connection is not None
            try:
                self._send(channel, data)
            except redis.ConnectionError:
                if not was_kept:
                    raise
                self._send(channel, data)

    def is_heard(self, channel: str) -> bool:
        """Whether somebody heard the last message of a channel whose answer came; True for none.

        Raises:
            redis.RedisError: Redis refused a message before.
        """
        with self._lock:
            if self._unread:
                with contextlib.suppress(redis.ConnectionError):  # The next message has a new one.
                    self._read()
            return self._hearers.get(channel, 1) > 0

    def _send(self, channel: str, data: bytes) -> None:
        connection = self._read()
        try:
            connection.send_command("PUBLISH", channel, data)
        except redis.RedisError:
            self._close()
            raise
        self._unread.append(channel)

    def _read(self) -> Any:
        """The connection, of which all answers that came are read."""
        try:
            connection = self._connected()
            while len(self._unread) >= _MOST_UNREAD or connection.can_read(0):
                if not self._unread:
                    raise redis.ConnectionError("an answer that nobody asked for")
                many = connection.read_response()
                self._hearers[self._unread.popleft()] = many if isinstance(many, int) else 1
        except redis.RedisError:
            self._close()
            raise
        return connection

    def _connected(self) -> Any:
        # After a fork the connection is the parent's.
        of = (client(), os.getpid())
        if self._of != of:
            self._connection, self._of, self._unread = None, of, deque()
        if self._connection is None:
            self._connection = of[0].connection_pool.get_connection()
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        self._unread.clear()
        self._hearers.clear()
        if connection is not None:
            connection.disconnect()
            self._of[0].connection_pool.release(connection)


_line = _Line()
_resting_until = 0.0


def publish(channel: str, data: bytes) -> None:
    """Publish a message, if Redis can be reached; a failure is logged."""
    if time.monotonic() < _resting_until:
        return
    try:
        _line.publish(channel, data)
    except redis.RedisError as exc:
        _rest(channel, exc)


def is_heard(channel: str) -> bool:
    """Whether somebody may hear of a channel, by the last message on it; nothing is sent.

    That an earlier message failed is logged.
    """
    try:
        return _line.is_heard(channel)
    except redis.RedisError as exc:
        _rest(channel, exc)
        return True


def _rest(channel: str, exc: redis.RedisError) -> None:
    global _resting_until
    _resting_until = time.monotonic() + _REST_SECONDS
    log.warning("not published; it is heard of within seconds", channel=channel, error=str(exc))
