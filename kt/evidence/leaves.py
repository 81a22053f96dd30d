"""Leaves of the log: typed facts in the clear, and commitments to every other value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from kt.evidence.canonical import MOST, NotCanonicalError, decode, encode, repaired

Facts = Mapping[str, Any]

SALT_BYTES, NONCE_BYTES = 32, 16
_MOST_HIDDEN = 100
_HEX = re.compile("[0-9a-f]*")
_HIDDEN_NAME = re.compile(r"[a-z][A-Za-z0-9_.\\-]{0,99}")
_TEXTS: Mapping[str, re.Pattern[str]] = {
    "id": re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}"),
    "uuid": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "hash": re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})"),
    "key": re.compile(r"[A-Za-z0-9:+/=_-]{16,100}"),
    "release": re.compile(r"[0-9a-z][0-9a-z.-]{0,63}"),
    "word": re.compile(r"[a-z][a-z0-9_.]{0,39}"),
    "time": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"),
}
_NUMBER = "number"

# Every kind of leaf, with the facts that it has in the clear and the form of each. What has not
# that form, and whatever is not named here, is committed to and not shown.
KINDS: Mapping[str, Mapping[str, str]] = {
    "audit": {
        "action": "word", "actor_kind": "word", "actor": "uuid", "configuration": "id",
        "gateway": "id", "link": "uuid", "object": "uuid", "request": _NUMBER,
        "request_kind": "word", "state": "word", "status": "word", "version": _NUMBER,
        "content_of_version": _NUMBER, "content_hash": "hash", "shown_hash": "hash",
        "commit": "hash", "fingerprint": "key",
    },
    "version": {
        "configuration": "id", "version": _NUMBER, "publish_seq": _NUMBER, "content_hash": "hash",
        "source": "word", "link": "uuid", "commit": "hash", "tree": "hash", "blob": "hash",
        "signer_key": "key", "rules": "release", "own_tests": "word", "committed_at": "time",
    },
    "bound": {
        "gateway": "id", "configuration": "id", "left": "id", "bound_seq": _NUMBER,
    },
    "handed": {"gateway": "id", "content_hash": "hash", "publish_seq": _NUMBER},
    "report": {
        "gateway": "id", "configuration": "id", "version": _NUMBER, "content_hash": "hash",
        "publish_seq": _NUMBER, "left_hash": "hash",
    },
    "decisions": {
        "gateway": "id", "batch": _NUMBER, "count": _NUMBER, "dropped": _NUMBER, "digest": "hash",
    },
    "epoch": {
        "epoch": _NUMBER, "known_size": _NUMBER, "known_root": "hash", "held_size": _NUMBER,
        "held_root": "hash",
    },
}  # fmt: skip
# What a leaf is about first: the fact by which it is found.
SUBJECTS = ("gateway", "configuration", "link")


class LeafError(ValueError):
    """Bytes that are no leaf."""


@dataclass(frozen=True, slots=True)
class LogLeaf:
    """A leaf: what is told (`facts`), and the commitments to what is not, by name."""

    kind: str
    at: str
    nonce: str
    facts: Mapping[str, Any]
    hidden: Mapping[str, str]

    def encoded(self) -> bytes:
        """The leaf's bytes, of which the log has the hash."""
        return encode(
            {
                "at": self.at,
                "facts": dict(self.facts),
                "hidden": dict(self.hidden),
                "kind": self.kind,
                "nonce": self.nonce,
            }
        )

    @property
    def subject(self) -> str:
        """What it is about first."""
        return subject(self.facts)


@dataclass(frozen=True, slots=True)
class Opened:
    """A leaf's values that are not in it, with their salts in hex: name to salt and value."""

    leaf: LogLeaf
    values: Mapping[str, tuple[str, Any]]


