"""Packs: every object by its id, or a refusal within bounds."""

import itertools
import resource
import time
import zlib
from collections.abc import Callable

import pytest

from gitrepos.snapshot.packs import pack
from gitrepos.snapshot.packs.errors import UncleanError
from tests.support.packs import (
    BLOB,
    COMMIT,
    TAG,
    TREE,
    by_place,
    by_ref,
    copied,
    delta,
    head_of,
    inserted,
    name,
    number,
    packed,
    sealed,
    whole_object,
)

MEBIBYTE = 1 << 20
TEXTS = [b"one", b"one and two", b"one and two and three", b""]
ONE = whole_object(BLOB, TEXTS[0])


def read(content: bytes, *, sha256: bool = False) -> dict[bytes, bytes]:
    """The content of the objects of a pack, by id."""
    found = pack.objects(content, id_bytes=32 if sha256 else 20)
    return {key: one.content for key, one in found.items()}


def ids(*texts: bytes, sha256: bool = False) -> dict[bytes, bytes]:
    """Blobs by their ids."""
    return {name(BLOB, text, sha256=sha256): text for text in texts}


@pytest.mark.parametrize("sha256", [False, True])
def test_objects_of_every_kind_are_read(sha256: bool) -> None:
    """Each with its own kind, by the hash of the repository."""
    content = packed([whole_object(kind, b"x") for kind in (COMMIT, TREE, BLOB)], sha256=sha256)

    found = pack.objects(content, id_bytes=32 if sha256 else 20)

    assert {key: tuple(one) for key, one in found.items()} == {
        name(COMMIT, b"x", sha256=sha256): (b"commit", b"x"),
        name(TREE, b"x", sha256=sha256): (b"tree", b"x"),
        name(BLOB, b"x", sha256=sha256): (b"blob", b"x"),
    }


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_deltas_by_id_are_read_in_any_order(order: tuple[int, ...]) -> None:
    """Before their bases, too, and of a chain the last one first."""
    objects = [ONE]
    for before, after in itertools.pairwise(TEXTS):
        objects.append(by_ref(name(BLOB, before), delta(before, after)))

    assert read(packed([objects[at] for at in order])) == ids(*TEXTS)


@pytest.mark.parametrize("sha256", [False, True])
def test_deltas_by_place_are_read(sha256: bool) -> None:
    """Upon a delta, and upon one whose own base comes later."""
    first = by_ref(name(BLOB, TEXTS[0], sha256=sha256), delta(TEXTS[0], TEXTS[1]))
    second = by_place(len(first), delta(TEXTS[1], TEXTS[2]))
    last = by_place(len(second) + len(first), delta(TEXTS[1], TEXTS[3]))

    found = read(packed([first, second, last, ONE], sha256=sha256), sha256=sha256)

    assert found == ids(*TEXTS, sha256=sha256)


def test_a_pack_of_nothing_is_read() -> None:
    """It has no object."""
    assert read(packed([])) == {}


def test_a_chain_as_deep_as_git_can_be_told_to_make_is_read() -> None:
    """Without a call for each step, whichever end comes first."""
    objects = chain(pack.MAX_DEPTH)

    assert len(read(packed(objects))) == len(read(packed(objects[::-1]))) == pack.MAX_DEPTH + 1


def chain(depth: int) -> list[bytes]:
    """A blob, and so many that are each made of the one before."""
    content, objects = b"x", [whole_object(BLOB, b"x")]
    for count in range(depth):
        after = b"%08d" % count
        objects.append(by_ref(name(BLOB, content), delta(content, after)))
        content = after
    return objects


def stored(content: bytes) -> bytes:
    """A zlib stream in blocks of nothing, which say no more than their last one."""
    empty = b"\x00\x00\x00\xff\xff"
    last = (
        b"\x01" + len(content).to_bytes(2, "little") + (65_535 - len(content)).to_bytes(2, "little")
    )
    checksum = zlib.adler32(content).to_bytes(4, "big")
    return b"\x78\x01" + empty * 5000 + last + content + checksum


