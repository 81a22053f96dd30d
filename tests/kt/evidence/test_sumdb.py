"""Trees, proofs, tiles and notes against Go's sumdb, which is of another hand.

The suite has what Go made once, `RENEW=1` has it made anew. `make soak` asks Go itself, on Debian
with `apt install golang-go golang-golang-x-mod-dev`.
"""

import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kt.evidence import notes, tree
from kt.evidence.notes import Checkpoint, Note
from kt.evidence.tiles import Tiles
from tests.kt.evidence import pasts

_HERE = Path(__file__).parent
_VECTORS = _HERE / "sumdb" / "vectors.json"
_ENTRIES = 1400
_HASHES = [tree.leaf_hash(b"entry %d" % number) for number in range(_ENTRIES)]
_LIBRARIES = "/usr/share/gocode"


def _tree(size: int = _ENTRIES) -> Tiles:
    tiles = Tiles(lambda _level, _number: b"")
    tiles.append(_HASHES[:size])
    return tiles


_TREE = _tree()


def _asked(chance: random.Random, count: int) -> list[dict[str, Any]]:
    """Sizes, sizes before and places in them."""
    sizes = [chance.randrange(1, _ENTRIES + 1) for _ in range(count)]
    return [
        {"size": size, "old": chance.randrange(1, size + 1), "index": chance.randrange(size)}
        for size in sizes
    ]


def _ours(case: dict[str, Any]) -> dict[str, Any]:
    """A case with the roots and proofs that are made here."""
    size, old, index = case["size"], case["old"], case["index"]
    return {
        "size": size,
        "old": old,
        "index": index,
        "root": tree.root(size, _TREE.node).hex(),
        "old_root": tree.root(old, _TREE.node).hex(),
        "inclusion": [one.hex() for one in tree.inclusion(index, size, _TREE.node)],
        "grown": [one.hex() for one in tree.consistency(old, size, _TREE.node)],
    }


def _note(size: int) -> str:
    """A checkpoint that the log and a witness signed."""
    body = Checkpoint("log/1", size, tree.root(size, _TREE.node)).body()
    signed = Note(body).signed_also(notes.sign(body, "log", pasts.LOG))
    return signed.signed_also(notes.cosign(body, "witness", pasts.WITNESS, at=size)).text()


def _go(given: dict[str, Any], folder: Path) -> str:
    environment = {**os.environ, "GOPATH": _LIBRARIES, "GO111MODULE": "off", "GOFLAGS": ""}
    done = subprocess.run(
        ["go", "run", str(_HERE / "sumdb" / "main.go")],
        env={**environment, "GOCACHE": str(folder)},
        input=json.dumps(given),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif("RENEW" not in os.environ, reason="RENEW=1 has Go make the vectors anew")
def test_vectors_are_made_by_go(tmp_path: Path) -> None:
    """Sizes around those of tiles, and some others."""
    cases = _asked(random.Random(6962), 30)
    cases += [{"size": n, "old": max(n // 2, 1), "index": n - 1} for n in (1, 2, 255, 256, 257)]
    made = json.loads(_go({"entries": _ENTRIES, "make": True, "cases": cases}, tmp_path))

    _VECTORS.write_text("".join(f"{json.dumps(one)}\n" for one in made))


def test_roots_and_proofs_are_those_of_go() -> None:
    """To the byte, inclusion and growth; and what Go proves holds here."""
    theirs = [json.loads(line) for line in _VECTORS.read_text().splitlines()]

    assert len(theirs) == 35
    assert [_ours(one) for one in theirs] == theirs
    for one in theirs:
        root, old_root = (bytes.fromhex(one[name]) for name in ("root", "old_root"))
        path, grown = (
            [bytes.fromhex(step) for step in one[name]] for name in ("inclusion", "grown")
        )
        index, size, old = one["index"], one["size"], one["old"]
        assert tree.root_of_inclusion(_HASHES[index], index, size, path) == root
        assert tree.is_consistent(old, old_root, size, root, grown)


@pytest.mark.soak
def test_go_holds_what_is_made_here(tmp_path: Path) -> None:
    """A thousand random sizes: roots, both proofs, the tiles, and notes of log and witness."""
    if shutil.which("go") is None or not Path(_LIBRARIES, "src/golang.org/x/mod/sumdb").exists():
        pytest.skip("apt install golang-go golang-golang-x-mod-dev")
    cases = [_ours(one) for one in _asked(random.Random(), 1000)]
    given = {
        "entries": _ENTRIES,
        "cases": cases,
        "tiles": {f"{level}/{n}": data.hex() for (level, n), data in _TREE.changed.items()},
        "key": pasts.KEY.text(),
        "notes": [_note(one["size"]) for one in cases],
    }

    assert _go(given, tmp_path) == "1000 1000\n"
    for altered in ("root", "old_root"):
        wrong = {**cases[0], altered: "00" * 32}
        with pytest.raises(AssertionError, match="another root"):
            _go({**given, "cases": [wrong]}, tmp_path)
