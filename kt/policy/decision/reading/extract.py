"""The texts of a request or an answer, each with its place and the role that says it.

One walk serves all the shapes (chat completions, responses, embeddings,
messages): a string anywhere in the body is text unless its key says that it is
an identifier or a label of the protocol, and it looks like one, or it is binary
data. A field that a provider adds tomorrow is read, not skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, Literal, NamedTuple, TypeAlias

from kt.policy.decision.reading.jsontext import begins_with_escapes, container, dump, unescaped
from kt.policy.decision.reading.unread import binary, block, tokens

Path: TypeAlias = tuple[str | int, ...]
Form: TypeAlias = Literal["text", "json", "value", "name"]
# What cannot be read, and where it is.
Unread: TypeAlias = tuple[str, Path]

_LABEL_WORDS = (
    "model role type id object tool_call_id call_id tool_use_id item_id response_id "
    "previous_response_id finish_reason stop_reason encoding_format system_fingerprint "
    "service_tier media_type mime_type signature encrypted_content b64_json"
)
_LABELS = frozenset(_LABEL_WORDS.split())
_LABEL = re.compile(r"[A-Za-z0-9._:/+=|#-]*")
# Mappings whose keys are the author's own names: parts of a JSON Schema.
_NAMING_KEYS = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
)
_SYSTEM_KEYS = frozenset({"system", "instructions"})
_SPOKEN_KEYS = frozenset({"system", "instructions", "input", "prompt", "output", "content"})
_ITEM_KEYS = frozenset({"input", "prompt", "output"})
# Tuples, since a body may have a list for its `type`, which no set can be asked for.
_TOOL_TYPES = ("function_call_output", "tool_result", "mcp_tool_result")
_CALL_TYPES = ("tool_use", "server_tool_use", "mcp_tool_use")
# A body may hold thousands of these, and they hold no text.
_TEXTLESS = frozenset({int, float, bool, NoneType})
# `isinstance` is quick for a plain dictionary and slow for an abstract class.
_LISTS = (list, tuple)
_MAPPINGS = (dict, Mapping)
_CALL_INPUTS = ("arguments", "input")


class Part(NamedTuple):
    """One text of the body.

    `source` is the string as it stands at `path`; `text` is what it says, with
    JSON escapes undone, and `offsets[i]` is where character `i` of it begins
    in `source` (None: at `i`). `form` is `json` for a JSON document in a string,
    `value` for a JSON value, whose `source` is its dump, and `name` for a key:
    the last step of `path`. `unit` is the path of the message that holds the
    part, None outside messages.
    """

    path: Path
    role: str
    source: str
    text: str
    offsets: tuple[int, ...] | None
    form: Form
    unit: Path | None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of `source` behind a span of `text`."""
        return (self.offsets[start], self.offsets[end]) if self.offsets else (start, end)


def read(body: Any, role: str) -> tuple[tuple[Part, ...], tuple[Unread, ...]]:
    """All texts of a body in document order, its names too, and what cannot be read.

    `role` is that of texts without one in the body.
    """
    found: list[Part] = []
    unread: list[Unread] = []
    # A stack of its own, since a body may nest deeper than Python recurses: values, each with its
    # path, its role and its unit. Plain tuples, since a body has dozens.
    waiting: list[tuple[Any, Path, str, Path | None]] = [(body, (), role, None)]
    while waiting:
        value, path, role, unit = waiting.pop()
        if isinstance(value, str):
            found.append(_text_part(value, path, role, unit))
        elif isinstance(value, _LISTS):
            if tokens(path, value):
                _note(unread, "tokens", path)
            items = [item for item in enumerate(value) if type(item[1]) not in _TEXTLESS]
            waiting += [(item, (*path, at), role, unit) for at, item in reversed(items)]
        elif isinstance(value, _MAPPINGS):
            role, unit = _speaker(value, path, role, unit)
            _note(unread, block(value), path)
            opened = [(item, (*path, key), role, unit) for key, item in _open(value, path, unread)]
            waiting += reversed(opened)
            found += _names(value, path, role)
            found += _call_input(value, path, role, unit)
    return tuple(found), tuple(unread)


