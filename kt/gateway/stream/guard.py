"""A stream under policy: events wait until all their text is judged, then go unchanged.

Each text of the stream is a channel, judged with the newest of it. What can no longer become
part of a match is sent, byte for byte; what may still become one is held from its first
character. A tool's name is judged when it is whole, its arguments as they come. Values of marks
are put back into what was judged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from kt.gateway.errors import PolicyViolationError, UpstreamError
from kt.gateway.policy.answers import UnreadableError, decoded, without_copies, without_tokens
from kt.gateway.policy.judging import Judge
from kt.gateway.stream import sse
from kt.gateway.stream.calls import ToolCall, ToolCalls
from kt.gateway.stream.channel import Channel, TextCut, UnstableError
from kt.gateway.stream.pieces import (
    CallPiece,
    EventStrings,
    Key,
    Piece,
    at,
    finished,
    put,
    put_back,
    read,
    renamed,
    without,
)
from kt.gateway.stream.protocols import CHAT, Protocol
from kt.gateway.stream.waiting import PlacedText, Waiting
from kt.policy.decision import Decision
from kt.policy.decision.cutting.restoring import apart
from kt.policy.decision.reading.extract import Path, is_label
from kt.policy.decision.values import Span

UNSTABLE = "gateway.redaction_unstable"
TOO_LONG = "gateway.match_too_long"
# Characters that make a text worth looking at while more of it is coming in.
_STRIDE = 32
# What says by its name that it keeps a connection alive need not be JSON.
_KEEP_ALIVE = (b"ping", b"heartbeat", b"keepalive", b"keep-alive")
# Strings that stand in many events and were allowed in one.
_MOST_ALLOWED = 256
_LONGEST_ALLOWED = 512


class Guard:
    """The guard of one answer's stream. `feed`, `flush`, `finish` return what may be sent.

    `note` is told of the body of each event, as it came.

    Raises:
        PolicyViolationError: all raise it when the answer must stop.
        UpstreamError: all raise it when the stream cannot be read.
    """

    def __init__(
        self, judge: Judge, protocol: Protocol = CHAT, note: Callable[[Any], None] | None = None
    ) -> None:
        self._judge = judge
        self._note = note
        self._protocol = protocol
        self._channels: dict[Key, Channel] = {}
        # The texts that are not sent whole, with their groups.
        self._active: dict[Channel, Key] = {}
        self._spoken: list[Channel] = []
        self._calls = ToolCalls()
        self._undecided: dict[ToolCall, None] = {}
        self._called: list[ToolCall] = []
        self._allowed: set[Any] = set()
        self._queue: deque[Waiting] = deque()
        # The last event that says something, kept until more comes or a model has said its word.
        self._last: Waiting | None = None
        self._is_broken = False

    def feed(self, events: Sequence[bytes]) -> bytes:
        """Take events; returns those that may be sent, in their order."""
        if not events:
            return b""
        for event in events:
            self._take(event)
        self._advance(_STRIDE)
        return self._release()

    @property
    def has_unjudged(self) -> bool:
        """True when there is new text that was not worth looking at yet."""
        return any(channel.is_due(stride=1) for channel in self._active)

    def flush(self) -> bytes:
        """Judge all new text, now that no more of it is there; returns what may be sent."""
        self._advance(1)
        return self._release()

    def finish(self, *, is_broken: bool = False) -> bytes:
        """End the stream: judge the rest, and then all texts together; returns the last bytes.

        Where a model is asked about the answer, they may be sent once `conclude` has passed.
        `is_broken`: it has no end, since its target failed; half a mark is left out.
        """
        self._is_broken = is_broken
        self._end(None)
        self._advance(1)
        if len(self._spoken) + len(self._calls) > 1 and not self._judge.asks_about_answers:
            self._heed(self._whole())
        self._last = None
        return self._release()

    async def conclude(self) -> None:
        """Judge the whole answer where a model is asked about it."""
        if self._judge.asks_about_answers:
            size = sum(channel.length for channel in self._spoken)
            await self._judge.check(self._whole(), size)

    def _whole(self) -> dict[str, Any]:
        """All that was said, and the tools that were called, as an answer in one piece."""
        texts = [channel.text for channel in self._spoken]
        return _message(texts, [call.as_json() for call in self._calls if _named(call)])

    def _take(self, raw: bytes) -> None:
        raw = self._without_odd_lines(raw)
        data = sse.field(raw, b"data")
        if data is None or not data.strip():
            self._queue.append(Waiting(raw))
        elif data.strip() == sse.DONE:
            self._end(None)
            self._note_last(Waiting(raw))
        else:
            self._take_data(raw, data)

    def _without_odd_lines(self, raw: bytes) -> bytes:
        """An event as it may be sent, but for its data: clients can read its other lines too."""
        odd = sse.beside_data(raw)
        return sse.without_others(raw) if odd and self._cleaned(odd) else raw

    def _take_data(self, raw: bytes, data: bytes) -> None:
        body = self._decoded(raw, data)
        if body is None:
            self._queue.append(Waiting(raw))
            return
        if self._note is not None:
            self._note(body)
        event = read(self._protocol, body)
        waiting = Waiting(raw, body)
        alone = self._judge_rest(event, waiting)
        self._put_back_rest(event, waiting)
        for piece in event.pieces:
            channel = self._channel(piece)
            start, _ = channel.add(piece.text)
            if piece.path in alone:
                self._judge_alone(piece, channel, start)
            place = PlacedText(channel, piece.path, start, piece.text, piece.is_copy)
            waiting.places.append(place)
        for call in event.calls:
            self._take_call(call, waiting, is_whole=event.has_input)
        self._note_last(waiting)
        for group in finished(self._protocol, body):
            self._end(group)

    def _note_last(self, waiting: Waiting) -> None:
        self._queue.append(waiting)
        if self._judge.asks_about_answers:
            self._last = waiting

    def _decoded(self, raw: bytes, data: bytes) -> dict[str, Any] | None:
        """An event's body; None when it has none that clients read, or none must be read."""
        try:
            body = decoded(data)
        except UnreadableError:
            body = None
        if isinstance(body, dict):
            return body
        if sse.field(raw, b"event") in _KEEP_ALIVE and not self._cleaned([data.decode("latin-1")]):
            return None
        if self._judge.passes_unread:
            return None
        message = "The target's stream cannot be read, so it cannot be judged."
        raise UpstreamError(message, trigger="", code="unreadable_answer")

    def _judge_rest(self, event: EventStrings, waiting: Waiting) -> set[Path]:
        """Judge what belongs to no text, by itself; an event of its own with all that it has.

        Returns the paths of pieces to judge each by itself.
        """
        alone = {one.path for one in event.pieces if one.is_guessed and _is_label(one)}
        cleaned = self._cleaned([text for _, text in event.labels]) if event.labels else None
        for (path, _), text in zip(event.labels, cleaned or (), strict=False):
            waiting.is_rewritten = True
            put(waiting.body, path, text)
        is_own = self._protocol.typed and not event.goes_on
        if not (event.rest or event.has_input or is_own):
            return alone
        key = None if event.has_input or is_own else tuple(event.rest)
        if key and key in self._allowed:
            return alone
        judged = without(waiting.body, event.known)
        decision = self._heed(judged)
        if decision.body is None:
            if key:
                self._allow(key, [text for _, text in event.rest])
            return alone
        waiting.is_rewritten = True
        redacted = decision.body
        for number, piece in enumerate(event.pieces):
            if piece.is_guessed:
                # Its text may be cut further than by itself, and under another name.
                path = renamed(judged, redacted, piece.path)
                if at(redacted, path) != piece.text or piece.path in alone:
                    alone.add(path)
                put(redacted, path, piece.text)
                event.pieces[number] = piece._replace(path=path)
        for path in event.known:
            put_back(redacted, waiting.body, path)
        if not event.has_copies:
            without_copies(redacted)
        waiting.body = redacted
        return alone

    def _put_back_rest(self, event: EventStrings, waiting: Waiting) -> None:
        """Put values back into what was judged with its event."""
        if not self._judge.marks or not (event.rest or event.has_input or not event.goes_on):
            return
        besides = {*event.known, *event.going_on}
        answer = self._judge.with_values(waiting.body, besides=besides)
        if answer is not waiting.body:
            waiting.is_rewritten = True
            waiting.body = answer if event.has_copies else without_tokens(answer)

    def _judge_alone(self, piece: Piece, channel: Channel, start: int) -> None:
        """Judge a piece as if its text were whole; what is cut out is so from its text, too."""
        found = self._judge.weigh(piece.text, 0)
        self._judge.heed(found.decision)
        channel.cut_out(TextCut(*cut).moved(start) for cut in found.cuts)

    def _cleaned(self, texts: list[str]) -> list[str] | None:
        """Texts as they may be sent, each judged by itself; None when nothing is cut out."""
        key = tuple(texts)
        if key in self._allowed:
            return None
        decision = self._heed({"texts": texts})
        if decision.body is None:
            self._allow(key, texts)
            return None
        cleaned: list[str] = decision.body["texts"]
        return cleaned

    def _allow(self, key: Any, texts: list[str]) -> None:
        if len(self._allowed) < _MOST_ALLOWED and sum(map(len, texts)) < _LONGEST_ALLOWED:
            self._allowed.add(key)

    def _channel(self, piece: Piece) -> Channel:
        channel = self._channels.get(piece.key)
        if channel is None:
            channel = self._channels[piece.key] = Channel(is_signed=piece.is_signed)
            if not piece.is_copy:
                self._spoken.append(channel)
        self._active[channel] = piece.group
        return channel

    def _take_call(self, piece: CallPiece, waiting: Waiting, *, is_whole: bool) -> None:
        call, before = self._calls.take(piece)
        if before is not None:
            self._decide(before)
            before.arguments.finished = True
        if not call.decided:
            self._undecided[call] = None
        for path, text in piece.names:
            # Some send the name with each piece.
            new = text if text != call.name.text else ""
            start = call.name.add(new)[0] if new else 0
            waiting.places.append(PlacedText(call.name, path, start, text))
        if piece.arguments or is_whole or (piece.is_named_at_once and piece.names):
            self._decide(call)
        call.arguments.has_escapes = call.arguments.has_escapes or piece.has_escapes
        for path, text in piece.arguments:
            start, _ = call.arguments.add(text)
            waiting.places.append(PlacedText(call.arguments, path, start, text))
            self._active[call.arguments] = call.group
        if call.arguments.complete:
            call.arguments.finished = True

    def _decide(self, call: ToolCall) -> None:
        """Judge a call by its name, and as one more call than those before."""
        if call.decided:
            return
        call.decided = True
        self._undecided.pop(call, None)
        if not _named(call) and self._protocol.typed:
            return
        decision = self._heed(_message([], [call.as_json("")]))
        self._called.append(call)
        limit = self._judge.call_limit
        if limit is not None and len(self._called) > limit:
            self._heed(_message([], [one.as_json("") for one in self._called]))
        if decision.body is None:
            call.name.cleared = call.name.length
        else:
            calls = decision.body["choices"][0]["message"]["tool_calls"]
            call.name.replace(calls[0]["function"]["name"])

    def _end(self, group: Key | None) -> None:
        """End the texts and calls of a group, of all when it is None."""
        for channel, its in self._active.items():
            channel.finished = channel.finished or group is None or its == group
        for call in list(self._undecided):
            if group is None or call.group == group:
                self._decide(call)

    def _advance(self, stride: int) -> None:
        for channel in list(self._active):
            if channel.is_due(stride=stride):
                self._advance_text(channel)
            if channel.cleared == channel.length:
                del self._active[channel]

    def _advance_text(self, channel: Channel) -> None:
        channel.look()
        text = channel.window
        found = self._judge.weigh(text, channel.floor)
        limit = len(text) if channel.finished else found.settled
        if limit < len(text) and _stops(found.decision):
            before = self._judge.weigh(text[:limit], channel.floor)
            if not _stops(before.decision):
                # What was found reaches past the limit: `a bomb` may go on as `a bomb shelter`.
                return
        self._judge.heed(found.decision)
        cuts, limit = self._with_values(channel, channel.with_own(found.cuts), limit)
        try:
            channel.settle(limit, cuts)
        except UnstableError as exc:
            raise _stopped(UNSTABLE, "The answer could not be redacted.") from exc
        if channel.waits_too_long:
            raise _stopped(TOO_LONG, "The answer may hold a match that is too long to wait for.")

    def _with_values(
        self, channel: Channel, cuts: Sequence[Span], limit: int
    ) -> tuple[list[TextCut], int]:
        """The cuts with the values that are put back, and the limit before a mark that may come."""
        found = [TextCut(*cut) for cut in cuts]
        marks, text = self._judge.marks, channel.window
        if not marks or channel.is_signed:
            return found, limit
        pending = marks.pending(text)
        if not channel.finished:
            limit = min(limit, pending)
        elif self._is_broken and channel.floor <= pending < len(text):
            found += [TextCut(*half) for half in apart([(pending, len(text), "")], cuts)]
        values = apart(marks.find(text, channel.floor), cuts)
        self._judge.make_room(value for value in values if value[1] <= limit)
        found += [TextCut(*value, is_value=True) for value in values]
        return sorted(found), limit

    def _heed(self, body: Any) -> Decision:
        return self._judge.heed(self._judge.look(body))

    def _release(self) -> bytes:
        gone = []
        while self._queue and self._queue[0].is_ready and self._queue[0] is not self._last:
            gone.append(self._queue.popleft().rendered())
        return b"".join(gone)


def _named(call: ToolCall) -> bool:
    return call.name.length > 0


def _is_label(piece: Piece) -> bool:
    return is_label(piece.path[-1], piece.text)


def _stops(decision: Decision) -> bool:
    return decision.verdict in ("block", "escalate")


def _stopped(code: str, message: str) -> PolicyViolationError:
    decision = Decision("block", "gateway", code, message, (), None, (), None)
    return PolicyViolationError(decision, phase="output")


def _message(texts: list[str], calls: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer in one piece."""
    content = [{"type": "text", "text": text} for text in texts]
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = calls
    return {"choices": [{"index": 0, "message": message}]}
