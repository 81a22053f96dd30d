"""An event that was not sent yet, and how it is sent: byte for byte, or with what was cut out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kt.gateway.stream import sse
from kt.gateway.stream.channel import Channel
from kt.gateway.stream.pieces import put
from kt.policy.decision.reading.extract import Path

_COPY = "logprobs"


class PlacedText(NamedTuple):
    """A string of an event, and where it begins in the text of its channel."""

    channel: Channel
    path: Path
    start: int
    text: str
    is_copy: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(slots=True)
class Waiting:
    """An event in the queue. `is_rewritten`: `body` says something else than `raw` already."""

    raw: bytes
    body: Any = None
    places: list[PlacedText] = field(default_factory=list)
    is_rewritten: bool = False

    @property
    def is_ready(self) -> bool:
        """True when all of its texts may be sent."""
        return all(place.end <= place.channel.cleared for place in self.places)

    def rendered(self) -> bytes:
        """The event's own bytes, or its new ones when its text was cut."""
        cut = [(place, place.channel.redacted(place.start, place.text)) for place in self.places]
        for place, text in cut:
            if text is None:
                continue
            self.is_rewritten = True
            if place.is_copy:
                _drop_copy(self.body, place.path)
            else:
                put(self.body, place.path, text)
                _drop_copies(self.body)
        return sse.render(self.raw, self.body) if self.is_rewritten else self.raw


def _drop_copy(body: Any, path: Path) -> None:
    """Remove the tokens that a path leads into."""
    for step in path[: path.index(_COPY)]:
        body = body[step]
    body.pop(_COPY, None)


def _drop_copies(body: Any) -> None:
    """Remove the tokens of the texts of this event."""
    body.pop(_COPY, None)
    choices = body.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict):
            choice.pop(_COPY, None)
