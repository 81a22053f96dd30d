"""The search for data outside of a model's file, which its hash would say nothing of. Pure.

An ONNX file is a message of protocol buffers. A tensor in it may name another file that has its
numbers (`external_data`, `data_location`). All places where a tensor may be are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

# Of each message its fields that lead to tensors, and the message that each holds.
_FIELDS: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse",
    },
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}  # fmt: skip
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_MOST_BITS = 70


class BadModelError(ValueError):
    """The bytes are no model that is loaded here; the message says why."""


def check_self_contained(data: bytes) -> None:
    """Refuse a model of which a part lies outside of its bytes.

    Raises:
        BadModelError: it does, or the bytes are no ONNX file.
    """
    # No recursion: a message may nest as deep as its bytes allow.
    waiting = [(memoryview(data), "model")]
    has_graph = False
    while waiting:
        view, kind = waiting.pop()
        for number, value in _fields(view):
            inner = _FIELDS[kind].get(number)
            if kind == "tensor" and number in (_EXTERNAL_DATA, _DATA_LOCATION) and value != 0:
                raise BadModelError("it has data in other files, which its sha256 does not cover")
            if inner is not None:
                if isinstance(value, int):
                    raise BadModelError("it is no ONNX file")
                has_graph = has_graph or inner == "graph"
                waiting.append((value, inner))
    if not has_graph:
        raise BadModelError("it is no ONNX file")


def _fields(view: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message: numbers as such, all else as bytes."""
    at = 0
    while at < len(view):
        key, at = _varint(view, at)
        number, form = key >> 3, key & 7
        if form == _VARINT:
            value, at = _varint(view, at)
            yield number, value
            continue
        length = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}.get(form, -1)
        if form == _BYTES:
            length, at = _varint(view, at)
        if length < 0 or at + length > len(view):
            raise BadModelError("it is no ONNX file")
        yield number, view[at : at + length]
        at += length


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(view) and shift < _MOST_BITS:
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise BadModelError("it is no ONNX file")
