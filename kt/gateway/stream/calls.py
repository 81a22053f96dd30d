"""The tool calls of a stream: which call a piece belongs to, and where another one begins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kt.gateway.stream.channel import Channel
from kt.gateway.stream.pieces import CallPiece, Key


class ToolCall:
    """A tool call. `decided`: its name was judged."""

    def __init__(self, group: Key) -> None:
        self.group = group
        self.id = ""
        self.name = Channel()
        self.arguments = Channel(is_arguments=True)
        self.decided = False

    def as_json(self, arguments: str | None = None) -> dict[str, Any]:
        """The call as an answer in one piece has it."""
        given = self.arguments.text if arguments is None else arguments
        return {"type": "function", "function": {"name": self.name.text, "arguments": given}}

    def continues_with(self, piece: CallPiece) -> bool:
        """Whether a piece with this call's number is a piece of this call.

        Some providers number all calls 0: an id or a name that is another one, or that follows
        complete arguments, begins the next.
        """
        if piece.is_named_at_once:
            return not piece.name or (piece.name == self.name.text and not piece.begins)
        if piece.id and self.id and piece.id != self.id:
            return False
        if not piece.name or piece.name == self.name.text:
            again = piece.id or piece.name
            return bool(piece.id and self.id) or not (again and self.arguments.complete)
        # The name goes on, unless it was used or a call of another name begins.
        return not self.decided and not (self.name.length and piece.begins)


class ToolCalls:
    """All calls of a stream, in the order in which they began."""

    def __init__(self) -> None:
        self._all: list[ToolCall] = []
        self._by_slot: dict[Key, ToolCall] = {}
        self._by_id: dict[tuple[Key, str], ToolCall] = {}

    def __iter__(self) -> Iterator[ToolCall]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def take(self, piece: CallPiece) -> tuple[ToolCall, ToolCall | None]:
        """The call of a piece, and the one before it in its place when it begins another."""
        known = self._by_id.get((piece.group, piece.id)) if piece.id else None
        before = self._by_slot.get(piece.slot)
        call = known or before
        if call is None or not call.continues_with(piece):
            call = ToolCall(piece.group)
            self._all.append(call)
        call.id = call.id or piece.id
        self._by_slot[piece.slot] = call
        if call.id:
            self._by_id[piece.group, call.id] = call
        return call, before if before is not call else None
