"""Files that somebody made to deceive or to stop whoever verifies them."""

import contextlib
import copy
import json
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kt.cli.evidence import files
from kt.evidence import notes, statements, tree, verdict
from kt.evidence.notes import Checkpoint, Note
from kt.evidence.proofs import ProofError
from tests.kt.cli.conftest import Done
from tests.kt.evidence import pasts

Run = Callable[..., Done]
_FILE = pasts.file(pasts.TRUE, pasts.CHECKPOINT, whole=False)
_TEXT = json.dumps(_FILE)
_OTHER = Ed25519PrivateKey.from_private_bytes(b"x" * 32)
_SIZE = len(pasts.TRUE)
_PROOF = _FILE["trees"][0]["entries"][0]["proof"]


def _with(**members: Any) -> str:
    return json.dumps({**_FILE, **members})


def _tree(**members: Any) -> str:
    return _with(trees=[{**_FILE["trees"][0], **members}])


def _entry(**members: Any) -> str:
    first, *others = _FILE["trees"][0]["entries"]
    return _tree(entries=[{**first, **members}, *others])


def _cosigned(body: str, by: str = "witness", at: int = pasts.SEEN_AT) -> Note:
    """A checkpoint that the log signed, with a signature of the witness for `body`."""
    note = pasts.signed(pasts.TRUE)
    return note.signed_also(notes.cosign(body, by, pasts.WITNESS, at=at))


def _checkpoint(body: str, key: Ed25519PrivateKey = pasts.LOG) -> str:
    """A checkpoint of a key, which the witness signed too."""
    note = Note(body).signed_also(notes.sign(body, "log", key))
    return note.signed_also(notes.cosign(body, "witness", pasts.WITNESS, at=pasts.SEEN_AT)).text()


_ROOT = tree.over([tree.leaf_hash(one) for one in pasts.TRUE])
_ELSEWHERE = Checkpoint("log/2", _SIZE, _ROOT).body()
_ROOTLESS = Checkpoint("log/1", _SIZE, b"\x00" * 32).body()
_SMALLER = pasts.file(pasts.TRUE[:-1], pasts.signed(pasts.TRUE[:-1]), whole=False)

HOSTILE = {
    "nested": "[" * 200_000,
    "nested objects": '{"a":' * 100_000,
    "nested values": _entry(values={"a": ["0" * 64, json.loads("[" * 400 + "]" * 400)]}),
    "values nested as deep as can be": _TEXT.replace(
        '"values": {}', '"values": {"a": ["' + "0" * 64 + '", ' + "[" * 960 + "]" * 960 + "]}", 1
    ),
    "an envelope of nothing": _with(payloadType="application/vnd.in-toto+json"),
    "an envelope in an envelope": json.dumps(
        statements.envelope({"payloadType": "x", "key": pasts.KEY.text(), "trees": []}, pasts.KEY,
                            pasts.LOG.sign)
    ),
    "an envelope of another key": json.dumps(
        statements.envelope(_FILE, pasts.KEY, _OTHER.sign)
    ),
    "a name twice": _TEXT.replace('{"format"', '{"format": "x", "format"', 1),
    "a name twice in a leaf": _TEXT.replace('\\"kind\\"', '\\"kind\\":1,\\"kind\\"', 1),
    "a fraction": _entry(index=0.0),
    "no number": _TEXT.replace('"index": 1', '"index": NaN', 1),
    "an endless number": _TEXT.replace('"index": 1', '"index": ' + "9" * 10_000, 1),
    "a number past 2^53": _entry(index=2**53),
    "a number past 2^63": _entry(index=2**63),
    "a number past 2^53 in a value": _entry(values={"actor_name": ["0" * 64, 2**53]}),
    "a truth for a number": _entry(index=False),
    "a negative place": _entry(index=-1),
    "half a letter": _with(question={"gateway": "\ud800", "at": "2026-01-31T13:00:00Z"}),
    "no text": b"\xff\xfe".decode("latin-1"),
    "no time": _with(question={"gateway": "g", "at": "tomorrow"}),
    "a time without a zone": _with(question={"gateway": "g", "at": "2026-01-31T13:00:00"}),
    "a time before all times": _with(question={"gateway": "g", "at": "0001-01-01T00:00:00+14:00"}),
    "a time after all times": _with(question={"gateway": "g", "at": "9999-12-31T23:59:59-14:00"}),
    "both questions": _with(
        question={"gateway": "g", "configuration": "c", "at": "2026-01-31T13:00:00Z"}
    ),
    "a checkpoint of another key": _tree(checkpoint=_checkpoint(pasts.CHECKPOINT.body, _OTHER)),
    "a checkpoint of another log": _tree(checkpoint=_checkpoint(_ELSEWHERE)),
    "another key's file": _with(
        key=notes.Verifier("log", notes.public_of(_OTHER)).text()
    ),
    "a checkpoint of no size": _tree(
        checkpoint=_checkpoint(Checkpoint("log/1", 0, tree.EMPTY_ROOT).body())
    ),
    "a checkpoint of an endless size": _tree(
        checkpoint=_checkpoint(f"log/1\n{'9' * 5000}\n{'A' * 43}=\n")
    ),
    "many signatures": _tree(
        checkpoint=pasts.CHECKPOINT.text() + _cosigned("").signatures[1].line() * 500
    ),
    "proofs of a smaller tree": _tree(entries=_SMALLER["trees"][0]["entries"]),
    "a proof of another entry": _entry(proof=_FILE["trees"][0]["entries"][1]["proof"]),
    "an endless proof": _entry(proof=["0" * 64] * 100_000),
    "a proof in capitals": _entry(proof=[one.upper() for one in _PROOF]),
    "a proof of halves": _entry(proof=[part for one in _PROOF for part in (one[:32], one[32:])]),
    "a value that is not committed to": _entry(values={"author": ["0" * 64, "Ann"]}),
    "a salt of another length": _entry(values={"author": ["0", "Ann"]}),
    "an entry twice": _tree(entries=[*_FILE["trees"][0]["entries"][:1]] * 2),
    "a tree twice": _with(trees=_FILE["trees"] * 2),
    "no tree": _with(trees=[]),
    "a list of no trees": _with(trees=[1]),
    "a member more": _with(more=1),
    "another format": _with(format="keeptrusts evidence v2"),
}  # fmt: skip


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_file_is_refused_in_one_sentence(kt: Run, tmp_path: Path, how: str) -> None:
    """Exit code 1, one line, no traceback; also with a checkpoint in place of the witness."""
    path, kept = tmp_path / "file.json", tmp_path / "kept"
    path.write_text(HOSTILE[how], errors="surrogatepass")
    kept.write_text(pasts.CHECKPOINT.text())

    for trusted in (("--witness", pasts.SEEN.text()), ("--checkpoint", str(kept))):
        code, out, err = kt("evidence", "verify", str(path), *trusted)

        assert (code, err) == (1, ""), how
        assert out.startswith("NOT PROVEN: ")
        assert len(out.splitlines()) == 1
        assert len(out) < 200


