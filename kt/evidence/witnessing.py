"""The decision of a witness: what it signs, and what it refuses, as C2SP's tlog-witness has it.

Source: https://c2sp.org/tlog-witness
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kt.evidence import notes
from kt.evidence.notes import Checkpoint, Note, NoteError, Verifier
from kt.evidence.tree import EMPTY_ROOT, is_consistent

_MOST_PROOF = 63
_URL = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?")
_OLD = re.compile("old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness that a log asks: its public key, and the url that it answers at."""

    key: Verifier
    url: str


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """What a log asks for: to sign `note`, which grew from a checkpoint of `old` entries."""

    old: int
    proof: Sequence[bytes]
    note: Note

    def encoded(self) -> bytes:
        lines = [f"old {self.old}", *(base64.b64encode(one).decode() for one in self.proof)]
        return ("\n".join(lines) + "\n\n" + self.note.text()).encode()


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal: a status of HTTP, and for 409 the size that the witness saw last."""

    status: int
    size: int | None = None


def named(text: str) -> Witness:
    """A witness as a setting names it, KEY@URL.

    Raises:
        NoteError: it is none.
    """
    key, _, url = text.rpartition("@")
    found = notes.verifier(key)
    if found.kind != notes.COSIGNATURE or not _URL.fullmatch(url):
        raise NoteError("a witness is KEY@URL, with the key that kt witness prints")
    return Witness(found, url.rstrip("/"))


def read(data: bytes) -> SigningRequest:
    """Undo `SigningRequest.encoded`.

    Raises:
        NoteError: it is no such request.
    """
    try:
        head, mark, rest = data.decode().partition("\n\n")
        first, *lines = head.split("\n")
        proof = [base64.b64decode(line, validate=True) for line in lines]
    except (UnicodeDecodeError, binascii.Error, ValueError) as exc:
        raise NoteError("no request of a log") from exc
    old = _OLD.fullmatch(first)
    if not mark or old is None or len(proof) > _MOST_PROOF or any(len(one) != 32 for one in proof):
        raise NoteError("no request of a log")
    return SigningRequest(int(old[1]), proof, notes.read(rest))


def judge(
    request: SigningRequest, logs: Sequence[Verifier], known: Mapping[str, Checkpoint]
) -> Checkpoint | Refused:
    """The checkpoint to sign and to remember, or a refusal.

    `logs` are those that are witnessed; each epoch of one, named NAME/N, is a log of its own.
    `known` has the last checkpoint that was signed, by origin.
    """
    try:
        found = notes.checkpoint(request.note.body)
    except NoteError:
        return Refused(400)
    named = [one for one in logs if re.fullmatch(re.escape(one.name) + "(/[0-9]+)?", found.origin)]
    if not named:
        return Refused(404)
    if all(one.signed_at(request.note) is None for one in named):
        return Refused(403)
    if request.old > found.size:
        return Refused(400)
    last = known.get(found.origin, Checkpoint(found.origin, 0, EMPTY_ROOT))
    if request.old != last.size:
        return Refused(409, last.size)
    if request.old == found.size and last.root != found.root:
        return Refused(409, last.size)
    if not is_consistent(last.size, last.root, found.size, found.root, request.proof):
        return Refused(422)
    return found
