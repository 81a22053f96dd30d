"""The models of targets that a policy names by a glob, as these targets list them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

from kt.gateway.errors import UpstreamError
from kt.gateway.policy.targets import UpstreamTarget
from kt.gateway.upstream.connections import Upstream
from kt.gateway.upstream.reply import Call
from kt.policy.decision.tools.globs import matches

PATH = "/v1/models"
SECONDS = 60.0
_ASK_SECONDS = 5.0
_MOST_BYTES = 4 << 20
_MOST_NAMES = 1000
_LONGEST_NAME = 200
_OK = 200

Names = tuple[str, ...]


class Catalogue:
    """Names of models by target. A target is asked once a minute at most, and only on demand."""

    def __init__(self) -> None:
        self._names: dict[UpstreamTarget, tuple[float, Names]] = {}

    def names(self, target: UpstreamTarget) -> Names:
        """The models of a target: those that the policy names, else those that it listed."""
        return target.model_names or self._names.get(target, (0.0, ()))[1]

    async def refresh(self, upstream: Upstream, targets: Sequence[UpstreamTarget]) -> None:
        """Ask the targets whose list is due, and forget those that serve no more.

        A target that gives no list has none for as long: nobody waits for it twice.
        """
        now = time.monotonic()
        kept = {one: self._names[one] for one in targets if one in self._names}
        due = [one for one in targets if one.lists_models and kept.get(one, (0.0, ()))[0] <= now]
        found = await asyncio.gather(*(_ask(upstream, one) for one in due))
        asked = {one: (now + SECONDS, names) for one, names in zip(due, found, strict=True)}
        self._names = kept | asked


async def _ask(upstream: Upstream, target: UpstreamTarget) -> Names:
    call = Call(
        path=PATH,
        model="",
        body={},
        data=b"",
        headers={},
        stream=False,
        max_response_bytes=_MOST_BYTES,
        method="GET",
    )
    try:
        async with asyncio.timeout(_ASK_SECONDS):
            reply = await upstream.call(target, call)
            try:
                listed = json.loads(await reply.read()) if reply.status == _OK else None
            finally:
                reply.close()
    except (UpstreamError, TimeoutError, ValueError, RecursionError):
        return ()
    return tuple(_named(target, listed))[:_MOST_NAMES]


def _named(target: UpstreamTarget, listed: Any) -> list[str]:
    """The names in a list of either API that the policy's glob lets through."""
    rows = listed.get("data") if isinstance(listed, dict) else None
    rows = rows if isinstance(rows, list) else []
    names = [row.get("id") for row in rows if isinstance(row, dict)]
    plain = (name for name in names if isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME)
    return [name for name in plain if matches(target.pattern, name)]
