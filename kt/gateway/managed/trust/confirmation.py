"""Confirmations: what is newest for a gateway at a time, signed by the control plane. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from kt.gateway.managed.statement import (
    Signed,
    StatementError,
    fields_of,
    filed,
    parse,
    prove,
)

CONFIRMATION = b"keeptrusts confirmation v1\n"
_TYPES: dict[str, type] = {"gateway": str, "issued_at": int, "keys_seq": int, "publish_seq": int}


@dataclass(frozen=True, slots=True)
class Newest:
    """The sequences of the newest policy and client keys of a gateway; 0 where it has none.

    `issued_at` is in seconds since 1970 by the clock of the control plane.
    """

    gateway: str
    issued_at: int
    keys_seq: int
    publish_seq: int


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A confirmation that was verified, with its proof."""

    signed: Signed
    newest: Newest

    @property
    def seq(self) -> int:
        return self.newest.issued_at

    def file(self) -> bytes:
        """The bytes of a copy."""
        return filed(self.signed, b"")

    def covers(self, publish_seq: int, keys_seq: int) -> bool:
        """Whether what runs was the newest at that time, or newer."""
        return publish_seq >= self.newest.publish_seq and keys_seq >= self.newest.keys_seq


def verify_newest(signed: Signed, *, pin: str | None, gateway: str) -> Newest:
    """The content of a confirmation, after checking that a trusted key signed it.

    Raises:
        StatementError: as for the statement of a policy.
    """
    fields = prove(signed, pin=pin, gateway=gateway, label=CONFIRMATION, types=_TYPES)
    return Newest(**fields)


def genuine_confirmation(data: bytes, *, pin: str | None, gateway: str) -> Confirmation | None:
    """The confirmation in the bytes of a copy; None when it is not as it was written."""
    head, _, rest = data.partition(b"\n")
    if rest:
        return None
    try:
        signed = parse(fields_of(head))
        return Confirmation(signed, verify_newest(signed, pin=pin, gateway=gateway))
    except StatementError:
        return None
