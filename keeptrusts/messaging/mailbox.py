"""An answer that a worker gives to the request that waits for it. It goes through the broker."""

import time
from typing import Any

import orjson
import redis

from keeptrusts.api.errors import UnavailableError
from keeptrusts.redis_client import client

_KEPT_SECONDS = 60
_LOOK_SECONDS = 1


def put(ticket: str, answer: Any) -> None:
    """Leave an answer; nobody who comes after a minute finds it."""
    with client().pipeline() as pipeline:
        pipeline.rpush(_key(ticket), orjson.dumps(answer))
        pipeline.expire(_key(ticket), _KEPT_SECONDS)
        pipeline.execute()


def take(ticket: str, *, seconds: float) -> Any:
    """Wait for an answer, each is there once; None when there is none in time.

    Raises: `UnavailableError` when the broker does not answer, or what it has is no answer.
    """
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            if found := client().blpop([_key(ticket)], timeout=_LOOK_SECONDS):
                return _read(found[1])
    except (redis.RedisError, orjson.JSONDecodeError) as exc:
        raise UnavailableError("The broker") from exc
    return None


def _read(data: bytes | str) -> Any:
    answer = orjson.loads(data)
    if not isinstance(answer, dict):
        raise UnavailableError("The broker")
    return answer


def _key(ticket: str) -> str:
    return f"mailbox:{ticket}"
