"""The strings of an event, as its protocol's table says: pieces of texts and of tool calls.

Whatever no line of the table names belongs to nothing else and is judged with its event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from kt.gateway.stream.protocols import Branch, Protocol, Role, TableLine, table
from kt.policy.decision.reading.extract import Path, is_label

Key: TypeAlias = tuple[Any, ...]

# What a label looks like. Text has blanks, or signs that no identifier has.
_WORD = re.compile(r"[\w.:/+=~|-]*", re.ASCII)
_WALKED = (str, dict, list)
_JSON_INPUTS = ("arguments", "input")


class Piece(NamedTuple):
    """A string that continues the text of a channel.

    `group` is what ends as one. `is_signed`: no word of the text may be another one. `is_guessed`:
    nobody knows that it goes on, so it is judged by itself as well.
    """

    key: Key
    group: Key
    path: Path
    text: str
    is_copy: bool = False
    is_signed: bool = False
    is_guessed: bool = False


@dataclass(slots=True)
class CallPiece:
    """What an event has of one tool call; the paths of its strings are beside them.

    `slot` is the call's number; `begins` is true where its type stands, or in an event that
    begins one. With `is_named_at_once` a name comes in one piece and before all else, or never.
    `has_escapes`: the arguments are JSON.
    """

    slot: Key
    group: Key
    is_named_at_once: bool
    id: str = ""
    begins: bool = False
    has_escapes: bool = False
    names: list[tuple[Path, str]] = field(default_factory=list)
    arguments: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return "".join(text for _, text in self.names)


_LABELS = (Role.LABEL, Role.CALL, Role.CALL_ID)
_OF_CALLS = (Role.NAME, Role.ARGUMENTS, Role.INPUT, Role.CALL_ID, Role.CALL)


class EventStrings(NamedTuple):
    """The strings of an event.

    `rest` has what no line names, `labels` that of it which a body's reader takes for labels,
    and `known` the paths of what is none of it. `has_input`: a call's input stands in the event
    as JSON and not as a text.
    """

    pieces: list[Piece]
    calls: list[CallPiece]
    rest: list[tuple[Path, str]]
    labels: list[tuple[Path, str]]
    known: list[Path]
    has_input: bool

    @property
    def has_copies(self) -> bool:
        """True when the event has copies of a text that goes on, which are judged with it."""
        return any(piece.is_copy for piece in self.pieces)

    @property
    def going_on(self) -> set[Path]:
        """The paths of what goes on in later events: of texts and of calls."""
        paths = {piece.path for piece in self.pieces}
        for call in self.calls:
            paths.update(path for path, _ in (*call.names, *call.arguments))
        return paths

    @property
    def goes_on(self) -> bool:
        """True when the event continues a text or the arguments of a call."""
        return bool(self.pieces) or any(call.arguments for call in self.calls)


def read(protocol: Protocol, body: Mapping[str, Any]) -> EventStrings:
    """Sort the strings of an event by the protocol's table."""
    given = body.get("type") if protocol.typed else ""
    kind = given if isinstance(given, str) else ""
    found = _Found(protocol, body, kind)
    lines = table(protocol, kind)
    anywhere = lines.anywhere
    waiting: list[tuple[Any, Branch | None, Path]] = [(body, lines.root, ())]
    while waiting:
        value, branch, path = waiting.pop()
        inner: list[tuple[Any, Branch | None, Path]] = []
        is_list = type(value) is list
        for step, item in enumerate(value) if is_list else value.items():
            sort = type(item)
            if not item or sort not in _WALKED:
                continue
            key = "#" if is_list else str(step)
            if sort is str:
                line = branch.line(key) if branch else None
                found.take((*path, step), item, line or anywhere.get(key))
                continue
            deeper = branch.inner.get(key) if branch else None
            found.has_input = found.has_input or (deeper is None and step in _JSON_INPUTS)
            inner.append((item, deeper, (*path, step)))
        waiting += reversed(inner)
    return found.event()


