"""Signed notes: checkpoints of a log, and what witnesses sign of them.

Source: https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint,
https://c2sp.org/tlog-cosignature
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519, COSIGNATURE = 1, 4
_SIGNATURE = re.compile(r"— (\S+) ([A-Za-z0-9+/]+={0,2})")
_NAME = re.compile(r"[^\s+]{1,255}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
MOST_NOTE_BYTES = 1 << 20
_MOST_SIGNATURES = 100
# Half a day before the end of the year 9999; no clock shows a later one.
_LAST_SECOND = 253_402_257_600


class NoteError(ValueError):
    """A note or a key that is not in the form of one."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A line behind a note: who signed, by which key, and the bytes."""

    name: str
    key_id: bytes
    data: bytes

    def line(self) -> str:
        return f"— {self.name} {_b64(self.key_id + self.data)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends in a line's end, and its signatures."""

    body: str
    signatures: tuple[Signature, ...] = ()

    def text(self) -> str:
        return f"{self.body}\n" + "".join(one.line() for one in self.signatures)

    def signed_also(self, *others: Signature) -> Note:
        """The same with more signatures."""
        return Note(self.body, (*self.signatures, *others))


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with its name: of a log (`ED25519`), or of a witness (`COSIGNATURE`)."""

    name: str
    public: bytes
    kind: int = ED25519

    @property
    def key_id(self) -> bytes:
        head = self.name.encode() + b"\n" + bytes([self.kind])
        return sha256(head + self.public).digest()[:4]

    def text(self) -> str:
        """The key in the form in which people hand it on."""
        return f"{self.name}+{self.key_id.hex()}+{_b64(bytes([self.kind]) + self.public)}"

    def signed_at(self, note: Note) -> int | None:
        """The time in a signature of this key, 0 for a log's; None where none is valid."""
        for one in note.signatures:
            if (one.name, one.key_id) == (self.name, self.key_id):
                at = self._time_of(note.body, one.data)
                if at is not None:
                    return at
        return None

    def _time_of(self, body: str, data: bytes) -> int | None:
        at, message, signature = 0, body.encode(), data
        if self.kind == COSIGNATURE:
            at, signature = int.from_bytes(data[:8], "big"), data[8:]
            message = _cosigned(body, at)
            if at > _LAST_SECOND:
                return None
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return None
        return at


class _Signer(Protocol):
    def sign(self, data: bytes, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: its name, its number of leaves, its root."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        return f"{self.origin}\n{self.size}\n{_b64(self.root)}\n"


def verifier(text: str) -> Verifier:
    """Undo `Verifier.text`.

    Raises:
        NoteError: it is no such text, or of a kind of key that is not known here.
    """
    name, _, rest = text.strip().partition("+")
    key_id, _, data = rest.partition("+")
    raw = _unb64(data)
    if not _NAME.fullmatch(name) or len(raw) != 33 or raw[0] not in (ED25519, COSIGNATURE):
        raise NoteError("a key is NAME+ID+KEY, and this is none")
    found = Verifier(name, raw[1:], raw[0])
    if found.key_id.hex() != key_id:
        raise NoteError("the key is not the one that its id tells")
    return found


def public_of(key: Ed25519PrivateKey) -> bytes:
    """The bytes of the public half of a key."""
    return key.public_key().public_bytes_raw()


def sign(body: str, name: str, key: Ed25519PrivateKey) -> Signature:
    """A log's signature of a note."""
    by = Verifier(name, public_of(key))
    return Signature(name, by.key_id, key.sign(body.encode()))


def cosign(body: str, name: str, key: Ed25519PrivateKey, *, at: int) -> Signature:
    """A witness's signature of a checkpoint, with the time in seconds since 1970."""
    by = Verifier(name, public_of(key), COSIGNATURE)
    return Signature(name, by.key_id, at.to_bytes(8, "big") + key.sign(_cosigned(body, at)))


def read(text: str) -> Note:
    """Undo `Note.text`.

    Raises:
        NoteError: it is no note.
    """
    if len(text) > MOST_NOTE_BYTES or any(sign < " " and sign != "\n" for sign in text):
        raise NoteError("a note has lines of text")
    body, mark, tail = text.rpartition("\n\n")
    if not mark or not tail.endswith("\n"):
        raise NoteError("a note has signatures behind an empty line")
    return Note(f"{body}\n", signatures(tail))


def signatures(lines: str) -> tuple[Signature, ...]:
    """The signatures of the lines behind a note.

    Raises:
        NoteError: a line is no signature, or there are very many.
    """
    found: list[Signature] = []
    for line in lines.splitlines():
        match = _SIGNATURE.fullmatch(line)
        raw = _unb64(match[2]) if match else b""
        if match is None or len(raw) < 5 or len(found) == _MOST_SIGNATURES:
            raise NoteError("a line behind the note is no signature")
        found.append(Signature(match[1], raw[:4], raw[4:]))
    if not found:
        raise NoteError("a note without a signature")
    return tuple(found)


def checkpoint(body: str) -> Checkpoint:
    """The checkpoint that a note's text tells.

    Raises:
        NoteError: it tells none.
    """
    lines: Sequence[str] = body.split("\n")
    if len(lines) < 4 or not lines[0] or not _SIZE.fullmatch(lines[1]) or lines[-1]:
        raise NoteError("a checkpoint is a name, a size and a root")
    root = _unb64(lines[2])
    if len(root) != 32:
        raise NoteError("a root has 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root)


def _cosigned(body: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{body}".encode()


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _unb64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise NoteError("no base64") from exc
