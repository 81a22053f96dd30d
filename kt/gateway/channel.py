"""One text that a stream says, and how much of it may go."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from kt.gateway.holding import Hold
from kt.gateway.pieces import Key
from kt.policy.decision import Decision

_STRIDE = 32
_WINDOW = 4096
_CONTEXT = 1024
_LONGEST_WORD = 4096
_NOT_WORDS = re.compile(r"[\W_]+")
# Of what is held back, so much must be letters and digits: signs that are not read, put
# between letters, would otherwise carry a phrase's beginning past the mark.
_SPOKEN_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A stretch of the text, whole pieces, and what stands there instead."""

    start: int
    end: int
    text: str


class Channel:
    """`text` is all that was said, `cleared` how much of it was judged and may go."""

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
        """Append a piece; its end."""
        self.text += text
        self._ends.append(len(self.text))
        return len(self.text)

    @property
    def due(self) -> bool:
        """Whether enough is new to look again; the more is held back, the more must be new."""
        if self.finished:
            return self.cleared < len(self.text)
        stride = max(_STRIDE, (len(self.text) - self.start) // 16)
        return len(self.text) - self._looked_at >= stride

    @property
    def window(self) -> str:
        """What is judged: all that did not go yet, and some of what did."""
        return self.text[self.start :]

    def looked(self) -> None:
        """Note that the whole text was judged."""
        self._looked_at = len(self.text)

    def boundaries(self, hold: Hold) -> list[int]:
        """The ends of pieces up to which the text may be cut, the last first."""
        limit = self._limit(hold)
        return [end for end in reversed(self._ends) if end <= limit]

    def clear(self, end: int, text: str | None = None) -> None:
        """Let the text go up to `end`, as `text` when it was redacted."""
        if text is not None:
            self.rewrites.append(Rewrite(self.cleared, end, text))
        self.cleared = end
        while self._ends and self._ends[0] <= end:
            self._ends.popleft()
        self._slide()

    def _limit(self, hold: Hold) -> int:
        """Where the held-back end begins, between two words."""
        if self.finished:
            return len(self.text)
        if hold.everything or self.tool is not None:
            return self.cleared
        position = len(self.text) - hold.characters
        while position > self.cleared and not _spoken(self.text[position:], hold):
            position -= hold.characters
        if position <= self.cleared:
            return self.cleared
        space = max(self.text.rfind(sign, self.cleared, position) for sign in " \n\t")
        if space >= 0:
            return space + 1
        return position if position - self.cleared > _LONGEST_WORD else self.cleared

    def _slide(self) -> None:
        """Leave behind what is too far back to matter, between two words."""
        if len(self.text) - self.start <= _WINDOW or self.cleared - self.start <= 2 * _CONTEXT:
            return
        space = self.text.rfind(" ", self.start, self.cleared - _CONTEXT)
        self.start = space + 1 if space >= 0 else self.cleared - _CONTEXT


def _spoken(text: str, hold: Hold) -> bool:
    return len(_NOT_WORDS.sub("", text)) >= hold.characters * _SPOKEN_SHARE


def redacted_text(decision: Decision, original: str) -> str:
    """What `said(text)` became under a decision."""
    if decision.body is None:
        return original
    content: str = decision.body["choices"][0]["message"]["content"]
    return content


def said(text: str) -> dict[str, object]:
    """An answer that says `text` and nothing else, whatever format the stream has."""
    message = {"role": "assistant", "content": text}
    return {"choices": [{"index": 0, "message": message}]}
