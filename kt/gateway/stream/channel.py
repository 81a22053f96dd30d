"""One text of a stream: what of it was judged, what still waits, and what is cut out of it."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from json import dumps
from typing import NamedTuple

from kt.policy.decision import HOLD_LIMIT
from kt.policy.decision.cutting.landing import Landing, is_plain
from kt.policy.decision.reading.jsonscan import JsonScan
from kt.policy.decision.reading.jsontext import unescaped, unfinished
from kt.policy.decision.values import Span

# What stands before the text that is judged, for the words that give it another sense.
_CONTEXT = 512
# A text is looked at again when it grew by this part of what waits: 64 KiB that wait are not
# read again for each word.
_SHARE = 12


class UnstableError(Exception):
    """A match reaches into what was sent, or through the structure of a JSON text."""


class TextCut(NamedTuple):
    """A span of a text and what stands in its place. `is_value`: the value of the mark there."""

    first: int
    last: int
    text: str
    is_value: bool = False

    def moved(self, by: int) -> TextCut:
        """The same in a text that stands behind another one."""
        return self._replace(first=self.first + by, last=self.last + by)


class Channel:
    """A text, of which the first `cleared` characters may be sent.

    Where it is the beginning of a JSON object or array up to its first escape, it is judged with
    its escapes undone. `window` is the text to judge, of which what is before `floor` was judged.
    `is_arguments`: the text is to be JSON, and stays it; `has_escapes`: whatever it begins with.
    `is_signed`: no value is put back into it.
    """

    def __init__(self, *, is_arguments: bool = False, is_signed: bool = False) -> None:
        self.length = 0
        self.cleared = 0
        self.finished = False
        self.window = ""
        self.floor = 0
        self.held = 0
        self._parts: list[str] = []
        self._cuts: deque[tuple[int, int, str]] = deque()
        self._own: list[TextCut] = []
        # The end of the text, from `_start` on, and where the window's characters are in it.
        self._source = ""
        self._start = 0
        self._offsets: Sequence[int] | None = None
        self._looked_at = 0
        self._json: JsonScan | None = JsonScan()
        self._stays_json = is_arguments
        self.has_escapes = False
        self.is_signed = is_signed
        # Where values are put back, and how much of the text it has read.
        self._landing = Landing()
        self._landed = 0

    @property
    def text(self) -> str:
        """The whole text so far."""
        return "".join(self._parts)

    @property
    def complete(self) -> bool:
        """True when the text is a whole JSON object or array."""
        return self._json is not None and self._json.complete

    def add(self, text: str) -> tuple[int, int]:
        """Append a piece; returns its place in the text."""
        start = self.length
        self._parts.append(text)
        self._source += text
        self.length += len(text)
        self.finished = False
        # Of a whole answer, too, JSON is read as such when it has escapes.
        self._stays_json = self._stays_json or "\\" in text
        if self._json is not None:
            self._scan(self._json, text)
        return start, self.length

    def _scan(self, scan: JsonScan, text: str) -> None:
        first = text.find("\\") + 1
        if first and not self.has_escapes:
            scan.feed(text[:first])
            self.has_escapes = not scan.broken
            text = text[first:]
        scan.feed(text)
        if scan.broken:
            self._json = None

    def is_due(self, *, stride: int) -> bool:
        """True when there is enough new text to look at: `stride` characters, or more."""
        if self.finished:
            return self.cleared < self.length
        new = self.length - self._looked_at
        return new >= stride and new * _SHARE >= self._looked_at - self.cleared

    @property
    def waits_too_long(self) -> bool:
        """True when more was looked at, and cannot be sent, than one match may keep back."""
        return self.held > HOLD_LIMIT

    def look(self) -> None:
        """Make `window` and `floor` of the text so far."""
        self._looked_at = self.length
        self.window, self._offsets = self._source, None
        self.floor = self.cleared - self._start
        if not self.has_escapes:
            return
        begun = 0 if self.finished else unfinished(self._source)
        self.window, self._offsets = unescaped(self._source[: len(self._source) - begun])
        if self._offsets:
            self.floor = bisect_left(self._offsets, self.floor)

    def cut_out(self, cuts: Iterable[TextCut]) -> None:
        """Cut these spans of the text out, whatever is found in all of it."""
        self._own += cuts

    def with_own(self, cuts: Sequence[Span]) -> Sequence[Span]:
        """Cuts of the window with those that must be; those that overlap as one."""
        if not self._own:
            return cuts
        self._own = [own for own in self._own if own.last > self.cleared]
        own = ((self._shown(cut.first), self._shown(cut.last), cut.text) for cut in self._own)
        found: list[Span] = []
        for first, last, marker in sorted([*cuts, *own], key=lambda cut: (cut[0], -cut[1])):
            if found and first < found[-1][1]:
                before = found.pop()
                first, last, marker = before[0], max(before[1], last), before[2]
            found.append((first, last, marker))
        return found

    def settle(self, limit: int, cuts: Iterable[TextCut]) -> None:
        """Clear the window's text up to `limit`, but for what is cut out of it.

        A cut that reaches past `limit` waits as a whole.

        Raises:
            UnstableError: what must be cut was sent already, or a JSON text would be none.
        """
        for cut in cuts:
            if cut.last > limit:
                limit = min(limit, cut.first)
                break
            first, last = self._placed(cut.first), self._placed(cut.last)
            if cut.is_value:
                self._cuts.append((first, last, self._written(first, cut.text)))
            else:
                self._cut(first, last, cut.text)
        self.held = len(self.window) - max(limit, self.floor)
        self.cleared = max(self.cleared, self._placed(limit))
        self._slide()

    def replace(self, text: str) -> None:
        """Clear the whole text for sending, as another one.

        Raises:
            UnstableError: a part of it was sent already.
        """
        if self.cleared:
            raise UnstableError
        self._cuts.append((0, self.length, text))
        self.cleared = self.length

    def redacted(self, start: int, text: str) -> str | None:
        """A piece without what is cut out of it; None when nothing is. Pieces come in order."""
        while self._cuts and self._cuts[0][1] <= start:
            self._cuts.popleft()
        end = start + len(text)
        kept = []
        at = start
        for first, last, marker in self._cuts:
            if first >= end:
                break
            kept += [text[at - start : max(first, at) - start], marker if first >= start else ""]
            at = min(last, end)
        return "".join([*kept, text[at - start :]]) if kept else None

    def _placed(self, at: int) -> int:
        """The place in the text of a place in the window."""
        return self._start + (self._offsets[at] if self._offsets else at)

    def _shown(self, at: int) -> int:
        """The place in the window of a place in the text."""
        at -= self._start
        return bisect_left(self._offsets, at) if self._offsets else at

    def _cut(self, first: int, last: int, marker: str) -> None:
        if first < self.cleared:
            before = self._cuts[-1] if self._cuts else (0, 0, "")
            if before[0] > first or before[1] < self.cleared:
                raise UnstableError
            # What was sent of it was a marker.
            first, marker = self.cleared, ""
        if self._json is not None and self._stays_json:
            marker = self._quoted(self._json.quotes, first, last, marker)
        self._cuts.append((first, last, marker))

    def _written(self, first: int, value: str) -> str:
        """A value as it is written at a place of the text; the places come in order."""
        if is_plain(value):
            return value
        self._landing.feed(self.text[self._landed : first])
        self._landed = first
        return self._landing.written(value)

    def _quoted(self, quotes: Sequence[int], first: int, last: int, marker: str) -> str:
        """The marker as it stands in a JSON text: escaped in a string, else a string."""
        before = bisect_left(quotes, first)
        if bisect_left(quotes, last) != before:
            raise UnstableError
        written = dumps(marker, ensure_ascii=False)
        return written[1:-1] if before % 2 else written

    def _slide(self) -> None:
        """Move the window's start forward, to between two words."""
        if self.cleared - self._start <= 2 * _CONTEXT:
            return
        aim = self.cleared - _CONTEXT - self._start
        space = self._source.rfind(" ", aim - _CONTEXT // 2, aim)
        if space < 0 and self._offsets:
            # Never into an escape.
            aim = self._offsets[bisect_left(self._offsets, aim)]
        cut = space + 1 if space >= 0 else aim
        self._source = self._source[cut:]
        self._start += cut
