"""The state folder of a managed gateway: the newest policy with its proof, and the token.

The policy is stored twice. A copy is one file: a line of JSON (`{statement, signature, key,
chain}`) and then the policy's exact bytes.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass

from kt.gateway.managed import files
from kt.gateway.managed.identity import GATEWAY, Identity, TokenError, identity
from kt.gateway.managed.statement import (
    Signed,
    Statement,
    StatementError,
    check_content,
    fields_of,
    filed,
    parse,
    verify,
)
from kt.gateway.policy.source import SourceError
from kt.policy.files import MAX_BYTES

COPIES = ("policy", "policy.copy")
CONTACT = "contact"
SPOOL = "spool"
# The second is what a file system puts into the root of a volume.
_FOLDERS = (SPOOL, "lost+found")
_SEQ = "publish-seq"
_IDENTITY = "identity"
_LOCK = "lock"
_MOST_BYTES = MAX_BYTES + (1 << 17)


@dataclass(frozen=True, slots=True)
class Kept:
    """A policy that was verified, with its proof."""

    signed: Signed
    statement: Statement
    content: bytes

    @property
    def seq(self) -> int:
        return self.statement.publish_seq

    def file(self) -> bytes:
        """The bytes of a copy."""
        return filed(self.signed, self.content)


@dataclass(frozen=True, slots=True)
class Found:
    """The newest genuine policy. `edited`: a file is not as the gateway wrote it."""

    kept: Kept | None
    edited: bool


class State:
    """The folder of one gateway id: made when missing, locked while a gateway uses it.

    Raises:
        OSError: the folder cannot be used, is open to others, or another gateway uses it.
    """

    def __init__(self, folder: str) -> None:
        self.folder = os.path.abspath(folder)
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        files.close(self.folder, folders=_FOLDERS)
        self.policy = files.Shelf(self.folder, COPIES, _SEQ, _genuine, most_bytes=_MOST_BYTES)
        files.make_way(self.path(_LOCK))
        # Held open, and so locked, until the last process of this gateway is gone.
        self._lock = os.open(self.path(_LOCK), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(self._lock)
            why = "another gateway uses this state; give this one a --state-dir of its own"
            raise OSError(errno.EBUSY, why, self.folder) from exc

    def close(self) -> None:
        """Unlock the folder for another gateway."""
        # By name: a process that was just forked, and does not run its program yet, has a copy.
        fcntl.flock(self._lock, fcntl.LOCK_UN)
        os.close(self._lock)

    def path(self, name: str) -> str:
        """The path of a file of the folder."""
        return os.path.join(self.folder, name)

    def find(self, *, pin: str, gateway: str, tokens: Iterable[str] = ()) -> Found:
        """The newest policy that a trusted key signed, verified as one that was just received.

        A copy older than a policy that was in force since does not count. One that a reset of trust
        left in force is marked with one of `tokens`.

        Raises:
            OSError: the folder cannot be read.
        """
        return Found(*self.policy.find(pin=pin, gateway=gateway, tokens=tokens))

    def keep(self, kept: Kept) -> None:
        """Write both copies, then the sequence below which statements are refused from now on.

        Raises:
            OSError: the disk is full or fails.
        """
        self.policy.keep(kept)

    def holds(self, kept: Kept) -> bool:
        """True when both copies are as they were written."""
        return self.policy.holds(kept)

    def stamp(self) -> tuple[int, ...]:
        """A value that changes when a file of the policy does."""
        return self.policy.stamp()

    def identity(self) -> Identity | None:
        """The identity from an enrolment, None without one.

        Raises:
            SourceError: the file is not as it was written (`state_edited`).
        """
        data = files.read(self.path(_IDENTITY), 4096)
        if data is None:
            return None
        try:
            fields = fields_of(data)
            return Identity(identity(fields["token"], GATEWAY).token, str(fields["pin"]))
        except (StatementError, TokenError, KeyError, TypeError) as exc:
            message = f"{self.path(_IDENTITY)} was edited by hand; give --gateway-token"
            raise SourceError("state_edited", message) from exc

    def forget_identity(self) -> None:
        """Forget the identity from an enrolment, so that the next start enrols anew."""
        files.remove(self.path(_IDENTITY))
        files.settle(self.folder)

    def keep_identity(self, own: Identity) -> None:
        """Store the identity from an enrolment."""
        text = json.dumps({"token": own.token, "pin": own.pin})
        files.replace(self.path(_IDENTITY), text.encode() + b"\n")
        files.settle(self.folder)


def _genuine(data: bytes, *, pin: str | None, gateway: str) -> Kept | None:
    head, _, content = data.partition(b"\n")
    try:
        signed = parse(fields_of(head))
        statement = verify(signed, pin=pin, gateway=gateway)
        check_content(statement, content)
    except StatementError:
        return None
    return Kept(signed, statement, content)
