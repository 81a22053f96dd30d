"""Files of evidence: what they prove, from their bytes alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kt.evidence import leaves, notes, statements
from kt.evidence.canonical import encode
from kt.evidence.leaves import LogLeaf
from kt.evidence.notes import Checkpoint, Note, NoteError, Verifier
from kt.evidence.tree import is_consistent, leaf_hash, over, root_of_inclusion

FORMAT = "keeptrusts evidence v1"
_HASHES = re.compile("[0-9a-f]*")
_LONE = re.compile("[\ud800-\udfff]")
_MOST_PROOF = 64


class ProofError(Exception):
    """The file does not prove what it says; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class ProvenLeaf:
    """An entry that a checkpoint covers, with the values that were opened."""

    leaf: LogLeaf
    place: tuple[int, int]
    values: Mapping[str, Any] = field(default_factory=dict)

    def told(self, name: str) -> str:
        """A fact or an opened value as text; `erased` for a value that is not there any more."""
        if name in self.leaf.facts:
            return str(self.leaf.facts[name])
        if name in self.leaf.hidden:
            return str(self.values[name]) if name in self.values else "erased"
        return ""


@dataclass(frozen=True, slots=True)
class Covered:
    """A checkpoint of the log, when each of the witnesses given signed it, and what else is shown.

    `since` is the size of an older checkpoint, with the proof that this one grew from it. Of a
    tree that `is_whole` every entry is there, so that none can have been left out.
    """

    epoch: int
    note: Note
    checkpoint: Checkpoint
    seen: Mapping[str, int]
    since: tuple[int, Sequence[bytes]] | None
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a file proves, before anybody asks whether a witness saw it."""

    question: Mapping[str, str]
    key: Verifier
    trees: Sequence[Covered]
    entries: Sequence[ProvenLeaf]


def read(data: bytes, *, witnesses: Sequence[Verifier] = ()) -> Evidence:
    """Read a file, and hold every entry against the checkpoint that it is shown upon.

    Raises:
        ProofError: an entry, a value, a proof or a signature is not as it should be.
    """
    answer = _json(data)
    if isinstance(answer, dict) and set(answer) == {"data"}:
        answer = answer["data"]  # As the API says it.
    if statements.is_envelope(answer):
        answer = _opened(answer)
    whole = _object(answer, "format", "question", "key", "trees")
    if whole["format"] != FORMAT:
        raise ProofError("this is no file of evidence")
    question = _question(whole["question"])
    try:
        key = notes.verifier(_text(whole["key"]))
    except NoteError as exc:
        raise ProofError(f"the log's key: {exc}") from exc
    trees: list[Covered] = []
    entries: list[ProvenLeaf] = []
    for part in _list(whole["trees"]):
        covered = _covered(part, key, witnesses)
        if trees and covered.epoch <= trees[-1].epoch:
            raise ProofError("a tree is told twice")
        trees.append(covered)
        shown = [_entry(one, covered) for one in _list(part["entries"])]
        entries += _whole(part["all"], covered, shown, question) if covered.is_whole else shown
    places = [entry.place for entry in entries]
    if len(set(places)) != len(places):
        raise ProofError("an entry is told twice")
    if not entries:
        raise ProofError("there is no entry")
    return Evidence(question, key, trees, entries)


def held(evidence: Evidence, note: Note) -> None:
    """Hold a file against a checkpoint that the reader has of old.

    Raises:
        ProofError: the log of the file does not grow from it, or does not show that it does.
    """
    try:
        known = notes.checkpoint(note.body)
    except NoteError as exc:
        raise ProofError(f"the checkpoint that is held: {exc}") from exc
    if evidence.key.signed_at(note) is None:
        raise ProofError("the checkpoint that is held is of another log")
    for tree in evidence.trees:
        if tree.checkpoint.origin == known.origin:
            _check_grown(known, tree)
            return
    raise ProofError("the file tells nothing of the tree of the checkpoint that is held")


def _check_grown(known: Checkpoint, tree: Covered) -> None:
    now = tree.checkpoint
    if known.size == now.size:
        if known.root != now.root:
            raise ProofError(f"two trees of {now.size} entries: the log was rewritten")
        return
    if known.size > now.size:
        raise ProofError("the file is older than the checkpoint that is held: ask for a newer one")
    if tree.since is None or tree.since[0] != known.size:
        raise ProofError(f"no proof from {known.size} entries on: ask with --checkpoint")
    if not is_consistent(known.size, known.root, now.size, now.root, tree.since[1]):
        raise ProofError(f"the first {known.size} entries are others: the log was rewritten")


def _covered(part: Any, key: Verifier, witnesses: Sequence[Verifier]) -> Covered:
    _object(part, "epoch", "checkpoint", "entries", optional=("since", "all"))
    try:
        note = notes.read(_text(part["checkpoint"]))
        found = notes.checkpoint(note.body)
    except NoteError as exc:
        raise ProofError(f"a checkpoint: {exc}") from exc
    epoch = _number(part["epoch"])
    if key.signed_at(note) is None or found.origin != f"{key.name}/{epoch}":
        raise ProofError("a checkpoint that the log's key did not sign")
    # A log is no witness of itself.
    others = [one for one in witnesses if one.kind == notes.COSIGNATURE]
    seen = {one.name: at for one in others if (at := one.signed_at(note)) is not None}
    since = None
    if "since" in part:
        _object(part["since"], "size", "proof")
        since = _number(part["since"]["size"]), _hashes(part["since"]["proof"])
    return Covered(epoch, note, found, seen, since, "all" in part)


def _whole(
    texts: Any, covered: Covered, shown: Sequence[ProvenLeaf], question: Mapping[str, str]
) -> list[ProvenLeaf]:
    """All entries of a tree that concern a question, with the values of those that are shown."""
    entries = [_text(one).encode(errors="replace") for one in _list(texts)]
    size, root = covered.checkpoint.size, covered.checkpoint.root
    if len(entries) != size or over([leaf_hash(one) for one in entries]) != root:
        raise ProofError("the entries are not those of the checkpoint")
    values = {one.place[1]: one.values for one in shown}
    found = _concerned(entries, question)
    return [
        ProvenLeaf(found[index], (covered.epoch, index), values.get(index, {}))
        for index in sorted(found)
    ]


def _concerned(entries: Sequence[bytes], question: Mapping[str, str]) -> Mapping[int, LogLeaf]:
    """Leaves about a gateway, the configurations that these name, the links that those name.

    A leaf has one form, so its bytes tell what it is about: most are not read further.
    """
    found: dict[int, LogLeaf] = {}
    sought = {(name, question[name]) for name in ("gateway", "configuration") if name in question}
    for following in ("configuration", "link", ""):
        marks = [encode({name: value})[1:-1] for name, value in sought]
        if following == "configuration":
            marks.append(b'"kind":"epoch"')
        near = [i for i, data in enumerate(entries) if any(mark in data for mark in marks)]
        found |= {index: _leaf(index, entries[index]) for index in near if index not in found}
        facts = [found[index].facts for index in near]
        sought = {(following, one[following]) for one in facts if following in one}
    return found


def _leaf(index: int, data: bytes) -> LogLeaf:
    try:
        return leaves.read(data)
    except leaves.LeafError as exc:
        raise ProofError(f"entry {index}: {exc}") from exc


def _entry(one: Any, covered: Covered) -> ProvenLeaf:
    _object(one, "index", "leaf", "proof", "values")
    index, data = _number(one["index"]), _text(one["leaf"]).encode(errors="replace")
    root, size = covered.checkpoint.root, covered.checkpoint.size
    if root_of_inclusion(leaf_hash(data), index, size, _hashes(one["proof"])) != root:
        raise ProofError(f"entry {index} is not in the log")
    leaf, values = _leaf(index, data), {}
    if not isinstance(one["values"], dict):
        raise ProofError(f"entry {index}: its values are no object")
    for name, pair in one["values"].items():
        if not isinstance(pair, list) or len(pair) != 2:
            raise ProofError(f"entry {index}: {name} is no salt and value")
        if not leaves.is_opened(leaf, name, *pair):
            raise ProofError(f"entry {index}: {name} is not the value that the log has")
        values[name] = pair[1]
    return ProvenLeaf(leaf, (covered.epoch, index), values)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data, object_pairs_hook=_once, parse_float=_no_fraction)
    except (ValueError, RecursionError) as exc:
        raise ProofError("this is no JSON, or has a name twice") from exc


def _opened(envelope: Mapping[str, Any]) -> Any:
    try:
        return statements.opened(envelope, _json)
    except statements.EnvelopeError as exc:
        raise ProofError(str(exc)) from exc


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _no_fraction(text: str) -> Any:
    raise ValueError(f"a fraction: {text}")


def _question(value: Any) -> Mapping[str, str]:
    about = next((one for one in ("gateway", "configuration") if isinstance(value, dict)
                  and set(value) == {one, "at"}), None)  # fmt: skip
    if about is None:
        raise ProofError("a question is about a gateway or a configuration, at a time")
    try:
        moment = datetime.fromisoformat(_text(value["at"]))
        if moment.tzinfo is None:
            raise ProofError("the time of the question has no zone")
        at = f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    except (ValueError, OverflowError) as exc:
        raise ProofError("the time of the question is none") from exc
    return {about: _text(value[about]), "at": at}


def _object(value: Any, *names: str, optional: Sequence[str] = ()) -> Mapping[str, Any]:
    if not isinstance(value, dict) or set(value).difference(optional) != set(names):
        raise ProofError(f"an object has the members {', '.join(names)}")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ProofError("a list is none")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not (value.isascii() or _LONE.search(value) is None):
        raise ProofError("a text is none")
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise ProofError("a number is none")
    return value


def _hashes(value: Any) -> list[bytes]:
    found = _list(value)
    if not all(isinstance(one, str) and len(one) == 64 for one in found):
        raise ProofError("a proof is a list of hashes")
    if len(found) > _MOST_PROOF or not _HASHES.fullmatch(text := "".join(found)):
        raise ProofError("a proof is a list of hashes")
    data = bytes.fromhex(text)
    return [data[at : at + 32] for at in range(0, len(data), 32)]