def parts(body: Any, role: str) -> tuple[Part, ...]:
    """The texts alone."""
    return tuple(one for one in read(body, role)[0] if one.form != "name")


def is_label(key: str | int, item: Any) -> bool:
    """True for an identifier or a word of a protocol, which is no text.

    Prose, a list or a mapping under the key of a label is none.
    """
    return key in _LABELS and _is_plain(item)


def where(path: Path) -> str:
    """A path in the usual notation: `messages[0].content[1].text`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def _speaker(
    value: Mapping[str, Any], path: Path, role: str, unit: Path | None
) -> tuple[str, Path | None]:
    """The role that a mapping names, and the message that it is; else those around it."""
    named = value.get("role")
    if isinstance(named, str):
        return named, path
    if value.get("type") in _TOOL_TYPES:
        return "tool", unit or path
    return role, unit


def _open(value: Mapping[str, Any], path: Path, unread: list[Unread]) -> list[tuple[str, Any]]:
    """What is to be read of a mapping, by key."""
    opened = []
    for key, item in value.items():
        if type(item) in _TEXTLESS or (key in _CALL_INPUTS and _is_call_input(value, key)):
            continue
        if isinstance(item, str):
            if key in _LABELS and _LABEL.fullmatch(item):
                continue
            held = binary(value, key, item)
            if held:
                _note(unread, held, (*path, key))
                continue
        opened.append((key, item))
    return opened


def _is_plain(item: Any) -> bool:
    """True for what a label is made of."""
    return isinstance(item, str) and _LABEL.fullmatch(item) is not None


def _note(unread: list[Unread], held: str, path: Path) -> None:
    """Note what cannot be read, the first of each sort."""
    if held and all(held != one for one, _ in unread):
        unread.append((held, path))


def _names(value: Mapping[str, Any], path: Path, role: str) -> list[Part]:
    """The keys that somebody chose: those of a schema, and any that no protocol would have."""
    chosen = bool(path) and path[-1] in _NAMING_KEYS
    # Nearly always all are a protocol's, which one look at all of them says.
    if not chosen and _LABEL.fullmatch("".join(value)):
        return []
    names = (key for key in value if chosen or not _is_plain(key))
    return [Part((*path, key), role, key, key, None, "name", None) for key in names]


def _is_call_input(value: Mapping[str, Any], key: str) -> bool:
    if key == "arguments":
        return not isinstance(value[key], str)
    return key == "input" and value.get("type") in _CALL_TYPES


def _call_input(
    value: Mapping[str, Any], path: Path, role: str, unit: Path | None
) -> Iterator[Part]:
    """A tool call's arguments where they are JSON, not a string of it."""
    for key in _CALL_INPUTS:
        if key in value and _is_call_input(value, key):
            source = dump(value[key])
            text, offsets = unescaped(source)
            here = (*path, key)
            yield Part(here, role, source, text, offsets, "value", _unit(here, unit))


def _text_part(source: str, path: Path, role: str, unit: Path | None) -> Part:
    role = "system" if path[:1] and path[0] in _SYSTEM_KEYS else role
    # Who runs tools repairs arguments that are no JSON, and reads their escapes.
    is_input = path[-1:] == ("arguments",)
    is_json = ("\\" in source or is_input) and container(source)
    text, offsets = source, None
    if is_json or is_input or ("\\" in source and begins_with_escapes(source)):
        text, offsets = unescaped(source)
    form: Form = "json" if is_json else "text"
    return Part(path, role, source, text, offsets, form, _unit(path, unit))


def _unit(path: Path, unit: Path | None) -> Path | None:
    if unit is not None or not path or path[0] not in _SPOKEN_KEYS:
        return unit
    # The blocks of `system` and `content` are one message; the items of `input` are many.
    return path[:2] if path[0] in _ITEM_KEYS and len(path) > 1 else path[:1]
