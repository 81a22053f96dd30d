"""Statements of what a gateway is to enforce, in the form that is signed."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Generic, TypeVar

import orjson

from gateways.signing.encoding import b64u


@dataclass(frozen=True, slots=True)
class Desired:
    """The version that one gateway is to enforce.

    `publish_seq` only grows for one gateway, whatever it is bound to. `commit` is empty for a
    version that the API made.
    """

    signed_as: ClassVar[bytes] = b"keeptrusts statement v1\n"

    gateway: str
    configuration: str
    version: int
    content_hash: str
    commit: str
    publish_seq: int

    def contradicts(self, other: "Desired") -> bool:
        """Whether another statement has the same sequence and something else."""
        return self.publish_seq == other.publish_seq and self != other

    def encoded(self) -> bytes:
        """The statement: compact JSON, keys sorted, UTF-8."""
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, slots=True)
class DesiredKeys:
    """The list of client keys that one gateway is to ask for; `keys_seq` only grows."""

    # Beside the other: a gateway of an older release takes no field more in that.
    signed_as: ClassVar[bytes] = b"keeptrusts client keys v1\n"

    gateway: str
    content_hash: str
    keys_seq: int

    def contradicts(self, other: "DesiredKeys") -> bool:
        """Whether another statement has the same sequence and something else."""
        return self.keys_seq == other.keys_seq and self != other

    def encoded(self) -> bytes:
        """The statement: compact JSON, keys sorted, UTF-8."""
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The sequences of what is newest for one gateway at a time; 0 where it has none.

    `issued_at` is in seconds since 1970. A gateway knows by it how old its policy is, and which
    key signs now.
    """

    signed_as: ClassVar[bytes] = b"keeptrusts confirmation v1\n"

    gateway: str
    issued_at: int
    keys_seq: int
    publish_seq: int

    def contradicts(self, _other: "Confirmation") -> bool:
        """No: of one second there may be several, and a gateway keeps the last."""
        return False

    def encoded(self) -> bytes:
        """The statement: compact JSON, keys sorted, UTF-8."""
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS)


DesiredKind = TypeVar("DesiredKind", Desired, DesiredKeys, Confirmation)


@dataclass(frozen=True, slots=True)
class Signed(Generic[DesiredKind]):
    """A statement, base64url, with its signature. `etag` is the statement's sha256 in hex."""

    desired: DesiredKind
    statement: str
    signature: str
    etag: str


def etag(statement: bytes) -> str:
    """The sha256 of a statement in hex."""
    return hashlib.sha256(statement).hexdigest()


def headers(signed: Signed[Any], key: str, chain: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The headers that carry a statement beside the bytes that it is about.

    `key` signed it; `chain` leads from older keys to that one.
    """
    return {
        "ETag": f'"{signed.etag}"',
        "Keeptrusts-Statement": signed.statement,
        "Keeptrusts-Signature": signed.signature,
        "Keeptrusts-Key": key,
        "Keeptrusts-Key-Chain": b64u(orjson.dumps(list(chain))),
    }
