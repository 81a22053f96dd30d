"""Deltas: an object from another one, or a refusal before anything is allocated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitrepos.snapshot.packs import deltas
from gitrepos.snapshot.packs.errors import UncleanError
from tests.support.packs import copied, delta, inserted, number

BASE = b"0123456789"


def made(base: bytes, given_delta: bytes) -> bytes:
    """What a delta makes of a base."""
    base_size, result, at = deltas.sizes(given_delta)
    assert base_size == len(base)
    return deltas.applied(base, given_delta, result=result, at=at)


@given(st.binary(max_size=400), st.binary(max_size=400), st.binary(max_size=400))
def test_a_delta_makes_what_it_was_made_of(same: bytes, before: bytes, after: bytes) -> None:
    """Copied and added, however long."""
    assert made(same + before, delta(same + before, same + after)) == same + after


@given(
    st.binary(min_size=1, max_size=300),
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(1, 300)) | st.binary(min_size=1, max_size=127)
    ),
)
def test_instructions_in_any_order_are_followed(
    base: bytes, steps: list[tuple[int, int] | bytes]
) -> None:
    """As long as they stay within the base."""
    said, expected = b"", b""
    for step in steps:
        if isinstance(step, bytes):
            said, expected = said + inserted(step), expected + step
        elif step[0] + step[1] <= len(base):
            said, expected = said + copied(*step), expected + base[step[0] : step[0] + step[1]]

    assert made(base, number(len(base)) + number(len(expected)) + said) == expected


def test_a_copy_of_no_size_is_of_64_kibibytes() -> None:
    """The only one whose bytes all would be zero."""
    base = bytes(range(256)) * 300

    assert made(base, number(len(base)) + number(0x10000) + b"\x80") == base[:0x10000]


@pytest.mark.parametrize(
    ("result", "instructions", "words"),
    [
        (5, copied(6, 5), "outside its base"),
        (1, copied(10, 1), "outside its base"),
        (1, copied(0xFFFFFFFF, 1), "outside its base"),
        (0xFFFFFF, copied(0, 0xFFFFFF), "outside its base"),
        (0x10000, b"\x80", "outside its base"),
        (3, b"\x03ab", "cut short"),
        (1, b"\x01", "cut short"),
        (1, b"\x91\x00", "cut short"),
        (1, b"\xff", "cut short"),
        (4, b"\x00" + copied(0, 4), "means nothing"),
        (4, copied(0, 5), "more than it says"),
        (9, copied(0, 5) * 2, "more than it says"),
        (0, inserted(b"a"), "more than it says"),
        (11, copied(0, 10), "less than it says"),
        (1, b"", "less than it says"),
    ],
)  # fmt: skip
def test_a_delta_that_lies_is_refused(result: int, instructions: bytes, words: str) -> None:
    """About where it copies from, how much it has, or what it makes."""
    with pytest.raises(UncleanError, match=words):
        made(BASE, number(len(BASE)) + number(result) + instructions)


@pytest.mark.parametrize(
    "said", [b"", b"\x0a", b"\x80", b"\x0a\x80", b"\xff" * 9, b"\x0a" + b"\x80" * 40]
)
def test_a_delta_without_two_sizes_is_refused(said: bytes) -> None:
    """Or with one that never ends."""
    with pytest.raises(UncleanError, match="no size"):
        deltas.sizes(said)
