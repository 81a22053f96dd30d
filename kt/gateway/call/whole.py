"""Whole answers: read, judged, and written anew where something was redacted."""

from __future__ import annotations

from typing import Any

from kt.gateway.call import plaintext
from kt.gateway.errors import UpstreamError, encode
from kt.gateway.policy.answers import UnreadableError, decoded, without_copies
from kt.gateway.policy.judging import Judge
from kt.gateway.upstream.reply import Reply

_CLIENT_ERROR = 400
_SERVER_ERROR = 500
_CONTENT_TYPE = b"content-type"


class WholeAnswer:
    """One whole answer. `body` is None where it cannot be read, and `problem` says why."""

    def __init__(self, reply: Reply, data: bytes) -> None:
        self.body: Any = None
        self.problem = ""
        self._reply = reply
        self._data = data
        try:
            self.body = decoded(data)
        except UnreadableError as exc:
            self.problem = str(exc)

    async def judged(self, judge: Judge, *, lenient: bool) -> bytes:
        """The bytes that may reach the client.

        Raises:
            PolicyViolationError: none may.
            UpstreamError: it cannot be read, and the gateway is not `lenient`.
        """
        if self.problem:
            return await self._judged_text(judge, lenient=lenient)
        decision = await judge.check(self.body, len(self._data))
        return self._data if decision.body is None else encode(without_copies(decision.body))

    async def _judged_text(self, judge: Judge, *, lenient: bool) -> bytes:
        """Judge what is no JSON, which only an error may be: a proxy's page, a word."""
        is_error = _CLIENT_ERROR <= self._reply.status < _SERVER_ERROR
        if not is_error and not lenient:
            message = f"The target's answer cannot be judged. {self.problem}"
            raise UpstreamError(message, trigger="", code="unreadable_answer")
        types = (value for name, value in self._reply.headers if name == _CONTENT_TYPE)
        content_type = b"".join(types).decode("latin-1")
        text, encoding = plaintext.decode(self._data, content_type)
        decision = await judge.check(text, len(self._data))
        return self._data if decision.body is None else plaintext.encode(decision.body, encoding)
