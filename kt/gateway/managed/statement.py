"""Statements: what a gateway is to enforce, signed by the control plane. Pure.

The signature is Ed25519. A gateway begins with the key whose fingerprint its token pins. A chain of
links leads on, each key signed by the one before; only the last of them signs.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

STATEMENT = b"keeptrusts statement v1\n"
ROTATION = b"keeptrusts key rotation\n"
# More than a control plane sends, and few enough to cost nothing.
MOST_LINKS = 256
# Clocks that are set to another zone's time differ by less.
_MOST_AHEAD_SECONDS = 86_400
_DAY_US = 86_400_000_000
_TYPES: dict[str, type] = {
    "commit": str,
    "configuration": str,
    "content_hash": str,
    "gateway": str,
    "publish_seq": int,
    "version": int,
}


class StatementError(Exception):
    """A statement that must not be enforced. `code` is a gateway's problem code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class KeyLink:
    """A signature of a newer key by an older one. Keys have 32 raw bytes, signatures 64."""

    key: bytes
    signer: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed statement as it is sent; it is not verified yet."""

    statement: bytes
    signature: bytes
    key: bytes
    chain: tuple[KeyLink, ...] = ()

    @property
    def etag(self) -> str:
        return sha256(self.statement).hexdigest()


@dataclass(frozen=True, slots=True)
class Statement:
    """The version that a gateway is to enforce. `publish_seq` only grows for one gateway."""

    commit: str
    configuration: str
    content_hash: str
    gateway: str
    publish_seq: int
    version: int


def fingerprint(key: bytes) -> str:
    """The fingerprint of a key: its SHA-256 in base64url, 43 characters."""
    return encode(sha256(key).digest())


def encode(data: bytes) -> str:
    """Bytes in base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: Any) -> bytes:
    """The bytes of a text from `encode`; other spellings of the same bytes are refused.

    Raises:
        StatementError: the text is not one that `encode` gives.
    """
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        genuine = encode(data) == text
    except (TypeError, ValueError) as exc:
        raise _forged("it is not base64url") from exc
    if not genuine:
        raise _forged("it is not base64url")
    return data


def fields_of(data: bytes) -> dict[str, Any]:
    """The object in a JSON text.

    Raises:
        StatementError: the text is not a JSON object.
    """
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise _forged("it is not JSON") from exc
    if not isinstance(fields, dict):
        raise _forged("it is not a JSON object")
    return fields


def parse(fields: Mapping[str, Any]) -> Signed:
    """A statement from `{statement, signature, key, chain}`, in base64url but the list `chain`.

    Raises:
        StatementError: a part is missing or has another form.
    """
    chain = fields.get("chain")
    if not isinstance(chain, list):
        raise _forged("its key chain is not a list")
    if len(chain) > MOST_LINKS:
        raise StatementError("key_not_pinned", f"the key chain has more than {MOST_LINKS} links")
    return Signed(
        statement=decode(fields.get("statement")),
        signature=decode(fields.get("signature")),
        key=decode(fields.get("key")),
        chain=tuple(_link(one) for one in chain),
    )


def _link(fields: Any) -> KeyLink:
    if not isinstance(fields, dict):
        raise _forged("its key chain is not a list of objects")
    link = KeyLink(*(decode(fields.get(name)) for name in ("key", "signer", "signature")))
    if fields.get("signed_by") != fingerprint(link.signer):
        raise StatementError("key_not_pinned", "a link of the key chain names another signer")
    return link


def render(signed: Signed) -> dict[str, Any]:
    """A statement as the object that `parse` reads."""
    return {
        "statement": encode(signed.statement),
        "signature": encode(signed.signature),
        "key": encode(signed.key),
        "chain": [
            {
                "key": encode(link.key),
                "signed_by": fingerprint(link.signer),
                "signer": encode(link.signer),
                "signature": encode(link.signature),
            }
            for link in signed.chain
        ],
    }


def filed(signed: Signed, content: bytes) -> bytes:
    """A statement and what it is about as one file: a line of JSON, then the exact bytes."""
    head = json.dumps(render(signed), separators=(",", ":"), sort_keys=True)
    return head.encode() + b"\n" + content


