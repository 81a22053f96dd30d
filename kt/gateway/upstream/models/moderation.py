"""A moderation endpoint, called as targets are: no redirect, bounded answers, kept connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from kt.gateway.errors import UpstreamError, encode
from kt.gateway.options import ModelSource
from kt.gateway.policy.answers import UnreadableError, decoded
from kt.gateway.policy.targets import UpstreamTarget
from kt.gateway.upstream.connections import Upstream
from kt.gateway.upstream.models.backend import Labelled, NoScoreError
from kt.gateway.upstream.models.forms import (
    azure_request,
    azure_scores,
    openai_request,
    openai_scores,
)
from kt.gateway.upstream.reply import Call
from kt.gateway.wire import Headers

_SUCCESS = 200
_BUSY = (429, 503)
_LARGEST_BYTES = 4 << 20
# Calls about pieces of one question, where an endpoint takes one at a time.
_AT_ONCE = 4
_LONGEST_REST_SECONDS = 30.0
_REST_SECONDS = 1.0
_AZURE_ROUTE = ":analyze"


class ModerationEndpoint:
    """One endpoint. Its address says which form it speaks: Azure's ends in `text:analyze`."""

    problem = ""

    def __init__(self, source: ModelSource, upstream: Upstream) -> None:
        self._upstream = upstream
        self._is_azure = source.url.partition("?")[0].endswith(_AZURE_ROUTE)
        self._rests_until = 0.0
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._target = UpstreamTarget(
            id=source.name,
            provider="moderation",
            models="*",
            base_url=source.url,
            format="openai",
            headers=_credential(source.key, is_azure=self._is_azure),
        )

    async def scores(self, texts: Sequence[str]) -> list[Labelled]:
        """The scores of each text.

        Raises:
            NoScoreError: it cannot be reached, refuses, or answers something else.
        """
        if not self._is_azure:
            return openai_scores(await self._asked(openai_request(texts)), len(texts))
        try:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(self._alone(text)) for text in texts]
        except ExceptionGroup as exc:
            # One text without an answer is as good as all.
            raise exc.exceptions[0] from exc
        return [one.result() for one in asked]

    async def begin(self) -> None:
        """Nothing: the first question makes a connection."""

    async def close(self) -> None:
        """Nothing: its connections are those of targets."""

    async def _alone(self, text: str) -> Labelled:
        async with self._places:
            return azure_scores(await self._asked(azure_request(text)))

    async def _asked(self, body: dict[str, Any]) -> Any:
        if time.monotonic() < self._rests_until:
            raise NoScoreError("it asked not to be called for a while", "limited")
        call = Call(
            path="",
            model="",
            body=body,
            data=encode(body),
            headers={},
            stream=False,
            max_response_bytes=_LARGEST_BYTES,
        )
        try:
            reply = await self._upstream.call(self._target, call)
        except UpstreamError as exc:
            raise NoScoreError(str(exc)) from exc
        try:
            data = await reply.read()
        except UpstreamError as exc:
            raise NoScoreError(str(exc)) from exc
        finally:
            reply.close()
        if reply.status in _BUSY:
            self._rests_until = time.monotonic() + _rest_seconds(reply.headers)
            raise NoScoreError(f"it answered {reply.status}", "limited")
        if reply.status != _SUCCESS:
            raise NoScoreError(f"it answered {reply.status}")
        try:
            return decoded(data)
        except UnreadableError as exc:
            raise NoScoreError("its answer is no JSON") from exc


def _credential(key: str, *, is_azure: bool) -> tuple[tuple[str, str], ...]:
    if not key:
        return ()
    if is_azure:
        return (("Ocp-Apim-Subscription-Key", key),)
    return (("Authorization", f"Bearer {key}"),)


def _rest_seconds(headers: Headers) -> float:
    """The seconds for which a busy endpoint is left alone: those it names, within bounds."""
    given = next((value for name, value in headers if name == b"retry-after"), b"")
    named = float(given) if given.isdigit() and len(given) < 10 else _REST_SECONDS
    return min(named, _LONGEST_REST_SECONDS)
