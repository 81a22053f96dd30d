"""Whole answers: read, judged, and written anew where something was redacted or put back."""

from __future__ import annotations

from typing import Any

from kt.gateway.call import plaintext
from kt.gateway.errors import UpstreamError, encode
from kt.gateway.policy.answers import UnreadableError, decoded, without_copies, without_tokens
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

    async def judged(self, judge: Judge) -> bytes:
        """The bytes that may reach the client: judged as they came, then with values put back.

        Raises:
            PolicyViolationError: none may.
            UpstreamError: it cannot be read, and what cannot be read may not pass.
        """
        if self.problem:
            return await self._judged_text(judge)
        decision = await judge.check(self.body, len(self._data))
        body = self.body if decision.body is None else without_copies(decision.body)
        answer = await judge.put_back(body, len(self._data))
        if answer is not body:
            answer = without_tokens(answer)
        return self._data if answer is self.body else encode(answer)

    async def _judged_text(self, judge: Judge) -> bytes:
        """Judge what is no JSON, which only an error may be: a proxy's page, a word."""
        is_error = _CLIENT_ERROR <= self._reply.status < _SERVER_ERROR
        if not is_error and not judge.passes_unread:
            message = f"The target's answer cannot be judged. {self.problem}"
            raise UpstreamError(message, trigger="", code="unreadable_answer")
        types = (value for name, value in self._reply.headers if name == _CONTENT_TYPE)
        content_type = b"".join(types).decode("latin-1")
        text, encoding = plaintext.decode(self._data, content_type)
        decision = await judge.check(text, len(self._data))
        judged = text if decision.body is None else decision.body
        answer = await judge.put_back(judged, len(self._data))
        return self._data if answer is text else plaintext.encode(answer, encoding)
