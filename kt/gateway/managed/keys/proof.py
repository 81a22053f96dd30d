"""Statements of client keys: which list a gateway is to ask for, signed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from kt.gateway.managed.statement import (
    Signed,
    StatementError,
    fields_of,
    filed,
    parse,
    prove,
)

KEYS = b"keeptrusts client keys v1\n"
_TYPES: dict[str, type] = {"content_hash": str, "gateway": str, "keys_seq": int}


@dataclass(frozen=True, slots=True)
class KeysStatement:
    """The list that a gateway is to ask for. `keys_seq` only grows for one gateway."""

    content_hash: str
    gateway: str
    keys_seq: int


@dataclass(frozen=True, slots=True)
class KeptKeys:
    """A list of client keys that was verified, with its proof."""

    signed: Signed
    statement: KeysStatement
    content: bytes

    @property
    def seq(self) -> int:
        return self.statement.keys_seq

    def file(self) -> bytes:
        """The bytes of a copy."""
        return filed(self.signed, self.content)


def verify_keys(signed: Signed, *, pin: str | None, gateway: str) -> KeysStatement:
    """The statement, after checking that a trusted key signed it for this gateway.

    Raises:
        StatementError: as for the statement of a policy.
    """
    fields = prove(signed, pin=pin, gateway=gateway, label=KEYS, types=_TYPES)
    return KeysStatement(**fields)


def check_keys_order(statement: KeysStatement, newest: KeysStatement | None) -> None:
    """Check that a list is not older than the newest that was in force.

    Raises:
        StatementError: it is older, or differs at the same `keys_seq` (`statement_older`).
    """
    if newest is None or statement.keys_seq > newest.keys_seq:
        return
    if statement != newest:
        numbers = f"keys_seq {statement.keys_seq}, after {newest.keys_seq}"
        raise StatementError("statement_older", f"the list is an old one: {numbers}")


def check_list(statement: KeysStatement, content: bytes) -> None:
    """Check that a list's bytes are those that were signed.

    Raises:
        StatementError: their hash is another (`content_mismatch`).
    """
    if sha256(content).hexdigest() != statement.content_hash:
        raise StatementError("content_mismatch", "the list is not the one that was signed")


def genuine_keys(data: bytes, *, pin: str | None, gateway: str) -> KeptKeys | None:
    """The list in the bytes of a copy; None when it is not as it was written."""
    head, _, content = data.partition(b"\n")
    try:
        signed = parse(fields_of(head))
        statement = verify_keys(signed, pin=pin, gateway=gateway)
        check_list(statement, content)
    except StatementError:
        return None
    return KeptKeys(signed, statement, content)
