"""Tiny ONNX files and a tokenizer, made of bytes; hostile ones too.

A model here scores a text by its worst word: `good` is 0, `bad` a little, `worse` more.
"""

from __future__ import annotations

import json
import struct
from hashlib import sha256
from pathlib import Path
from typing import Any

INT64, FLOAT = 7, 1
VOCABULARY = {"[UNK]": 0, "good": 1, "bad": 2, "worse": 3}
# A row for each word: what it says for SAFE, and for BAD.
ROWS = [(0.0, -9.0), (0.0, -9.0), (0.0, 1.0), (0.0, 3.0)]
CONFIG = {"id2label": {"0": "SAFE", "1": "BAD"}}


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number: int, value: Any) -> bytes:
    """A field of a message: a number, a text, or bytes."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def tensor(name: str, kind: int, dims: tuple[int, ...], raw: bytes, more: bytes = b"") -> bytes:
    """A TensorProto."""
    shape = b"".join(field(1, dim) for dim in dims)
    return shape + field(2, kind) + field(8, name) + field(9, raw) + more


def ints(name: str, *values: int) -> bytes:
    """A TensorProto of a list of numbers."""
    return tensor(name, INT64, (len(values),), struct.pack(f"<{len(values)}q", *values))


def node(kind: str, inputs: str, outputs: str, *attributes: bytes) -> bytes:
    """A NodeProto; names are parted by blanks."""
    named = b"".join(field(1, one) for one in inputs.split())
    named += b"".join(field(2, one) for one in outputs.split())
    return named + field(4, kind) + b"".join(field(5, one) for one in attributes)


def number(name: str, value: int) -> bytes:
    """An AttributeProto of a number."""
    return field(1, name) + field(3, value) + field(20, 2)


def inner(name: str, graph: bytes) -> bytes:
    """An AttributeProto of a graph."""
    return field(1, name) + field(6, graph) + field(20, 5)


def value(name: str, kind: int, *dims: int | str) -> bytes:
    """A ValueInfoProto of a tensor; a dimension is a number or a name."""
    shape = b"".join(field(1, field(1 if isinstance(one, int) else 2, one)) for one in dims)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


def graph(
    nodes: list[bytes], initializers: list[bytes], inputs: list[bytes], outputs: list[bytes]
) -> bytes:
    """A GraphProto."""
    parts = [(1, nodes), (5, initializers), (11, inputs), (12, outputs)]
    return field(2, "g") + b"".join(field(n, one) for n, listed in parts for one in listed)


def model(of: bytes) -> bytes:
    """A ModelProto."""
    return field(1, 8) + field(7, of) + field(8, field(1, "") + field(2, 17))


IDS = value("input_ids", INT64, 1, "tokens")
MASK = value("attention_mask", INT64, 1, "tokens")
LOGITS = value("logits", FLOAT, 1, 2)


def weights(more: bytes = b"") -> bytes:
    """The rows of all words."""
    raw = b"".join(struct.pack("<2f", *row) for row in ROWS)
    return tensor("rows", FLOAT, (len(ROWS), 2), raw, more)


def _axes() -> bytes:
    return field(1, "axes") + field(8, 1) + field(20, 7)


SCORING = [
    node("Gather", "rows input_ids", "each"),
    node("ReduceMax", "each", "logits", _axes(), number("keepdims", 0)),
]


def classifier(more: bytes = b"", *, inputs: list[bytes] | None = None) -> bytes:
    """The model that scores by the worst word."""
    return model(graph(SCORING, [weights(more)], inputs or [IDS, MASK], [LOGITS]))


def hanging() -> bytes:
    """One that counts for ever where a text has a word."""
    body = graph(
        [node("Identity", "go", "goes"), node("Add", "sum one", "sums")],
        [ints("one", 1)],
        [value("at", INT64), value("go", 9), value("sum", INT64, 1)],
        [value("goes", 9), value("sums", INT64, 1)],
    )
    nodes = [
        node("Loop", "most yes start", "counted", inner("body", body)),
        node("Cast", "counted", "logits", number("to", FLOAT)),
    ]
    yes = tensor("yes", 9, (), b"\x01")
    most = tensor("most", INT64, (), struct.pack("<q", 2**62))
    start = node("Slice", "flat zero oneth", "start")
    flat = node("Reshape", "input_ids shape", "flat")
    given = [yes, most, ints("shape", -1), ints("zero", 0), ints("oneth", 1)]
    return model(graph([flat, start, *nodes], given, [IDS], [value("logits", FLOAT, 1)]))


def allocating() -> bytes:
    """One that asks for 64 GiB where a text has a word."""
    nodes = [
        node("Expand", "input_ids shape", "wide"),
        node("Cast", "wide", "cast", number("to", FLOAT)),
        node("ReduceSum", "cast", "logits", number("keepdims", 0)),
    ]
    return model(graph(nodes, [ints("shape", 1 << 33, 1)], [IDS], [value("logits", FLOAT)]))


def tokenizer() -> dict[str, Any]:
    """A tokenizer of four words."""
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": VOCABULARY, "unk_token": "[UNK]"},
    }  # fmt: skip


def write(folder: Path, data: bytes, *, config: Any = CONFIG, words: Any = None) -> tuple[str, str]:
    """Write a model with what stands beside it; its file and its sha256."""
    folder.mkdir(exist_ok=True)
    file = folder / "model.onnx"
    file.write_bytes(data)
    (folder / "tokenizer.json").write_text(json.dumps(words or tokenizer()))
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    return str(file), sha256(data).hexdigest()