def made(kind: str, at: str, given: Mapping[str, Any], *, chance: bytes) -> Opened:
    """A leaf of what is known of a fact; None and empty texts are left out.

    `chance` has `NONCE_BYTES` of chance, and `SALT_BYTES` for each of `given`. It never fails on a
    value: one that is not in the form of its fact is committed to instead.
    """
    forms, facts, values = KINDS[kind], {}, {}
    for name, value in given.items():
        if value is None or value == "":
            continue
        if name in forms and _has_form(value, forms[name]):
            facts[name] = value
        elif _HIDDEN_NAME.fullmatch(name):
            values[name] = repaired(value)
        else:  # Names come of columns; what else is called so may tell something.
            values[f"other{len(values)}"] = repaired([name, value])
    if len(values) > _MOST_HIDDEN:
        values = {"values": values}
    salted = {
        name: (chance[at : at + SALT_BYTES].hex(), value)
        for at, (name, value) in zip(
            range(NONCE_BYTES, len(chance), SALT_BYTES), values.items(), strict=False
        )
    }
    hidden = {name: commitment(salt, value) for name, (salt, value) in salted.items()}
    return Opened(LogLeaf(kind, at, chance[:NONCE_BYTES].hex(), facts, hidden), salted)


def subject(facts: Facts) -> str:
    """What facts are about first, with its kind; empty for what is about nothing that has an id."""
    return next((f"{name}/{facts[name]}" for name in SUBJECTS if name in facts), "")


def chance_bytes(given: Mapping[str, Any]) -> int:
    """How much chance `made` uses up at most."""
    return NONCE_BYTES + SALT_BYTES * max(len(given), 1)


def commitment(salt: str, value: Any) -> str:
    """The sha256 of 32 bytes of chance and a value in its one form, in hex."""
    return sha256(bytes.fromhex(salt) + encode(value)).hexdigest()


def read(data: bytes) -> LogLeaf:
    """Undo `LogLeaf.encoded`, strictly.

    Raises:
        LeafError: it writes no such bytes.
    """
    try:
        value = decode(data)
    except NotCanonicalError as exc:
        raise LeafError(str(exc)) from exc
    if not isinstance(value, dict) or set(value) != {"at", "facts", "hidden", "kind", "nonce"}:
        raise LeafError("a leaf has five members")
    forms = KINDS.get(value["kind"]) if isinstance(value["kind"], str) else None
    facts, hidden, nonce = value["facts"], value["hidden"], value["nonce"]
    if forms is None or not isinstance(facts, dict) or not isinstance(hidden, dict):
        raise LeafError("a leaf of no known kind")
    if not all(name in forms and _has_form(one, forms[name]) for name, one in facts.items()):
        raise LeafError("a fact in another form")
    if not all(_HIDDEN_NAME.fullmatch(name) and _is_hex(one, 32) for name, one in hidden.items()):
        raise LeafError("a commitment in another form")
    if not _has_form(value["at"], "time") or not _is_hex(nonce, NONCE_BYTES):
        raise LeafError("a leaf without a time or without chance")
    return LogLeaf(value["kind"], value["at"], nonce, facts, hidden)


def is_opened(leaf: LogLeaf, name: str, salt: Any, value: Any) -> bool:
    """Whether a value is the one that a leaf commits to under a name."""
    if not _is_hex(salt, SALT_BYTES):
        return False
    try:
        return leaf.hidden.get(name) == commitment(salt, value)
    except NotCanonicalError:
        return False


def concerns(change: LogLeaf, version: Facts) -> bool:
    """Whether an entry of the audit log tells of what made a version, or of who confirmed it."""
    facts = change.facts
    if change.kind != "audit":
        return False
    if facts.get("configuration") == version.get("configuration"):
        is_change = facts.get("version") == version.get("version")
        shown = facts.get("shown_hash")
        return is_change or (shown is not None and shown == version.get("content_hash"))
    is_of_link = "link" in facts and facts["link"] == version.get("link")
    return is_of_link and "commit" in facts and facts["commit"] == version.get("commit")


def _has_form(value: Any, form: str) -> bool:
    if form == _NUMBER:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST
    return isinstance(value, str) and _TEXTS[form].fullmatch(value) is not None


def _is_hex(text: Any, count: int) -> bool:
    return isinstance(text, str) and len(text) == 2 * count and _HEX.fullmatch(text) is not None