@pytest.mark.parametrize(
    ("checkpoint", "said"),
    [
        (_cosigned(_ELSEWHERE), "witness signed no checkpoint"),
        (_cosigned(_ROOTLESS), "witness signed no checkpoint"),
        (_cosigned(pasts.CHECKPOINT.body, by="another"), "witness signed no checkpoint"),
        (pasts.signed(pasts.TRUE), "witness signed no checkpoint"),
        (_cosigned(pasts.CHECKPOINT.body, at=4_000_000_000), "is yet to come"),
        (_cosigned(pasts.CHECKPOINT.body, at=pasts.SEEN_AT - 1000), "before that"),
        (_cosigned(pasts.CHECKPOINT.body, at=2**62), "witness signed no checkpoint"),
        (_cosigned(pasts.CHECKPOINT.body, at=2**64 - 1), "witness signed no checkpoint"),
    ],
)  # fmt: skip
def test_a_signature_for_something_else_is_none(
    kt: Run, tmp_path: Path, checkpoint: Note, said: str
) -> None:
    """For another tree, root or name, or none; or of a time that cannot be."""
    path = tmp_path / "file.json"
    path.write_text(_tree(checkpoint=checkpoint.text()))

    code, out, err = kt("evidence", "verify", str(path), "--witness", pasts.SEEN.text())

    assert (code, err) == (1, "")
    assert "NOT PROVEN: " in out.splitlines()[-1]
    assert said in out.splitlines()[-1]


def test_an_entry_of_the_future_is_not_what_stood() -> None:
    """What comes after the time that is asked about is left out, whatever it says."""
    entries = [*pasts.TRUE, pasts.leaf(59, "report", gateway="g", configuration="c", version=99)]
    file = pasts.file(entries, pasts.witnessed(entries), whole=True)
    file["question"]["at"] = "2026-01-31T12:00:58Z"

    found = verdict.judge(json.dumps(file).encode(), witnesses=[pasts.SEEN])

    assert found.is_proven
    assert ": ran c version 10," in found.lines[0]


def test_a_larger_file_than_is_read_is_refused(
    kt: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a matter of usage: nothing is said of what it proves."""
    monkeypatch.setattr(files, "MOST_BYTES", 1 << 20)
    path = tmp_path / "file.json"
    path.write_bytes(b" " * ((1 << 20) + 1))

    code, out, err = kt("evidence", "verify", str(path), "--witness", pasts.SEEN.text())

    assert (code, out) == (2, "")
    assert err.endswith("file.json: larger than 1 MiB\n")


def test_a_file_of_many_brackets_takes_little_memory() -> None:
    """A refusal comes before much is made of what is refused."""
    data = b"[" * (4 << 20)
    tracemalloc.start()
    with pytest.raises(ProofError):
        verdict.judge(data, witnesses=[pasts.SEEN])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 5 * len(data)


@pytest.mark.parametrize("count", [300, pytest.param(20_000, marks=pytest.mark.soak)])
def test_no_other_bytes_break_the_verifier(count: int) -> None:
    """Whatever is exchanged for whatever, it answers with a verdict or a refusal."""
    values: list[Any] = [
        None, True, -1, 0, 2**53, 2**63, 10**400, "", "\ud800", "\x00", "x" * 300, [], {}, [[]],
        {"": {}}, ["0" * 64], {"data": _FILE}, _FILE["trees"][0]["checkpoint"], "9" * 400,
    ]  # fmt: skip
    for seed in range(count):
        chance = random.Random(seed)
        file = copy.deepcopy(pasts.file(pasts.TRUE[:6], pasts.CHECKPOINT, whole=seed % 2 == 1))
        for _ in range(chance.randrange(1, 4)):
            _exchange(chance, file, values)
        data = bytearray(json.dumps(file).encode())
        if seed % 5 == 0:
            data[chance.randrange(len(data))] = chance.randrange(256)
        with contextlib.suppress(ProofError):
            assert not verdict.judge(bytes(data), witnesses=[pasts.SEEN]).is_proven


def _exchange(chance: random.Random, value: Any, values: list[Any]) -> None:
    while isinstance(value, dict | list) and value:
        name = chance.choice(list(value) if isinstance(value, dict) else range(len(value)))
        if chance.random() < 0.3 or not isinstance(value[name], dict | list):
            value[name] = copy.deepcopy(chance.choice(values))
            return
        value = value[name]
