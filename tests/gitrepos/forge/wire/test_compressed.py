"""Bodies that come compressed: as they were, in small pieces, and never for ever."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitrepos.errors import BadAnswerError
from gitrepos.forge.wire.compressed import Unpacker


def unpacked(*chunks: bytes) -> list[bytes]:
    """The pieces of what came in these chunks."""
    unpacker = Unpacker()
    pieces = [piece for chunk in chunks for piece in unpacker.feed(chunk)]
    unpacker.end()
    return pieces


@given(st.binary(max_size=2000), st.integers(1, 50), st.integers(1, 3))
def test_a_body_is_what_it_was(body: bytes, size: int, members: int) -> None:
    """In whatever chunks it comes, and in however many members."""
    packed = gzip.compress(body) * members
    chunks = [packed[at : at + size] for at in range(0, len(packed), size)]

    assert b"".join(unpacked(*chunks)) == body * members


def test_what_grows_comes_in_small_pieces() -> None:
    """So that a bound on all of it holds while it is unpacked."""
    pieces = unpacked(gzip.compress(bytes(10_000_000)))

    assert sum(map(len, pieces)) == 10_000_000
    assert max(map(len, pieces)) == 64 * 1024


@pytest.mark.parametrize(
    "body",
    [b"0000", b"", gzip.compress(b"x" * 100)[:-1], gzip.compress(b"x") + b"behind it"],
    ids=["no gzip", "nothing", "cut short", "more behind it"],
)
def test_what_is_not_whole_gzip_is_a_bad_answer(body: bytes) -> None:
    """Nothing is taken of it."""
    with pytest.raises(BadAnswerError):
        unpacked(body)
