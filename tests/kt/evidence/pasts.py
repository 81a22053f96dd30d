"""A past, its log, and the files that prove it: what attackers begin with."""

import json
import random
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kt.evidence import leaves, notes, proofs, tree, verdict
from kt.evidence.notes import COSIGNATURE, Checkpoint, Note, Verifier
from kt.evidence.tiles import Tiles

LOG, WITNESS = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
KEY = Verifier("log", notes.public_of(LOG))
SEEN = Verifier("witness", notes.public_of(WITNESS), COSIGNATURE)
# 2026-01-31T12:05:00Z, some minutes after the last entry.
SEEN_AT = 1_769_861_100
_CHANCE = random.Random(21)


def leaf(second: int, kind: str, **given: Any) -> bytes:
    """The bytes of a leaf, at a second of one minute."""
    chance = _CHANCE.randbytes(leaves.chance_bytes(given))
    at = f"2026-01-31T12:00:{second:02}.000000Z"
    return leaves.made(kind, at, given, chance=chance).leaf.encoded()


def past() -> list[bytes]:
    """A gateway that is bound and runs one version after another."""
    found = [leaf(0, "epoch", epoch=1), leaf(1, "bound", gateway="g", configuration="c")]
    for number in range(1, 11):
        facts = {"configuration": "c", "version": number, "content_hash": f"{number:064x}"}
        found += [
            leaf(4 * number, "version", **facts, source="git", commit=f"{number:040x}"),
            leaf(4 * number, "audit", action="configuration.published", configuration="c",
                  version=number, actor_kind="git_repo"),
            leaf(4 * number + 1, "report", **facts, gateway="g"),
        ]  # fmt: skip
    return found


def _tiles(entries: Sequence[bytes]) -> Tiles:
    tiles = Tiles(lambda _level, _number: b"")
    tiles.append([tree.leaf_hash(one) for one in entries])
    return tiles


def signed(entries: Sequence[bytes]) -> Note:
    """A checkpoint that the log's key signed."""
    body = Checkpoint("log/1", len(entries), _tiles(entries).root()).body()
    return Note(body).signed_also(notes.sign(body, "log", LOG))


def witnessed(entries: Sequence[bytes]) -> Note:
    """The same with the signature of a witness."""
    note = signed(entries)
    return note.signed_also(notes.cosign(note.body, SEEN.name, WITNESS, at=SEEN_AT))


def long(count: int) -> list[bytes]:
    """So many entries, of which few are about what a file is asked about."""
    found = past()
    for number in range(len(found), count):
        facts = {"configuration": f"c-{number % 997}", "version": number}
        kind = ("version", "report", "audit")[number % 3]
        given = {"gateway": f"g-{number % 991}"} if kind == "report" else {"actor_name": "Ann"}
        found.append(leaf(5, kind, **facts, **given, content_hash=f"{number:064x}"))
    return found


def file(entries: Sequence[bytes], note: Note, *, whole: bool) -> dict[str, Any]:
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
    return {"format": proofs.FORMAT, "question": question, "key": KEY.text(), "trees": [part]}


TRUE = past()
CHECKPOINT = witnessed(TRUE)
LINES = verdict.judge(
    json.dumps(file(TRUE, CHECKPOINT, whole=True)).encode(), witnesses=[SEEN]
).lines
