"""What a control plane says that a gateway shall enforce, and whether it said so. Pure.

A statement is signed with Ed25519. A gateway trusts the key whose fingerprint its token carries,
and every key that a trusted one signed since.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

STATEMENT = b"keeptrusts statement v1\n"
ROTATION = b"keeptrusts key rotation\n"
_TYPES: dict[str, type] = {
    "commit": str,
    "configuration": str,
    "content_hash": str,
    "gateway": str,
    "publish_seq": int,
    "version": int,
}


class StatementError(Exception):
    """What came is not to be enforced. `code` is a gateway's problem code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class KeyLink:
    """An older key's word for a newer one. Keys are 32 raw bytes, a signature is 64."""

    key: bytes
    signer: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement as it travels; nothing about it is known to be true yet."""

    statement: bytes
    signature: bytes
    key: bytes
    chain: tuple[KeyLink, ...] = ()

    @property
    def etag(self) -> str:
        return sha256(self.statement).hexdigest()


@dataclass(frozen=True, slots=True)
class Statement:
    """What is to be enforced, by whom. `publish_seq` only grows for one gateway."""

    commit: str
    configuration: str
    content_hash: str
    gateway: str
    publish_seq: int
    version: int


def fingerprint(key: bytes) -> str:
    """How a key is named: 43 characters."""
    return encode(sha256(key).digest())


def encode(data: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: Any) -> bytes:
    """The bytes of `encode`, which has one text for each.

    Raises:
        StatementError: it is none of those texts.
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
    """The object that a JSON text says.

    Raises:
        StatementError: it says none.
    """
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise _forged("it is not JSON") from exc
    if not isinstance(fields, dict):
        raise _forged("it is no JSON object")
    return fields


def parse(fields: Mapping[str, Any]) -> Signed:
    """A statement from `{statement, signature, key, chain}`, all base64url but the list `chain`.

    Raises:
        StatementError: a part is missing or has another form.
    """
    chain = fields.get("chain")
    if not isinstance(chain, list):
        raise _forged("its key chain is no list")
    return Signed(
        statement=decode(fields.get("statement")),
        signature=decode(fields.get("signature")),
        key=decode(fields.get("key")),
        chain=tuple(_link(one) for one in chain),
    )


def _link(fields: Any) -> KeyLink:
    if not isinstance(fields, dict):
        raise _forged("its key chain is no list of links")
    link = KeyLink(*(decode(fields.get(name)) for name in ("key", "signer", "signature")))
    if fields.get("signed_by") != fingerprint(link.signer):
        raise StatementError("key_not_pinned", "a link of the key chain names another signer")
    return link


def render(signed: Signed) -> dict[str, Any]:
    """What `parse` reads."""
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


def verify(signed: Signed, *, pin: str, gateway: str) -> Statement:
    """The statement, when a trusted key signed it for this gateway.

    Raises:
        StatementError: `statement_forged`, `key_not_pinned` or `statement_foreign`.
    """
    if not _is_signed(signed.key, signed.signature, STATEMENT + signed.statement):
        raise _forged("its signature does not fit")
    if fingerprint(signed.key) not in _trusted(signed.chain, pin):
        message = "the statement is signed by a key that the pinned one does not vouch for"
        raise StatementError("key_not_pinned", message)
    statement = _read(signed.statement)
    if statement.gateway != gateway:
        raise StatementError("statement_foreign", "the statement is for another gateway")
    return statement


def check_order(statement: Statement, newest: Statement | None) -> None:
    """Let nothing older than what was taken back in.

    Raises:
        StatementError: `statement_older`.
    """
    if newest is None or statement.publish_seq > newest.publish_seq:
        return
    told = f"publish_seq {statement.publish_seq}, {newest.publish_seq} was taken"
    if statement.publish_seq < newest.publish_seq:
        raise StatementError("statement_older", f"the statement is an old one: {told}")
    if _enforced(statement) != _enforced(newest):
        raise StatementError("statement_older", f"the statement says something else: {told}")


def check_content(statement: Statement, content: bytes) -> None:
    """Hold the bytes of a policy against what was signed.

    Raises:
        StatementError: `content_mismatch`.
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


def _trusted(chain: Sequence[KeyLink], pin: str) -> set[str]:
    """The fingerprints that the pinned key vouches for, oldest first."""
    trusted = {pin}
    for link in chain:
        if not _is_signed(link.signer, link.signature, ROTATION + link.key):
            raise StatementError("key_not_pinned", "a link of the key chain is forged")
        if fingerprint(link.signer) in trusted:
            trusted.add(fingerprint(link.key))
    return trusted


def _read(data: bytes) -> Statement:
    fields = fields_of(data)
    if {k: type(v) for k, v in fields.items()} != _TYPES:
        raise _forged("its fields are not those of version 1")
    return Statement(**fields)


def _forged(why: str) -> StatementError:
    return StatementError("statement_forged", f"the statement is not the control plane's: {why}")
