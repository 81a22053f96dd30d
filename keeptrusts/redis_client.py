"""The connection pool to Redis of this process, and what its clients believe of an answer.

Redis may be anybody's: an answer of another form than the command's is an error of Redis, as is
one that comes late.
"""

import ipaddress
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import redis
from django.conf import settings

# Longer than any answer takes and than Celery's workers wait for a message; shorter than a
# request may wait for a server that is gone.
TIMEOUT_SECONDS = 2.0
TIMEOUTS: dict[str, Any] = {
    "socket_timeout": TIMEOUT_SECONDS,
    "socket_connect_timeout": TIMEOUT_SECONDS,
}
# Of one answer: the last reports of the largest fleet are a tenth of it, and come in a second.
MOST_BYTES = 64 << 20
MOST_SECONDS = 10.0
# In RESP3 a server may tell its clients to connect elsewhere, and to log in there.
PROTOCOL = {"protocol": 2}
OPTIONS = {**TIMEOUTS, **PROTOCOL}
# What the client's parser and its own reading of answers fail with.
UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


def client() -> "redis.Redis":
    """A client for the server of `REDIS_URL`; safe among threads and after a fork."""
    return _client(settings.REDIS_URL)


def warnings(url: str) -> list[str]:
    """A line for each thing by which somebody on the network may read and write what is in Redis.

    No line repeats the url: it may hold a password.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss") or _is_here(parts.hostname or "localhost"):
        return []
    lines = []
    if parts.scheme == "redis":
        lines.append("redis:// crosses the network in clear; rediss:// encrypts it")
    elif "none" in parse_qs(parts.query).get("ssl_cert_reqs", []):
        lines.append("ssl_cert_reqs=none lets anybody pose as the server; leave it out")
    if not parts.password:
        lines.append("there is no password, so whoever reaches the server may use it")
    return [f"warning: REDIS_URL: {line}" for line in lines]


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


@lru_cache(maxsize=1)
def _client(url: str) -> "redis.Redis":
    pool = redis.ConnectionPool.from_url(url, **OPTIONS)
    pool.connection_class = _strict(pool.connection_class)
    made = _Client(connection_pool=pool)
    for command, is_answer in _ANSWERS.items():
        callbacks: Any = made.response_callbacks
        made.set_response_callback(command, _checked(callbacks.get(command), is_answer))
    return made


class _Pipeline(redis.client.Pipeline):
    def execute(self, raise_on_error: bool = True) -> list[Any]:
        try:
            return super().execute(raise_on_error)
        except UNREADABLE as exc:
            raise redis.InvalidResponse("an answer of another form") from exc


class _Client(redis.Redis):
    def pipeline(self, transaction: Any = True, shard_hint: Any = None) -> _Pipeline:
        return _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


def _strict(kind: type[Any]) -> type[Any]:
    """A connection that says of bytes outside the protocol that Redis sent them."""

    class Strict(kind):  # type: ignore[misc]
        def _connect(self) -> Any:
            return _BoundedSocket(super()._connect())

        def can_read(self, timeout: float = 0) -> bool:
            if self._sock is not None:
                self._sock.begin()  # It looks at the first byte: of no answer before.
            return bool(super().can_read(timeout))

        def read_response(self, *args: Any, **options: Any) -> Any:
            self._sock.begin()
            try:
                return super().read_response(*args, **options)
            except UNREADABLE as exc:
                raise redis.InvalidResponse("an answer outside the protocol") from exc

    return Strict


class _BoundedSocket:
    """A socket that gives up an answer which has too many bytes, or does not end in time."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped
        self.begin()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)

    def begin(self) -> None:
        """Begin to count anew: an answer is waited for."""
        self._left = MOST_BYTES
        self._until = time.monotonic() + MOST_SECONDS

    def recv(self, size: int, *flags: int) -> bytes:
        data: bytes = self._wrapped.recv(size, *flags)
        self._count(len(data))
        return data

    def recv_into(self, buffer: Any, *sizes: int) -> int:
        count: int = self._wrapped.recv_into(buffer, *sizes)
        self._count(count)
        return count

    def _count(self, count: int) -> None:
        self._left -= count
        if self._left < 0 or time.monotonic() > self._until:
            raise OSError("an answer of Redis did not end")


def _checked(
    read: Callable[..., Any] | None, is_answer: Callable[[Any], bool]
) -> Callable[..., Any]:
    """The client's reading of a command's answer, with a check of its form."""

    def checked(response: Any, **options: Any) -> Any:
        try:
            answer = read(response, **options) if read else response
        except UNREADABLE as exc:
            raise redis.InvalidResponse("an answer of another form") from exc
        if not is_answer(answer):
            raise redis.InvalidResponse("an answer of another form")
        return answer

    return checked


def _is_bytes(answer: Any) -> bool:
    return answer is None or isinstance(answer, bytes)


def _is_number(answer: Any) -> bool:
    return isinstance(answer, int)


def _is_done(answer: Any) -> bool:
    return answer is None or isinstance(answer, bool)


def _is_hash(answer: Any) -> bool:
    if not isinstance(answer, dict):
        return False
    return {*map(type, answer), *map(type, answer.values())} <= {bytes}


def _are_bytes(answer: Any) -> bool:
    return isinstance(answer, list) and all(map(_is_bytes, answer))


def _is_item(answer: Any) -> bool:
    if answer is None:
        return True
    is_pair = isinstance(answer, list | tuple) and len(answer) == 2
    return is_pair and all(isinstance(part, bytes) for part in answer)


# Every command whose answer is read.
_ANSWERS: dict[str, Callable[[Any], bool]] = {
    "BLPOP": _is_item,
    "EXISTS": _is_number,
    "GET": _is_bytes,
    "HGET": _is_bytes,
    "HGETALL": _is_hash,
    "HMGET": _are_bytes,
    "LLEN": _is_number,
    "SET": _is_done,
    "SETNX": _is_number,
}
