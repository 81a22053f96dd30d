"""Answers of workers to requests that wait for them, through the broker.

They are sealed: the broker can lose one, and neither read it nor make one up.
"""

import time
from typing import Any

import orjson
import redis

from keeptrusts import sealing
from keeptrusts.api.errors import UnavailableError
from keeptrusts.redis_client import client

_KEPT_SECONDS = 60
_LOOK_SECONDS = 1


def put(ticket: str, answer: Any) -> None:
    """Leave an answer, which expires after a minute."""
    sealed = sealing.seal(orjson.dumps(answer).decode(), row=_key(ticket))
    with client().pipeline() as pipeline:
        pipeline.rpush(_key(ticket), sealed)
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
            item: Any = client().blpop([_key(ticket)], timeout=_LOOK_SECONDS)
            if item:
                return orjson.loads(sealing.unseal(item[1].decode(), row=_key(ticket)))
    except (redis.RedisError, sealing.SealError, UnicodeDecodeError) as exc:
        raise UnavailableError("The broker") from exc
    return None


def _key(ticket: str) -> str:
    return f"mailbox:{ticket}"
