"""Logs that their operator rewrote, with the log's key in hand: a witnessed checkpoint tells."""

import copy
import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kt.evidence import leaves, notes, proofs, tree, verdict
from kt.evidence.notes import COSIGNATURE, Checkpoint, Note, Verifier
from kt.evidence.proofs import ProofError
from kt.evidence.tiles import Tiles

_LOG, _WITNESS = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
_KEY = Verifier("log", notes.public_of(_LOG))
_SEEN = Verifier("witness", notes.public_of(_WITNESS), COSIGNATURE)
_CHANCE = random.Random(21)


def _leaf(second: int, kind: str, **given: Any) -> bytes:
    chance = _CHANCE.randbytes(leaves.chance_bytes(given))
    at = f"2026-01-31T12:00:{second:02}.000000Z"
    return leaves.made(kind, at, given, chance=chance).leaf.encoded()


def _past() -> list[bytes]:
    """A gateway that is bound and runs one version after another."""
    found = [_leaf(0, "epoch", epoch=1), _leaf(1, "bound", gateway="g", configuration="c")]
    for number in range(1, 11):
        facts = {"configuration": "c", "version": number, "content_hash": f"{number:064x}"}
        found += [
            _leaf(4 * number, "version", **facts, source="git", commit=f"{number:040x}"),
            _leaf(4 * number, "audit", action="configuration.published", configuration="c",
                  version=number, actor_kind="git_repo"),
            _leaf(4 * number + 1, "report", **facts, gateway="g"),
        ]  # fmt: skip
    return found


def _tiles(entries: Sequence[bytes]) -> Tiles:
    tiles = Tiles(lambda _level, _number: b"")
    tiles.append([tree.leaf_hash(one) for one in entries])
    return tiles


def _note(entries: Sequence[bytes]) -> Note:
    """A checkpoint that the log's key signed."""
    body = Checkpoint("log/1", len(entries), _tiles(entries).root()).body()
    return Note(body).signed_also(notes.sign(body, "log", _LOG))


def _file(entries: Sequence[bytes], note: Note, *, whole: bool) -> dict[str, Any]:
    """The file that an operator makes of a log, with all proofs made anew."""
    tiles = _tiles(entries)
    shown = [
        {
            "index": index,
            "leaf": one.decode(),
            "proof": [step.hex() for step in tree.inclusion(index, len(entries), tiles.node)],
            "values": {},
        }
        for index, one in list(enumerate(entries))[-4 if whole else 0 :]
    ]
    part: dict[str, Any] = {"epoch": 1, "checkpoint": note.text(), "entries": shown}
    if whole:
        part["all"] = [one.decode() for one in entries]
    question = {"gateway": "g", "at": "2026-01-31T13:00:00Z"}
    return {"format": proofs.FORMAT, "question": question, "key": _KEY.text(), "trees": [part]}


_TRUE = _past()
_CHECKPOINT = _note(_TRUE)
_CHECKPOINT = _CHECKPOINT.signed_also(notes.cosign(_CHECKPOINT.body, "witness", _WITNESS, at=9))
_LINES = verdict.judge(
    json.dumps(_file(_TRUE, _CHECKPOINT, whole=True)).encode(), witnesses=[_SEEN]
).lines


