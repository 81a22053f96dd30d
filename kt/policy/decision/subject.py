"""The subject of a decision: a request or an answer, parsed once for all policies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from kt.policy.decision.matching.matcher import Known
from kt.policy.decision.reading.extract import Part, Path, Unread, read
from kt.policy.decision.reading.hidden.runs import MOST
from kt.policy.decision.reading.hidden.stage import begun, disguises, readings
from kt.policy.decision.reading.passages import Passage, Stretch, conversations, glued, single
from kt.policy.decision.reading.reading import Reading
from kt.policy.decision.tools.calls import Tools, tools
from kt.policy.decision.values import Request, Stage


class Subject:
    """A request or an answer for policies to judge. Each property is made when first used.

    It serves one decision. `body` is the request's at the stage `pre-request`, the
    answer's at `post-response`.
    """

    def __init__(self, request: Request, stage: Stage, body: Any) -> None:
        self.request = request
        self.stage = stage
        self.body = body
        # Not by `cached_property`, which takes a lock: these are made for every decision.
        self._found: tuple[tuple[Part, ...], tuple[Unread, ...]] | None = None
        self._texts: Sequence[Reading] | None = None
        self._conversation: Sequence[Reading] | None = None
        self._disguised: Sequence[Reading] | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        return self._read()[0]

    @property
    def unread(self) -> tuple[Unread, ...]:
        """What no policy can read, the first place of each sort."""
        return self._read()[1]

    def _read(self) -> tuple[tuple[Part, ...], tuple[Unread, ...]]:
        if self._found is None:
            role = "user" if self.stage == "pre-request" else "assistant"
            self._found = read(self.body, role)
        return self._found

    @cached_property
    def tools(self) -> Tools:
        return tools(self.body)

    @property
    def texts(self) -> Sequence[Reading]:
        """Every part, and the parts of one message joined."""
        if self._texts is None:
            self._texts = _readings((*single(self.parts), *glued(self.parts)))
        return self._texts

    @property
    def conversation(self) -> Sequence[Reading]:
        """The conversation as one text, when it is more than one."""
        if self._conversation is None:
            self._conversation = _readings(conversations(self.parts))
        return self._conversation

    def phrased(self, known: Known) -> Iterator[Reading]:
        """All readings in which phrases are looked for: no value stands in the disguised ones.

        A part of which enough is `known`, at the time, is not read in its disguises: whoever
        refuses it refuses it in any case.
        """
        written = (*self.texts, *self.conversation)
        for reading in written:
            if reading.is_written or not enough(known, reading.part):
                yield reading
        if all(enough(known, reading.part) for reading in written):
            return
        if self._disguised is None:
            self._disguised = tuple(disguises(written))
        for reading in self._disguised:
            if not enough(known, reading.part):
                yield reading


# Rules of a kind that hit one part. Most attacks hit one to three, collections of them nearly all.
_ENOUGH = 6


def enough(known: Known, part: int | None) -> bool:
    """Whether so many rules hit a part that any more say nothing new."""
    return part is not None and sum(one == part for one, _ in known) >= _ENOUGH


def ending(text: str, floor: int) -> tuple[Reading, ...]:
    """The readings of a text up to where its end may still become something hidden."""
    return _readings((Passage(text[: begun(text)], (Stretch(0, 0),), floor),))


def awaited(reading: Reading, pending: int, text: str) -> int:
    """The place of the text from which what may still come of a reading is waited for.

    Of a run of a code so much is decoded and no more, and nothing is to be waited for behind it.
    Blanks before what may be hidden are beside a value and none of it.
    """
    place, end = reading.position(pending), reading.position(len(reading.text))
    if end < len(text) and text[place:end].isspace():
        return end
    return end if reading.decoded and end - place >= MOST else place


def subject_of_text(request: Request, text: str, floor: int) -> Subject:
    """The subject of one text of an answer, read as it is; what ends before `floor` is no hit."""
    message = {"role": "assistant", "content": text}
    subject = Subject(request, "post-response", {"choices": [{"index": 0, "message": message}]})
    unit: Path = ("choices", 0, "message")
    part = Part((*unit, "content"), "assistant", text, text, None, "text", unit)
    subject._found = ((part,), ())
    subject._texts = _readings((Passage(text, (Stretch(0, 0),), floor),))
    return subject


def _readings(passages: Sequence[Passage]) -> tuple[Reading, ...]:
    return tuple(one for passage in passages if passage.text for one in readings(passage))
