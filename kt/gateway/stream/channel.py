"""One text of a stream, and how much of it may be sent."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from kt.gateway.stream.pieces import Key
from kt.policy.decision import Decision

_STRIDE = 32
_WINDOW = 4096
_CONTEXT = 1024


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A stretch of the text, in whole pieces, and its replacement."""

    start: int
    end: int
    text: str


class Channel:
    """One text of a stream: `text` so far, of which `cleared` characters may be sent."""

    def __init__(self, key: Key, group: Key, tool: Key | None, *, is_name: bool = False) -> None:
        self.key = key
        self.group = group
        self.tool = tool
        self.is_name = is_name
        self.text = ""
        self.cleared = 0
        self.start = 0
        self.finished = False
        self.rewrites: list[Rewrite] = []
        self._ends: deque[int] = deque()
        self._looked_at = 0

    def add(self, text: str) -> int:
        """Append a piece; returns its end in the text."""
        self.text += text
        self._ends.append(len(self.text))
        return len(self.text)

    @property
    def due(self) -> bool:
        """True when there is enough new text to judge; the more is held back, the more it takes."""
        if self.finished:
            return self.cleared < len(self.text)
        stride = max(_STRIDE, (len(self.text) - self.start) // 16)
        return len(self.text) - self._looked_at >= stride

    @property
    def window(self) -> str:
        """The text to judge: all that was not sent, and some before it as context."""
        return self.text[self.start :]

    def looked(self) -> None:
        """Note that the whole text was judged."""
        self._looked_at = len(self.text)

    def boundaries(self, limit: int) -> list[int]:
        """The ends of pieces up to which the text may be cut, the last first.

        `limit` counts in `window`.
        """
        return [end for end in reversed(self._ends) if end <= self.start + limit]

    def clear(self, end: int, text: str | None = None) -> None:
        """Clear the text up to `end` for sending, as `text` when it was redacted."""
        if text is not None:
            self.rewrites.append(Rewrite(self.cleared, end, text))
        self.cleared = end
        while self._ends and self._ends[0] <= end:
            self._ends.popleft()
        self._slide()

    def _slide(self) -> None:
        """Move the window's start forward, to between two words."""
        if len(self.text) - self.start <= _WINDOW or self.cleared - self.start <= 2 * _CONTEXT:
            return
        space = self.text.rfind(" ", self.start, self.cleared - _CONTEXT)
        self.start = space + 1 if space >= 0 else self.cleared - _CONTEXT


def redacted_text(decision: Decision, original: str) -> str:
    """The text of `said(original)` after a decision."""
    if decision.body is None:
        return original
    content: str = decision.body["choices"][0]["message"]["content"]
    return content


def said(text: str) -> dict[str, object]:
    """A chat answer whose whole content is `text`, whatever format the stream has."""
    message = {"role": "assistant", "content": text}
    return {"choices": [{"index": 0, "message": message}]}
