"""Logs that their operator rewrote, with the log's key in hand: a witnessed checkpoint tells."""

import copy
import json
import random
from collections.abc import Sequence
from typing import Any

import pytest

from kt.evidence import proofs, verdict
from kt.evidence.notes import Note
from kt.evidence.proofs import ProofError
from tests.kt.evidence import pasts


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
            [*entries, pasts.leaf(59, "report", gateway="g", configuration="c", version=1)],
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
        value[name] = chance.choice([0, 1, len(pasts.TRUE) + 1, "", None, [], {}])
    return file


def _forged(chance: random.Random) -> dict[str, Any]:
    """What an operator shows who holds the log's key, the file whole or in part."""
    whole, entries = chance.random() < 0.5, pasts.TRUE
    for _ in range(chance.randrange(1, 3)):
        entries = _altered(chance, list(entries))
    cosigned = pasts.CHECKPOINT.signatures[1:]
    how = chance.randrange(4)
    if how == 0:  # A fork under the checkpoint that was witnessed.
        return _decoded(entries, pasts.CHECKPOINT, whole)
    if how == 1:  # A fork with a checkpoint of its own, and the witness's signature of the other.
        return _decoded(entries, pasts.signed(entries).signed_also(*cosigned), whole)
    if how == 2:  # The same without it.
        return _decoded(entries, pasts.signed(entries), whole)
    return _told(chance, _decoded(pasts.TRUE, pasts.CHECKPOINT, whole))


def _decoded(entries: Sequence[bytes], note: Note, whole: bool) -> dict[str, Any]:
    return pasts.file([one.decode(errors="replace").encode() for one in entries], note, whole=whole)


def _hold(seed: int) -> bool:
    """Whether a forgery was refused; one that passes tells nothing but what is true."""
    file = _forged(random.Random(seed))
    data = json.dumps(file).encode()
    try:
        found = verdict.judge(data, witnesses=[pasts.SEEN])
        entries = proofs.read(data, witnesses=[pasts.SEEN]).entries
    except ProofError:
        return True
    if not found.is_proven:
        return True
    for one in entries:
        assert one.leaf.encoded() == pasts.TRUE[one.place[1]]
    if "all" in file["trees"][0]:
        assert found.lines[:4] == pasts.LINES[:4]
    return False


def test_the_truth_is_proven() -> None:
    """Whole and in part."""
    for whole in (True, False):
        data = json.dumps(pasts.file(pasts.TRUE, pasts.CHECKPOINT, whole=whole)).encode()
        found = verdict.judge(data, witnesses=[pasts.SEEN])
        assert found.is_proven
        assert not verdict.judge(data, witnesses=[pasts.KEY]).is_proven
        assert found.lines[0].startswith("g at 2026-01-31T13:00:00.000000Z: ran c version 10,")


@pytest.mark.parametrize("count", [150, pytest.param(10_000, marks=pytest.mark.soak)])
def test_no_rewritten_log_passes(count: int) -> None:
    """For anything that the witness's checkpoint covers, though the attacker signs as the log."""
    refused = sum(_hold(seed) for seed in range(count))

    assert refused > count * 0.9


def test_many_entries_are_verified_in_no_time() -> None:
    """A log of some thousands, every entry read."""
    entries = pasts.TRUE + [
        pasts.leaf(5, "report", gateway=f"other-{n}", version=n) for n in range(1000)
    ]
    note = pasts.witnessed(entries)

    found = verdict.judge(
        json.dumps(pasts.file(entries, note, whole=True)).encode(), witnesses=[pasts.SEEN]
    )

    assert found.lines[:4] == pasts.LINES[:4]
    assert "all of them read" in found.lines[4]
