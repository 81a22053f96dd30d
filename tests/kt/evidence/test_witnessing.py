"""A witness: what it signs, what it refuses, and that it never forgets."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kt.cli.errors import CommandError
from kt.cli.evidence.witness import WitnessKeeper
from kt.evidence import notes, tree, witnessing
from kt.evidence.notes import Checkpoint, Note, NoteError, Verifier
from kt.evidence.tiles import Tiles
from kt.evidence.witnessing import Refused, SigningRequest

_LOG = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
_KEY = Verifier("log.example", notes.public_of(_LOG))
_HASHES = [tree.leaf_hash(b"%d" % number) for number in range(20)]


def _tiles(size: int, other: bytes = b"") -> Tiles:
    tiles = Tiles(lambda _level, _number: b"")
    tiles.append([*_HASHES[: size - 1], tree.leaf_hash(other)] if other else _HASHES[:size])
    return tiles


def _asked(
    old: int, size: int, *, other: bytes = b"", origin: str = "log.example/1",
    key: Ed25519PrivateKey = _LOG,
) -> SigningRequest:  # fmt: skip
    tiles = _tiles(size, other)
    body = Checkpoint(origin, size, tiles.root()).body()
    proof = tree.consistency(old, size, tiles.node) if old <= size else []
    return SigningRequest(old, proof, Note(body).signed_also(notes.sign(body, "log.example", key)))


_STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)


@pytest.mark.parametrize(
    ("request_made", "expected"),
    [
        (_asked(7, 7), 7),
        (_asked(7, 12), 12),
        (_asked(0, 3, origin="log.example/2"), 3),
        (_asked(0, 3, origin="log.example"), 3),
        (_asked(0, 3, origin="log.example/x"), Refused(404)),
        (_asked(0, 3, origin="other.example/1"), Refused(404)),
        (_asked(7, 12, key=_STRANGER), Refused(403)),
        (_asked(13, 12), Refused(400)),
        (_asked(5, 12), Refused(409, 7)),
        (_asked(0, 5), Refused(409, 7)),
        (_asked(7, 7, other=b"x"), Refused(409, 7)),
        (_asked(7, 12, other=b"x"), 12),
        (SigningRequest(7, [], _asked(7, 12).note), Refused(422)),
        (SigningRequest(7, _asked(7, 13).proof, _asked(7, 12).note), Refused(422)),
    ],
)
def test_what_a_witness_signs(request_made: SigningRequest, expected: object) -> None:
    """What grew from what it signed last, of a log that it knows."""
    known = {"log.example/1": Checkpoint("log.example/1", 7, _tiles(7).root())}

    found = witnessing.judge(witnessing.read(request_made.encoded()), [_KEY], known)

    assert (found.size if isinstance(found, Checkpoint) else found) == expected


@pytest.mark.parametrize(
    "data", [b"", b"old 1\n\n", b"old 01\n\nx", b"old -1\n\nx", b"\xff", b"old 1\n!\n\nx"]
)
def test_no_other_bytes_are_a_request(data: bytes) -> None:
    """Nothing is guessed."""
    with pytest.raises(NoteError):
        witnessing.read(data)


def test_a_witness_remembers(tmp_path: Path) -> None:
    """Started again it has its key, and refuses another past of the same log."""
    path = str(tmp_path / "state.json")
    first = WitnessKeeper("witness.example", path, [_KEY])
    status, text = first.asked(_asked(0, 7).encoded())
    assert status == 200
    note = _asked(0, 7).note
    assert first.verifier.signed_at(Note(note.body, notes.signatures(text)))

    again = WitnessKeeper("witness.example", path, [_KEY])
    assert again.verifier == first.verifier
    assert again.asked(_asked(7, 7, other=b"x").encoded()) == (409, "7\n")
    assert again.asked(_asked(0, 5).encoded()) == (409, "7\n")
    assert again.asked(b"") == (400, "")
    assert again.asked(_asked(7, 12).encoded())[0] == 200
    assert (tmp_path / "state.json").stat().st_mode & 0o77 == 0


@pytest.mark.parametrize("data", ["", "{}", '{"key": "", "known": {}}', "[]"])
def test_a_damaged_state_is_not_begun_anew(tmp_path: Path, data: str) -> None:
    """It would sign another past."""
    path = tmp_path / "state.json"
    path.write_text(data)
    with pytest.raises(CommandError, match="damaged"):
        WitnessKeeper("witness.example", str(path), [_KEY])


@pytest.mark.parametrize("text", ["", "x@http://h", f"{_KEY.text()}@http://h", "@http://h"])
def test_no_other_text_names_a_witness(text: str) -> None:
    """A log's key is none of a witness."""
    with pytest.raises(NoteError):
        witnessing.named(text)