def test_a_stream_of_many_blocks_is_read() -> None:
    """However much more there is to it than zlib would need."""
    assert read(packed([head_of(BLOB, 3) + stored(b"one"), whole_object(BLOB, b"two")])) == ids(
        b"one", b"two"
    )


def _zeros(kind: int, size: int, *, said: int | None = None) -> bytes:
    return head_of(kind, size if said is None else said) + zlib.compress(bytes(size), 1)


_BOMB = (b"\xf0" + (MEBIBYTE - 1).to_bytes(3, "little")) * 700
_RIGHT = packed([ONE])
_BODY = _RIGHT[:-20]
_ID = name(BLOB, TEXTS[0])
_ZERO = bytes(MEBIBYTE)

HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "no pack"),
    "another file": (lambda: sealed(b"GIF89a and so on"), "no pack"),
    "version 3": (lambda: sealed(_BODY.replace(b"\0\0\0\2", b"\0\0\0\3", 1)), "no pack"),
    "a wrong checksum": (lambda: _BODY + bytes(20), "checksum"),
    "a checksum of sha256": (lambda: packed([ONE], sha256=True), "checksum"),
    "bytes behind it": (lambda: _RIGHT + b"x", "checksum"),
    "bytes before the checksum": (lambda: sealed(_BODY + b"x"), "goes on"),
    "a last object too many": (lambda: packed([ONE, ONE], count=1), "goes on"),
    "a count of all": (lambda: packed([ONE], count=2**32 - 1), "too many"),
    "a count of one more": (
        lambda: packed([whole_object(BLOB, bytes(range(99)))], count=2),
        "cut short",
    ),
    "cut short in a head": (lambda: sealed(_BODY[:12] + b"\xb0" * 9), "no size|cut short"),
    "cut short in an object": (lambda: sealed(_BODY[:-2]), "cut short"),
    "a size that never ends": (
        lambda: packed([b"\xb0" + b"\x80" * 40 + zlib.compress(b"")]),
        "no size",
    ),
    "a kind of 0": (lambda: packed([head_of(0, 3) + zlib.compress(b"one")]), "kind"),
    "a kind of 5": (lambda: packed([head_of(5, 3) + zlib.compress(b"one")]), "kind"),
    "a tag": (lambda: packed([whole_object(TAG, b"x")]), "kind"),
    "an object twice": (lambda: packed([ONE, ONE]), "twice"),
    "a delta of itself": (
        lambda: packed([ONE, by_ref(_ID, delta(TEXTS[0], TEXTS[0]))]),
        "twice",
    ),
    "no zlib": (lambda: packed([head_of(BLOB, 3) + b"x" * 20]), "unpacked"),
    "a wrong checksum of zlib": (lambda: packed([ONE[:-1] + b"!"]), "unpacked"),
    "a dictionary of zlib": (
        lambda: packed([head_of(BLOB, 3) + b"\x78\xbb" + bytes(20)]),
        "unpacked",
    ),
    "more than it says": (lambda: packed([_zeros(BLOB, MEBIBYTE, said=10)]), "larger"),
    "more than nothing": (lambda: packed([_zeros(BLOB, 1, said=0)]), "larger"),
    "less than it says": (lambda: packed([_zeros(BLOB, 10, said=11)]), "smaller"),
    "a bomb": (lambda: packed([head_of(COMMIT, 600 * MEBIBYTE) + zlib.compress(b"")]), "too large"),
    "a bomb that lies": (lambda: packed([_zeros(COMMIT, 20 * MEBIBYTE, said=100)]), "larger"),
    "bombs together": (
        lambda: packed([_zeros(BLOB, MEBIBYTE + at) for at in range(70)]),
        "too large",
    ),
    "a delta that is a bomb": (
        lambda: packed(
            [
                whole_object(BLOB, _ZERO),
                by_ref(
                    name(BLOB, _ZERO),
                    number(MEBIBYTE) + number(700 * (MEBIBYTE - 1)) + _BOMB,
                ),
            ]
        ),
        "too large",
    ),
    "a delta that lies about a bomb": (
        lambda: packed(
            [
                whole_object(BLOB, _ZERO),
                by_ref(name(BLOB, _ZERO), number(MEBIBYTE) + number(10) + _BOMB),
            ]
        ),
        "more than it says",
    ),
    "a delta of another base": (
        lambda: packed([ONE, by_ref(_ID, number(4) + number(1) + copied(0, 1))]),
        "another base",
    ),
    "a delta out of range": (
        lambda: packed([ONE, by_ref(_ID, number(3) + number(9) + copied(1, 9))]),
        "outside its base",
    ),
    "a delta of nothing here": (lambda: packed([by_ref(bytes(20), delta(b"", b"x"))]), "no base"),
    "a delta of itself by place": (lambda: packed([ONE, by_place(0, delta(b"", b"x"))]), "no base"),
    "a delta of before the pack": (
        lambda: packed([ONE, by_place(5000, delta(b"", b"x"))]),
        "no base",
    ),
    "a delta of the middle": (
        lambda: packed([ONE, by_place(len(ONE) - 1, delta(b"", b"x"))]),
        "no base",
    ),
    "a place that never ends": (
        lambda: packed([ONE, head_of(6, 3) + b"\xff" * 40 + zlib.compress(b"\0\1x")]),
        "no base",
    ),
    "a ring of deltas": (
        lambda: packed(
            [
                by_ref(b"a" * 20, delta(b"", b"x")),
                by_ref(b"b" * 20, delta(b"", b"y")),
            ]
        ),
        "no base",
    ),
    "a delta without a base's id": (lambda: sealed(_BODY[:12] + b"\x70" + b"a" * 9), "cut short"),
    "a delta of two million steps": (
        lambda: packed(
            [
                ONE,
                by_ref(_ID, number(3) + number(2 * MEBIBYTE) + copied(0, 1) * (2 * MEBIBYTE)),
            ]
        ),
        "deltas are too large",
    ),
    "a delta of a million steps": (
        lambda: packed(
            [
                ONE,
                by_ref(_ID, number(3) + number(MEBIBYTE) + copied(0, 1) * (MEBIBYTE + 1)),
            ]
        ),
        "more than it says",
    ),
    "ten thousand deltas deep": (lambda: packed(chain(10_000)), "too many"),
    "ten thousand deltas deep, the last one first": (
        lambda: packed(chain(10_000)[::-1]),
        "too many",
    ),
}