def _altered(chance: random.Random, entries: list[bytes]) -> list[bytes]:
    """A log with a bit or a number changed, an entry less, more or moved, or its end cut off."""
    at, other = (chance.randrange(len(entries)) for _ in range(2))
    entry = entries[at]
    digits = [place for place, sign in enumerate(entry) if chr(sign).isdigit()]
    place = chance.choice(digits)
    changed = entry[:place] + b"%d" % ((entry[place] - 48 + 1) % 10) + entry[place + 1 :]
    bit = chance.randrange(8 * len(entry))
    flipped = bytearray(entry)
    flipped[bit // 8] ^= 1 << bit % 8
    swapped = list(entries)
    swapped[at], swapped[other] = swapped[other], swapped[at]
    return chance.choice(
        [
            [*entries[:at], bytes(flipped), *entries[at + 1 :]],
            [*entries[:at], changed, *entries[at + 1 :]],
            entries[:at] + entries[at + 1 :],
            [*entries[:at], entries[other], *entries[at:]],
            swapped,
            entries[: max(at, 1)],
            [*entries, _leaf(59, "report", gateway="g", configuration="c", version=1)],
        ]
    )


def _told(chance: random.Random, file: dict[str, Any]) -> dict[str, Any]:
    """A file with one of its values changed, exchanged for another, or left out."""
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for name in value if isinstance(value, dict) else range(len(value)):
            places.append((value, name))
            if isinstance(value[name], dict | list):
                walk(value[name])

    walk(file["trees"])
    (value, name), (other, other_name) = chance.choice(places), chance.choice(places)
    how = chance.randrange(4)
    if how == 0:
        value[name] = copy.deepcopy(other[other_name])
    elif how == 1:
        del value[name]
    elif how == 2 and isinstance(value[name], str) and value[name]:
        place = chance.randrange(len(value[name]))
        value[name] = value[name][:place] + chance.choice("0a+\n") + value[name][place + 1 :]
    else:
        value[name] = chance.choice([0, 1, len(_TRUE) + 1, "", None, [], {}])
    return file


def _forged(chance: random.Random) -> dict[str, Any]:
    """What an operator shows who holds the log's key, the file whole or in part."""
    whole, entries = chance.random() < 0.5, _TRUE
    for _ in range(chance.randrange(1, 3)):
        entries = _altered(chance, list(entries))
    cosigned = _CHECKPOINT.signatures[1:]
    how = chance.randrange(4)
    if how == 0:  # A fork under the checkpoint that was witnessed.
        return _decoded(entries, _CHECKPOINT, whole)
    if how == 1:  # A fork with a checkpoint of its own, and the witness's signature of the other.
        return _decoded(entries, _note(entries).signed_also(*cosigned), whole)
    if how == 2:  # The same without it.
        return _decoded(entries, _note(entries), whole)
    return _told(chance, _decoded(_TRUE, _CHECKPOINT, whole))


def _decoded(entries: Sequence[bytes], note: Note, whole: bool) -> dict[str, Any]:
    return _file([one.decode(errors="replace").encode() for one in entries], note, whole=whole)


def _hold(seed: int) -> bool:
    """Whether a forgery was refused; one that passes tells nothing but what is true."""
    file = _forged(random.Random(seed))
    data = json.dumps(file).encode()
    try:
        found = verdict.judge(data, witnesses=[_SEEN])
        entries = proofs.read(data, witnesses=[_SEEN]).entries
    except ProofError:
        return True
    if not found.is_proven:
        return True
    for one in entries:
        assert one.leaf.encoded() == _TRUE[one.place[1]]
    if "all" in file["trees"][0]:
        assert found.lines[:4] == _LINES[:4]
    return False


def test_the_truth_is_proven() -> None:
    """Whole and in part."""
    for whole in (True, False):
        data = json.dumps(_file(_TRUE, _CHECKPOINT, whole=whole)).encode()
        found = verdict.judge(data, witnesses=[_SEEN])
        assert found.is_proven
        assert not verdict.judge(data, witnesses=[_KEY]).is_proven
        assert found.lines[0].startswith("g at 2026-01-31T13:00:00.000000Z: ran c version 10,")


@pytest.mark.parametrize("count", [150, pytest.param(10_000, marks=pytest.mark.soak)])
def test_no_rewritten_log_passes(count: int) -> None:
    """For anything that the witness's checkpoint covers, though the attacker signs as the log."""
    refused = sum(_hold(seed) for seed in range(count))

    assert refused > count * 0.9


def test_many_entries_are_verified_in_no_time() -> None:
    """A log of some thousands, every entry read."""
    entries = _TRUE + [_leaf(5, "report", gateway=f"other-{n}", version=n) for n in range(1000)]
    note = _note(entries)
    note = note.signed_also(notes.cosign(note.body, "witness", _WITNESS, at=9))

    found = verdict.judge(json.dumps(_file(entries, note, whole=True)).encode(), witnesses=[_SEEN])

    assert found.lines[:4] == _LINES[:4]
    assert "all of them read" in found.lines[4]
