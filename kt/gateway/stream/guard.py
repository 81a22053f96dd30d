"""A stream under policy: events wait until all their text is judged, then go unchanged.

Text is judged in a window that ends at the newest text. What is far enough before that end can no
longer become part of a match, so its events are sent, byte for byte.
Where something is redacted, the first event of the stretch carries all of its new text and the
others none. The arguments of a tool call are sent when the call is complete.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import msgspec

from kt.gateway.errors import PolicyViolationError, UpstreamError
from kt.gateway.policy.judging import Judge
from kt.gateway.stream import sse
from kt.gateway.stream.channel import Channel, Rewrite, redacted_text, said
from kt.gateway.stream.pieces import EventText, Key, finished, is_delta, pieces, started_tool
from kt.policy.decision import Decision
from kt.policy.decision.reading.extract import Path

# The number of places that are tried for a cut in a redacted text.
_CUTS = 4
UNSTABLE = "gateway.redaction_unstable"


@dataclass(slots=True)
class _Waiting:
    """An event that was not sent yet, and the place of each of its strings in its channel."""

    raw: bytes
    body: Any
    ends: list[tuple[Channel, Path, int, int]]

    @property
    def ready(self) -> bool:
        return all(end <= channel.cleared for channel, _, _, end in self.ends)


class Guard:
    """The guard of one answer's stream. `feed` and `finish` return the bytes that may be sent.

    Raises:
        PolicyViolationError: both raise it when the answer must stop.
        UpstreamError: both raise it when the stream cannot be read.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._channels: dict[Key, Channel] = {}
        self._names: dict[Key, str] = {}
        self._queue: deque[_Waiting] = deque()

    def feed(self, events: list[bytes]) -> bytes:
        """Take events; returns those that may be sent, in their order."""
        for event in events:
            self._take(event)
        self._advance()
        return self._release()

    def finish(self) -> bytes:
        """End the stream: judge the rest, and then all texts together; returns the last bytes."""
        self._finish_groups(None)
        self._advance()
        if len(self._channels) > 1 or any(one.start for one in self._channels.values()):
            self._judge.heed(self._judge.look(self._assembled()))
        return self._release()

    def _take(self, raw: bytes) -> None:
        data = sse.field(raw, b"data")
        if data is None or data == sse.DONE:
            self._take_bare(raw, data)
            return
        body = _decoded(data)
        texts = list(pieces(body)) if is_delta(body) else []
        if not texts:
            raw = self._judged(raw, body)
        self._queue.append(_Waiting(raw, body, [self._append(piece) for piece in texts]))
        started = started_tool(body)
        if started:
            self._names[started[0]] = started[1]
        for group in finished(body):
            self._finish_groups(group)

    def _take_bare(self, raw: bytes, data: bytes | None) -> None:
        """Take the end mark or a comment, which is judged too since clients can read it."""
        if data is None:
            self._judge.heed(self._judge.look(said(raw.decode("utf-8", "replace"))))
        else:
            self._finish_groups(None)
        self._queue.append(_Waiting(raw, None, []))

    def _judged(self, raw: bytes, body: Any) -> bytes:
        """An event that is complete in itself, as it may be sent."""
        decision = self._judge.heed(self._judge.look(body))
        return raw if decision.body is None else sse.render(raw, decision.body)

    def _append(self, piece: EventText) -> tuple[Channel, Path, int, int]:
        channel = self._channels.get(piece.key)
        if channel is None:
            channel = Channel(piece.key, piece.group, piece.tool, is_name=piece.is_name)
            self._channels[piece.key] = channel
        channel.finished = False
        start = len(channel.text)
        return channel, piece.path, start, channel.add(piece.text)

    def _finish_groups(self, group: Key | None) -> None:
        for channel in self._channels.values():
            if group is None or channel.group == group:
                channel.finished = True

    def _advance(self) -> None:
        for channel in self._channels.values():
            if channel.tool is None:
                if channel.due:
                    self._advance_text(channel)
            elif channel.finished and channel.cleared < len(channel.text):
                self._advance_tool(channel)

    def _advance_text(self, channel: Channel) -> None:
        window = channel.window
        decision = self._judge.look(said(window))
        channel.looked()
        limit = len(window) if channel.finished else self._judge.releasable(window)
        if _stops(decision) and limit < len(window) and self._redact(window[:limit]) is not None:
            # What was found reaches past the limit: `a bomb` may go on as `a bomb shelter`.
            return
        self._judge.heed(decision)
        cuts = channel.boundaries(limit)
        if decision.body is None:
            if cuts:
                channel.clear(cuts[0])
            return
        whole = redacted_text(decision, channel.window)
        for end in cuts[:_CUTS]:
            left = self._clean(channel, end, whole)
            if left is not None:
                self._clear_redacted(channel, end, left)
                return

    def _clean(self, channel: Channel, end: int, whole: str) -> str | None:
        """The redacted text up to `end`; None when a match reaches beyond it."""
        before, after = channel.text[channel.start : end], channel.text[end:]
        left, right = self._redact(before), self._redact(after)
        return left if left is not None and right is not None and left + right == whole else None

    def _redact(self, text: str) -> str | None:
        if not text:
            return ""
        decision = self._judge.look(said(text))
        # A piece may be judged more strictly than the whole.
        return None if _stops(decision) else redacted_text(decision, text)

    def _clear_redacted(self, channel: Channel, end: int, left: str) -> None:
        gone = self._redact(channel.text[channel.start : channel.cleared])
        if gone is None or not left.startswith(gone):
            # A match reaches back into text that was already sent.
            raise self._unstable()
        text = left[len(gone) :]
        same = text == channel.text[channel.cleared : end]
        channel.clear(end, None if same else text)

    def _unstable(self) -> PolicyViolationError:
        message = "The answer could not be redacted."
        decision = Decision("block", "gateway", UNSTABLE, message, (), None, (), None, None)
        return PolicyViolationError(decision, phase="output")

    def _advance_tool(self, channel: Channel) -> None:
        """Judge a complete tool call, its name and its arguments together."""
        parts = [one for one in self._channels.values() if one.tool == channel.tool]
        message = _message([], [self._call(parts)])
        decision = self._judge.heed(self._judge.look(message))
        body = message if decision.body is None else decision.body
        function = body["choices"][0]["message"]["tool_calls"][0]["function"]
        for part in parts:
            text = function["name"] if part.is_name else function["arguments"]
            if text != part.text and part.cleared:
                raise self._unstable()
            part.clear(len(part.text), None if text == part.text else text)

    def _call(self, parts: list[Channel]) -> dict[str, Any]:
        name = "".join(part.text for part in parts if part.is_name)
        arguments = "".join(part.text for part in parts if not part.is_name)
        name = name or self._names.get(parts[0].group, "")
        return {"type": "function", "function": {"name": name, "arguments": arguments}}

    def _assembled(self) -> dict[str, Any]:
        """The whole answer, to find what is spread over several texts."""
        spoken = [one.text for one in self._channels.values() if one.tool is None]
        tools: dict[Key, list[Channel]] = {}
        for one in self._channels.values():
            if one.tool is not None:
                tools.setdefault(one.tool, []).append(one)
        return _message(spoken, [self._call(parts) for parts in tools.values()])

    def _release(self) -> bytes:
        gone = []
        while self._queue and self._queue[0].ready:
            gone.append(_rendered(self._queue.popleft()))
        return b"".join(gone)


