"""The protocols of streams, a table each: which strings of an event are what.

A line says what the strings at a path are, in the events of a type. `#` in a path is any place
of a list, `*` any key that no other line names, and `**` at its begin any depth. The route of
a call says which protocol its stream speaks; a `type` in an event says which of the
protocol's events it is, and in chat completions it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from types import MappingProxyType


class Role(Enum):
    """What a string is."""

    TEXT = auto()
    """A piece of a text that goes on in later events: of the channel that the line names."""
    COPY = auto()
    """A piece of a text once more, by token. What holds it goes when one of its pieces is cut."""
    CALL_ID = auto()
    """The id of a tool call. Another one begins another call, whatever the call's number."""
    CALL = auto()
    """The type of a tool call, which stands where one begins."""
    NAME = auto()
    """A tool's name, or a piece of it."""
    ARGUMENTS = auto()
    """A piece of a tool call's arguments, which are JSON."""
    INPUT = auto()
    """A piece of what a tool gets that takes any text."""
    LABEL = auto()
    """A word of the protocol, or an identifier. What is no single word is judged as text."""
    OPAQUE = auto()
    """No text: sound, padding, seals. What has blanks within is judged as text."""


@dataclass(frozen=True, slots=True)
class TableLine:
    """A line of a table. `event` is a type, `*.SUFFIX` for all that end so, "" for all.

    `signed`: what the text says is signed, and goes back to the target as it came.
    """

    event: str
    path: str
    role: Role
    channel: str = ""
    signed: bool = False

    def covers(self, kind: str) -> bool:
        """True when the line is for events of a type."""
        if self.event.startswith("*"):
            return kind.endswith(self.event[1:])
        return self.event in ("", kind)


@dataclass(frozen=True, eq=False)
class Protocol:
    """What the events of one route's streams hold.

    `typed`: the `type` of an event names it, and its texts belong to what `group` names. Without
    types texts belong to a choice. `slot` names a tool call, by the first of these that an
    event has. Events whose type ends in one of `ends` end the texts that they name, those in
    `last` all.
    """

    lines: tuple[TableLine, ...]
    typed: bool
    group: tuple[str, ...] = ()
    slot: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    last: frozenset[str] = frozenset()


CHAT = Protocol(
    lines=(
        TableLine("", "id", Role.LABEL),
        TableLine("", "object", Role.LABEL),
        TableLine("", "model", Role.LABEL),
        TableLine("", "system_fingerprint", Role.LABEL),
        TableLine("", "service_tier", Role.LABEL),
        TableLine("", "obfuscation", Role.OPAQUE),
        TableLine("", "choices.#.finish_reason", Role.LABEL),
        TableLine("", "choices.#.delta.role", Role.LABEL),
        TableLine("", "choices.#.delta.content", Role.TEXT, "content"),
        TableLine("", "choices.#.delta.refusal", Role.TEXT, "refusal"),
        TableLine("", "choices.#.delta.reasoning", Role.TEXT, "reasoning"),
        TableLine("", "choices.#.delta.reasoning_content", Role.TEXT, "reasoning content"),
        # Any other string of a delta may go on in later ones, and may be whole.
        TableLine("", "choices.#.delta.*", Role.TEXT, "*"),
        TableLine("", "choices.#.delta.content.#.type", Role.LABEL),
        TableLine("", "choices.#.delta.content.#.text", Role.TEXT, "content"),
        TableLine("", "choices.#.delta.content.#.thinking.#.type", Role.LABEL),
        TableLine("", "choices.#.delta.content.#.thinking.#.text", Role.TEXT, "thinking"),
        TableLine("", "choices.#.delta.reasoning_details.#.type", Role.LABEL),
        TableLine("", "choices.#.delta.reasoning_details.#.format", Role.LABEL),
        TableLine(
            "", "choices.#.delta.reasoning_details.#.text", Role.TEXT, "reasoning details", True
        ),
        TableLine(
            "", "choices.#.delta.reasoning_details.#.summary", Role.TEXT, "reasoning summary"
        ),
        TableLine("", "choices.#.delta.reasoning_details.#.signature", Role.OPAQUE),
        TableLine("", "choices.#.delta.audio.id", Role.LABEL),
        TableLine("", "choices.#.delta.audio.transcript", Role.TEXT, "transcript"),
        TableLine("", "choices.#.delta.audio.data", Role.OPAQUE),
        TableLine("", "choices.#.logprobs.content.#.token", Role.COPY, "tokens"),
        TableLine("", "choices.#.logprobs.content.#.top_logprobs.#.token", Role.OPAQUE),
        TableLine("", "choices.#.logprobs.refusal.#.token", Role.COPY, "refused tokens"),
        TableLine("", "choices.#.logprobs.refusal.#.top_logprobs.#.token", Role.OPAQUE),
        TableLine("", "choices.#.delta.tool_calls.#.id", Role.CALL_ID),
        TableLine("", "choices.#.delta.tool_calls.#.type", Role.CALL),
        TableLine("", "choices.#.delta.tool_calls.#.function.name", Role.NAME),
        TableLine("", "choices.#.delta.tool_calls.#.function.arguments", Role.ARGUMENTS),
        TableLine("", "choices.#.delta.tool_calls.#.custom.name", Role.NAME),
        TableLine("", "choices.#.delta.tool_calls.#.custom.input", Role.INPUT),
        TableLine("", "choices.#.delta.function_call.name", Role.NAME),
        TableLine("", "choices.#.delta.function_call.arguments", Role.ARGUMENTS),
    ),
    typed=False,
)