def verify(signed: Signed, *, pin: str | None, gateway: str) -> Statement:
    """The statement, after checking that the key to which `pin` leads signed it for this gateway.

    Raises:
        StatementError: as `prove`.
    """
    fields = prove(signed, pin=pin, gateway=gateway, label=STATEMENT, types=_TYPES)
    return Statement(**fields)


def prove(
    signed: Signed, *, pin: str | None, gateway: str, label: bytes, types: Mapping[str, type]
) -> dict[str, Any]:
    """The fields of a statement of the kind `label`, which has exactly these types.

    `pin` is the fingerprint of the key that is trusted; None for whichever key signed it.

    Raises:
        StatementError: the signature does not fit (`statement_forged`), the key is not trusted
            (`key_not_pinned`), or it is for another gateway (`statement_foreign`).
    """
    if not _is_signed(signed.key, signed.signature, label + signed.statement):
        raise _forged("its signature is wrong")
    if pin is not None:
        lead(signed, pin)
    fields = fields_of(signed.statement)
    if {name: type(value) for name, value in fields.items()} != types:
        raise _forged("its fields are not those of version 1")
    if fields["gateway"] != gateway:
        raise StatementError("statement_foreign", "the statement is for another gateway")
    return fields


def lead(signed: Signed, pin: str) -> list[str]:
    """The fingerprints from `pin` to the key that signed, along the chain and in its order.

    Links are verified from `pin` on. Those before it are history: they must fit, and cost nothing.

    Raises:
        StatementError: the links are no chain, or it does not end with the key that signed
            (`key_not_pinned`).
    """
    if any(older.key != link.signer for older, link in pairwise(signed.chain)):
        raise StatementError(
            "key_not_pinned", "the links of the key chain do not follow each other"
        )
    path = [pin]
    for link in signed.chain:
        if fingerprint(link.signer) == path[-1]:
            if not _is_signed(link.signer, link.signature, ROTATION + link.key):
                raise StatementError("key_not_pinned", "a link of the key chain is forged")
            path.append(fingerprint(link.key))
    if path[-1] != fingerprint(signed.key):
        message = "the statement is signed by a key to which the trusted key does not lead"
        raise StatementError("key_not_pinned", message)
    return path


def check_order(statement: Statement, newest: Statement | None) -> None:
    """Check that a statement is not older than the newest that was enforced.

    Raises:
        StatementError: it is older, or differs at the same `publish_seq` (`statement_older`).
    """
    if newest is None or statement.publish_seq > newest.publish_seq:
        return
    numbers = f"publish_seq {statement.publish_seq}, after {newest.publish_seq}"
    if statement.publish_seq < newest.publish_seq:
        raise StatementError("statement_older", f"the statement is an old one: {numbers}")
    if _enforced(statement) != _enforced(newest):
        raise StatementError(
            "statement_older", f"the statement contradicts an earlier one: {numbers}"
        )


def check_ahead(what: str, time_us: int, now_seconds: float) -> None:
    """Check that a sequence, which is a time in microseconds, is at most a day ahead of the clock.

    Raises:
        StatementError: it is not (`statement_ahead`): whoever took it would refuse all that
            is genuine from then on.
    """
    ahead_us = time_us - int((now_seconds + _MOST_AHEAD_SECONDS) * 1e6)
    if ahead_us > 0:
        days = min(1 + ahead_us // _DAY_US, 1_000_000)
        message = f"{what} is over {days} days ahead of this gateway's clock; set both clocks right"
        raise StatementError("statement_ahead", message)


def check_content(statement: Statement, content: bytes) -> None:
    """Check that a policy's bytes are those that were signed.

    Raises:
        StatementError: their hash is another (`content_mismatch`).
    """
    if sha256(content).hexdigest() != statement.content_hash:
        raise StatementError("content_mismatch", "the policy is not the one that was signed")


def _enforced(statement: Statement) -> Sequence[Any]:
    return statement.configuration, statement.version, statement.content_hash


def _is_signed(key: bytes, signature: bytes, data: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _forged(why: str) -> StatementError:
    return StatementError("statement_forged", f"the statement is not the control plane's: {why}")