class _Found:
    """What was found in an event so far."""

    def __init__(self, protocol: Protocol, body: Mapping[str, Any], kind: str) -> None:
        self._kind = kind
        self._protocol = protocol
        self._body = body
        self._pieces: list[Piece] = []
        self._calls: dict[Path, CallPiece] = {}
        self._rest: list[tuple[Path, str]] = []
        self._labels: list[tuple[Path, str]] = []
        self._known: list[Path] = []
        self.has_input = False

    def event(self) -> EventStrings:
        calls = [call for call in self._calls.values() if call.names or call.arguments]
        return EventStrings(
            self._pieces, calls, self._rest, self._labels, self._known, self.has_input
        )

    def take(self, path: Path, text: str, line: TableLine | None) -> None:
        """Sort a string, which has some text, by its line."""
        if line is None or _is_text_after_all(line.role, text):
            self._rest.append((path, text))
            if line or is_label(path[-1], text):
                self._labels.append((path, text))
            return
        if line.channel == "*":
            self._text(path, text, line)
            self._rest.append((path, text))
            return
        if line.role in (Role.TEXT, Role.COPY):
            self._text(path, text, line)
        elif line.role in _OF_CALLS:
            self._call(path, text, line.role)
        # The types and names of an item are read with the rest of it.
        if not (line.path.startswith("**") or (self._protocol.typed and line.role is Role.NAME)):
            self._known.append(path)

    def _text(self, path: Path, text: str, line: TableLine) -> None:
        group = self._group(path)
        is_guessed = line.channel == "*"
        key = (*group, path[-1] if is_guessed else line.channel)
        is_copy = line.role is Role.COPY
        self._pieces.append(Piece(key, group, path, text, is_copy, line.signed, is_guessed))

    def _call(self, path: Path, text: str, role: Role) -> None:
        # The call's own mapping: a list's item or what stands under a key.
        holder = path[:-1] if self._protocol.typed or path[-3] == "delta" else _item(path)
        call = self._calls.get(holder)
        if call is None:
            call = CallPiece(self._slot(holder), self._group(path), self._protocol.typed)
            call.begins = call.is_named_at_once and not self._kind.endswith(self._protocol.ends)
            self._calls[holder] = call
        if role is Role.CALL_ID:
            call.id = text
        elif role is Role.CALL:
            call.begins = True
        elif role is Role.NAME:
            call.names.append((path, text))
        else:
            call.has_escapes = role is Role.ARGUMENTS
            call.arguments.append((path, text))

    def _group(self, path: Path) -> Key:
        """The choice, block or item that a string belongs to."""
        body = self._body
        if not self._protocol.typed:
            choices = body["choices"]
            return (_index(choices[path[1]], path[1]),)
        item = body.get("item")
        if isinstance(item, dict):
            body = {**body, "item_id": item.get("id")}
        return _named(body, self._protocol.group)

    def _slot(self, holder: Path) -> Key:
        """The number of a call, which providers send; their order says nothing."""
        if self._protocol.typed:
            given = _named(self._body, self._protocol.slot)
            return (next((one for one in given if one is not None), None),)
        choice = (_index(self._body["choices"][holder[1]], holder[1]),)
        if not isinstance(holder[-1], int):
            return (*choice, holder[-1])
        value: Any = self._body
        for step in holder:
            value = value[step]
        return (*choice, _index(value, holder[-1]))


def _is_text_after_all(role: Role, text: str) -> bool:
    if role is Role.OPAQUE:
        return len(text.split(None, 1)) > 1
    return role in _LABELS and not _WORD.fullmatch(text)


def _item(path: Path) -> Path:
    """The path up to the last place of a list in it."""
    last = max(at for at, step in enumerate(path) if isinstance(step, int))
    return path[: last + 1]


def _named(body: Mapping[str, Any], names: tuple[str, ...]) -> Key:
    values = (body.get(name) for name in names)
    return tuple(value if isinstance(value, int | str) else None for value in values)


def _index(value: Any, position: Any) -> Any:
    given = value.get("index") if isinstance(value, Mapping) else None
    return given if isinstance(given, int) else position


def finished(protocol: Protocol, body: Mapping[str, Any]) -> Iterator[Key | None]:
    """The groups that an event ends; None ends all."""
    if not protocol.typed:
        for at, choice in enumerate(_list(body.get("choices"))):
            if isinstance(choice, Mapping) and choice.get("finish_reason"):
                yield (_index(choice, at),)
        return
    kind = body.get("type")
    if not isinstance(kind, str):
        return
    if kind in protocol.last:
        yield None
    elif kind.endswith(protocol.ends):
        yield _named(body, protocol.group)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def without(body: Any, paths: list[Path]) -> Any:
    """A copy of an event without the strings at some paths; it shares all else."""
    tree: dict[Any, Any] = {}
    for path in paths:
        branch = tree
        for step in path:
            branch = branch.setdefault(step, {})
    return _without(body, tree) if tree else body


def _without(value: Any, tree: dict[Any, Any]) -> Any:
    # No path is longer than a line of a table.
    if not tree:
        return ""
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    for step, branch in tree.items():
        if branch or isinstance(copy, list):
            copy[step] = _without(copy[step], branch)
        else:
            del copy[step]
    return copy


def at(body: Any, path: Path) -> Any:
    """What stands at a path of an event."""
    for step in path:
        body = body[step]
    return body


def put(body: Any, path: Path, value: Any) -> None:
    """Write a string into an event in place."""
    for step in path[:-1]:
        body = body[step]
    body[path[-1]] = value


def renamed(before: Any, after: Any, path: Path) -> Path:
    """The path in a redacted event, whose keys may have been cut, of what had one before."""
    holder = at(before, path[:-1])
    if isinstance(holder, list):
        return path
    keys = list(holder)
    return *path[:-1], list(at(after, path[:-1]))[keys.index(path[-1])]


def put_back(body: Any, original: Any, path: Path) -> None:
    """Write a string into an event, as it stands in another one."""
    put(body, path, at(original, path))