def _stops(decision: Decision) -> bool:
    return decision.verdict in ("block", "escalate")


def _decoded(data: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise _unreadable() from exc
    if not isinstance(body, dict):
        raise _unreadable()
    return body


def _unreadable() -> UpstreamError:
    message = "The target's stream cannot be read, so it cannot be judged."
    return UpstreamError(message, trigger="", code="unreadable_answer")


def _message(texts: list[str], calls: list[dict[str, Any]]) -> dict[str, Any]:
    content = [{"type": "text", "text": text} for text in texts]
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = calls
    return {"choices": [{"index": 0, "message": message}]}


def _rendered(event: _Waiting) -> bytes:
    """The event's own bytes, or its new ones when its text was rewritten."""
    changes = [
        (path, rewrite, start)
        for channel, path, start, end in event.ends
        for rewrite in channel.rewrites
        if rewrite.start <= start and end <= rewrite.end
    ]
    if not changes:
        return event.raw
    for path, rewrite, start in changes:
        _put(event.body, path, _share(rewrite, start))
    for choice in event.body.get("choices") or ():
        choice.pop("logprobs", None)
    event.body.pop("logprobs", None)
    return sse.render(event.raw, event.body)


def _share(rewrite: Rewrite, start: int) -> str:
    return rewrite.text if start == rewrite.start else ""


def _put(body: Any, path: Path, text: str) -> None:
    for step in path[:-1]:
        body = body[step]
    body[path[-1]] = text
