"""Undoing compression: every cut of the bytes, several members, and bytes that are broken."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest

from kt.gateway.upstream.inflating import InflateError, Inflater

TEXT = b"The committee met on Tuesday and spoke about the budget. " * 40
RANDOM = random.Random(7).randbytes(200_000)


def bare(data: bytes) -> bytes:
    """`deflate` as some servers send it, without zlib's header."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKED = {
    "gzip": ("gzip", gzip.compress(TEXT), TEXT),
    "two members": ("x-gzip", gzip.compress(TEXT) + gzip.compress(b"more"), TEXT + b"more"),
    "an empty member": ("gzip", gzip.compress(b""), b""),
    "zlib": ("deflate", zlib.compress(TEXT), TEXT),
    "bare": ("deflate", bare(TEXT), TEXT),
    "what is no shorter": ("gzip", gzip.compress(RANDOM), RANDOM),
    "what is far longer": ("gzip", gzip.compress(bytes(3_000_000)), bytes(3_000_000)),
}


def inflated(coding: str, data: bytes, size: int) -> bytes:
    inflater = Inflater(coding)
    text = b""
    for at in range(0, len(data), size):
        text += b"".join(inflater.pieces(data[at : at + size]))
    inflater.finish()
    return text


@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 20])
@pytest.mark.parametrize(("coding", "data", "text"), PACKED.values(), ids=PACKED)
def test_however_it_arrives_the_text_is_the_same(
    coding: str, data: bytes, text: bytes, size: int
) -> None:
    """In bytes or at once."""
    assert inflated(coding, data, size if len(data) < 9000 else max(size, 4096)) == text


@pytest.mark.parametrize("cut", [1, 5, 12, -9, -1])
def test_an_end_that_comes_too_early_is_told(cut: int) -> None:
    """A part of an answer is no answer."""
    with pytest.raises(InflateError):
        inflated("gzip", gzip.compress(TEXT)[:cut], 7)


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", b"hello"),
        ("gzip", gzip.compress(TEXT)[:-4] + b"oops"),
        ("gzip", gzip.compress(TEXT) + b"and more"),
        ("deflate", b"\x78\x9chello"),
    ],
    ids=["no gzip", "another end", "more behind it", "no deflate"],
)
def test_bytes_that_are_broken_are_told(coding: str, data: bytes) -> None:
    """In the middle or behind the end."""
    with pytest.raises(InflateError):
        inflated(coding, data, 1 << 20)


def test_a_piece_is_bounded_however_much_it_stands_for() -> None:
    """What takes them may stop at any."""
    pieces = Inflater("gzip").pieces(gzip.compress(bytes(50_000_000)))

    assert max(len(next(pieces)) for _ in range(5)) <= 1 << 16
