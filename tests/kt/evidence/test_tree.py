"""The tree and its tiles, against another implementation and against the plain definition."""

import random
from hashlib import sha256

import pytest

from kt.evidence import tree
from kt.evidence.tiles import Tiles, bundle, numbered, path, unbundled

_ENTRIES = [b"entry %d" % number for number in range(1400)]
_HASHES = [tree.leaf_hash(entry) for entry in _ENTRIES]


def _grown(*steps: int) -> Tiles:
    """A tree that grew in steps, each from what the one before stored."""
    stored: dict[tuple[int, int], bytes] = {}

    def read(level: int, number: int) -> bytes:
        return stored.get((level, number), b"")

    size = 0
    for step in steps:
        tiles = Tiles(read, size)
        tiles.append(_HASHES[size : size + step])
        stored.update(tiles.changed)
        size = tiles.size
    return Tiles(read, size)


def _defined(entries: list[bytes]) -> bytes:
    """The root as RFC 6962, section 2.1, defines it."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    half = 1
    while 2 * half < len(entries):
        half *= 2
    both = _defined(entries[:half]) + _defined(entries[half:])
    return sha256(b"\x01" + both).digest()


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 255, 256, 257, 513, 1400])
def test_a_root_is_what_the_rfc_defines(size: int) -> None:
    """Whether it is made of hashes or of tiles that grew."""
    tiles = _grown(*([size // 3] * 3), size % 3)

    assert tree.over(_HASHES[:size]) == tiles.root() == _defined(_ENTRIES[:size])


@pytest.mark.soak
def test_it_is_the_tree_of_another_implementation() -> None:
    """Roots, inclusion and consistency, at random sizes; its licence keeps it out of the lock."""
    pymerkle = pytest.importorskip("pymerkle", reason="pip install pymerkle")
    chance = random.Random(7)
    other = pymerkle.InmemoryTree()
    for entry in _ENTRIES:
        other.append_entry(entry)
    tiles = _grown(len(_ENTRIES))
    for _ in range(1000):
        size = chance.randrange(1, len(_ENTRIES) + 1)
        old = chance.randrange(1, size + 1)
        index = chance.randrange(size)
        root = other.get_root(size)
        assert tree.root(size, tiles.node) == root
        theirs = other.prove_inclusion(index + 1, size)
        pymerkle.verify_inclusion(_HASHES[index], root, theirs)
        ours = tree.inclusion(index, size, tiles.node)
        assert ours == theirs.path[1:]
        assert tree.root_of_inclusion(_HASHES[index], index, size, ours) == root
        grown = tree.consistency(old, size, tiles.node)
        assert tree.is_consistent(old, other.get_root(old), size, root, grown)


@pytest.mark.parametrize("size", [1, 2, 5, 8, 13, 32, 33])
def test_a_proof_holds_for_its_place_alone(size: int) -> None:
    """Of another entry, place, size, or with a hash less, more or altered it leads elsewhere."""
    tiles = _grown(size)
    root = tiles.root()
    for index in range(size):
        proof = tree.inclusion(index, size, tiles.node)
        assert tree.root_of_inclusion(_HASHES[index], index, size, proof) == root
        altered = [proof[:-1], [*proof, root], [*proof[:-1], b"\x00" * 32]]
        for other in [one for one in altered if one != proof]:
            assert tree.root_of_inclusion(_HASHES[index], index, size, other) != root
        for other_index in set(range(-1, size + 1)) - {index}:
            assert tree.root_of_inclusion(_HASHES[index], other_index, size, proof) != root


@pytest.mark.parametrize("size", [1, 2, 5, 8, 13, 32, 33])
def test_a_tree_is_consistent_with_what_it_grew_from_alone(size: int) -> None:
    """Not with another past, a longer one, or by a proof with something missing or altered."""
    tiles = _grown(size)
    root = tiles.root()
    for old in range(size + 1):
        past = tree.over(_HASHES[:old])
        proof = tree.consistency(old, size, tiles.node)
        assert tree.is_consistent(old, past, size, root, proof)
        assert not tree.is_consistent(old, b"\x01" * 32, size, root, proof)
        assert not tree.is_consistent(old, past, size, b"\x01" * 32, proof) or old == 0
        assert not tree.is_consistent(size + 1, past, size, root, proof)
        assert not tree.is_consistent(old, past, size, root, [*proof, root])
        if proof:
            assert not tree.is_consistent(old, past, size, root, proof[:-1])


@pytest.mark.parametrize(
    ("number", "width", "text"),
    [
        (0, 256, "000"),
        (0, 1, "000.p/1"),
        (67, 256, "067"),
        (1234067, 256, "x001/x234/067"),
        (1234067, 255, "x001/x234/067.p/255"),
    ],
)
def test_a_path_of_a_tile(number: int, width: int, text: str) -> None:
    """And back."""
    assert path(number, width) == text
    assert numbered(text) == (number, width)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "00",
        "0000",
        "x000/000",
        "000.p/0",
        "000.p/256",
        "000.p/01",
        "000/x001",
        "\u0660" * 3,
    ],
)
def test_no_other_text_is_a_path(text: str) -> None:
    """A tile has one address."""
    assert numbered(text) is None


def test_entries_come_back_of_a_bundle() -> None:
    """And one that ends early is refused."""
    entries = [b"", b"one", b"x" * 65_535]

    assert unbundled(bundle(entries)) == entries
    with pytest.raises(ValueError, match="ends within"):
        unbundled(bundle(entries)[:-1])


def test_a_tile_that_is_not_there_is_missed() -> None:
    """A proof is never made of hashes that are not stored."""
    with pytest.raises(LookupError):
        Tiles(lambda _level, _number: b"", 5).root()