COMPLETIONS = Protocol(
    lines=(
        TableLine("", "id", Role.LABEL),
        TableLine("", "object", Role.LABEL),
        TableLine("", "model", Role.LABEL),
        TableLine("", "system_fingerprint", Role.LABEL),
        TableLine("", "choices.#.finish_reason", Role.LABEL),
        TableLine("", "choices.#.text", Role.TEXT, "text"),
        TableLine("", "choices.#.logprobs.tokens.#", Role.COPY, "tokens"),
    ),
    typed=False,
)

MESSAGES = Protocol(
    lines=(
        TableLine("", "**.type", Role.LABEL),
        TableLine("", "**.id", Role.LABEL),
        TableLine("", "**.tool_use_id", Role.LABEL),
        TableLine("", "**.role", Role.LABEL),
        TableLine("", "**.model", Role.LABEL),
        TableLine("", "**.stop_reason", Role.LABEL),
        TableLine("", "**.service_tier", Role.LABEL),
        TableLine("", "**.encrypted_content", Role.OPAQUE),
        TableLine("content_block_start", "content_block.text", Role.TEXT, "text"),
        TableLine("content_block_start", "content_block.thinking", Role.TEXT, "thinking", True),
        TableLine("content_block_start", "content_block.signature", Role.OPAQUE),
        TableLine("content_block_start", "content_block.name", Role.NAME),
        TableLine("content_block_delta", "delta.text", Role.TEXT, "text"),
        TableLine("content_block_delta", "delta.thinking", Role.TEXT, "thinking", True),
        TableLine("content_block_delta", "delta.signature", Role.OPAQUE),
        TableLine("content_block_delta", "delta.partial_json", Role.ARGUMENTS),
    ),
    typed=True,
    group=("index",),
    slot=("index",),
    ends=("content_block_stop",),
    last=frozenset({"message_delta", "message_stop", "error"}),
)

RESPONSES = Protocol(
    lines=(
        TableLine("", "**.type", Role.LABEL),
        TableLine("", "**.id", Role.LABEL),
        TableLine("", "**.item_id", Role.LABEL),
        TableLine("", "**.call_id", Role.LABEL),
        TableLine("", "**.object", Role.LABEL),
        TableLine("", "**.role", Role.LABEL),
        TableLine("", "**.model", Role.LABEL),
        TableLine("", "**.status", Role.LABEL),
        TableLine("", "**.service_tier", Role.LABEL),
        TableLine("", "**.encrypted_content", Role.OPAQUE),
        TableLine("", "obfuscation", Role.OPAQUE),
        # Any other string of this name goes on in later events.
        TableLine("*.delta", "delta", Role.TEXT, "text"),
        TableLine("*arguments.delta", "delta", Role.ARGUMENTS),
        TableLine("response.custom_tool_call_input.delta", "delta", Role.INPUT),
        TableLine("response.audio.delta", "delta", Role.OPAQUE),
        TableLine("*.delta", "logprobs.#.token", Role.COPY, "tokens"),
        TableLine("*.delta", "logprobs.#.top_logprobs.#.token", Role.OPAQUE),
        TableLine("response.content_part.added", "part.text", Role.TEXT, "text"),
        TableLine("response.content_part.added", "part.refusal", Role.TEXT, "text"),
        TableLine("response.reasoning_summary_part.added", "part.text", Role.TEXT, "text"),
        TableLine("response.output_item.added", "item.name", Role.NAME),
        TableLine("response.output_item.done", "item.name", Role.NAME),
    ),
    typed=True,
    group=("item_id", "output_index", "content_index", "summary_index"),
    slot=("output_index", "item_id"),
    ends=(".done",),
    last=frozenset({"response.completed", "response.incomplete", "response.failed", "error"}),
)

_BY_ROUTE: Mapping[str, Protocol] = MappingProxyType(
    {"/v1/completions": COMPLETIONS, "/v1/messages": MESSAGES, "/v1/responses": RESPONSES}
)


def protocol_of(route: str) -> Protocol:
    """The protocol that the streams of a route speak."""
    return _BY_ROUTE.get(route, CHAT)


class Branch:
    """The lines below a step of their paths: of strings, and of what holds more, by next step."""

    def __init__(self) -> None:
        self.strings: dict[str, TableLine] = {}
        self.inner: dict[str, Branch] = {}

    def line(self, step: str) -> TableLine | None:
        """The line of a string."""
        return self.strings.get(step) or self.strings.get("*")


@dataclass(frozen=True, slots=True)
class Table:
    """The lines for one type of event: by path, as a tree, and those for any depth, by key."""

    root: Branch
    anywhere: Mapping[str, TableLine]


@lru_cache(maxsize=256)
def table(protocol: Protocol, kind: str) -> Table:
    """The lines for events of a type, of several for one path the last."""
    root = Branch()
    anywhere = {}
    for line in protocol.lines:
        *steps, last = line.path.split(".")
        if not line.covers(kind):
            continue
        if steps[:1] == ["**"]:
            anywhere[last] = line
            continue
        branch = root
        for step in steps:
            branch = branch.inner.setdefault(step, Branch())
        branch.strings[last] = line
    return Table(root, anywhere)
