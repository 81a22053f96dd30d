"""Answers of workers to requests that wait for them, through the broker."""

import time
from typing import Any

import orjson
import redis

from keeptrusts.api.errors import UnavailableError
from keeptrusts.redis_client import client

_KEPT_SECONDS = 60
_LOOK_SECONDS = 1


def put(ticket: str, answer: Any) -> None:
    """Leave an answer, which expires after a minute."""
    with client().pipeline() as pipeline:
        pipeline.rpush(_key(ticket), orjson.dumps(answer))
        pipeline.expire(_key(ticket), _KEPT_SECONDS)
        pipeline.execute()


def take(ticket: str, *, seconds: float) -> Any:
    """Wait for an answer and remove it; None when there is none in time.

    Raises:
        UnavailableError: the broker does not answer, or has something else than an answer.
    """
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            if item := client().blpop([_key(ticket)], timeout=_LOOK_SECONDS):
                return _read(item[1])
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