@pytest.mark.parametrize(("make", "words"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_pack_is_refused(make: Callable[[], bytes], words: str) -> None:
    """With its reason, in a second, and in no more memory than its bounds."""
    content = make()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()

    with pytest.raises(UncleanError, match=words):
        read(content)

    assert time.process_time() - began < 5
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - grown) * 1024 < 3 * pack.MAX_BYTES


def test_each_cut_and_each_changed_byte_is_refused() -> None:
    """By the checksum; and of the objects by their own, where that is right again."""
    one = b"all of it"
    right = packed(
        [whole_object(BLOB, one), by_ref(name(BLOB, one), delta(one, one + b", and more"))]
    )
    for at in range(len(right)):
        for hostile in (right[:at], right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :]):
            with pytest.raises(UncleanError):
                read(hostile)
    for at in range(len(right) - 20):
        with pytest.raises(UncleanError):
            read(sealed(right[:at]))


def test_what_is_made_counts_as_what_is_unpacked() -> None:
    """Of many small deltas upon one large object."""
    base = bytes(8 * MEBIBYTE)
    copies = number(len(base)) + number(len(base) + 1) + copied(0, 8 * MEBIBYTE)
    many = [by_ref(name(BLOB, base), copies + inserted(bytes([at]))) for at in range(9)]

    with pytest.raises(UncleanError, match="too large"):
        read(packed([whole_object(BLOB, base), *many]))

    assert len(read(packed([whole_object(BLOB, base), *many[:6]]))) == 7
