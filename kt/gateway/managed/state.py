"""What a managed gateway keeps on disk: the newest policy with its proof, twice, and its token.

A copy is one file: a line of JSON (`{statement, signature, key, chain}`) and then the policy's
exact bytes. Whatever kills the process between two writes, one copy is whole.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from dataclasses import dataclass

from kt.gateway.managed import files
from kt.gateway.managed.identity import GATEWAY, Identity, TokenError, identity
from kt.gateway.managed.statement import (
    Signed,
    Statement,
    StatementError,
    check_content,
    fields_of,
    parse,
    render,
    verify,
)
from kt.gateway.policy.source import SourceError, stamp
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

    def file(self) -> bytes:
        """A copy's bytes."""
        head = json.dumps(render(self.signed), separators=(",", ":"), sort_keys=True)
        return head.encode() + b"\n" + self.content


@dataclass(frozen=True, slots=True)
class Found:
    """The newest genuine policy; `edited`: something there is not as the gateway wrote it."""

    kept: Kept | None
    edited: bool


class State:
    """The folder of one gateway id, made when missing, locked by the gateway that uses it."""

    def __init__(self, folder: str) -> None:
        """Raises: OSError when the folder cannot be had, is open to others, or is in use."""
        self.folder = os.path.abspath(folder)
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        files.close(self.folder, folders=_FOLDERS)
        # Held open, and so locked, until the last process of this gateway is gone.
        self._lock = os.open(self.path(_LOCK), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(self._lock)
            raise OSError(errno.EBUSY, "another gateway uses this state", self.folder) from exc

    def close(self) -> None:
        """Let another gateway have the folder."""
        os.close(self._lock)

    def path(self, name: str) -> str:
        """A file of the folder."""
        return os.path.join(self.folder, name)

    def find(self, *, pin: str, gateway: str) -> Found:
        """The newest policy that the pinned key vouches for, verified as if it just came.

        A copy older than one that was taken is as good as none.

        Raises:
            OSError: the folder cannot be read.
        """
        least, edited = self._least()
        newest: Kept | None = None
        for name in COPIES:
            data = files.read(self.path(name), _MOST_BYTES)
            kept = _genuine(data, pin=pin, gateway=gateway) if data is not None else None
            edited |= kept is None and os.path.exists(self.path(name))
            if kept is not None and kept.statement.publish_seq < least:
                edited, kept = True, None
            if kept is not None and _is_newer(kept, newest):
                newest = kept
        return Found(newest, edited)

    def keep(self, kept: Kept) -> None:
        """Write both copies, then the sequence below which nothing is taken any more.

        Raises:
            OSError: the disk is full, or worse.
        """
        data = kept.file()
        for name in COPIES:
            files.replace(self.path(name), data)
        files.replace(self.path(_SEQ), b"%d\n" % kept.statement.publish_seq)
        files.settle(self.folder)

    def holds(self, kept: Kept) -> bool:
        """Whether both copies are as they were written."""
        data = kept.file()
        found = (files.read(self.path(name), _MOST_BYTES) for name in COPIES)
        least, edited = self._least()
        written = all(one == data for one in found)
        return written and not edited and least == kept.statement.publish_seq

    def stamp(self) -> tuple[int, ...]:
        """What changes when somebody writes there."""
        return tuple(part for name in (*COPIES, _SEQ) for part in stamp(self.path(name)))

    def identity(self) -> Identity | None:
        """The identity that an enrolment brought.

        Raises:
            SourceError: `state_edited`, it is not as it was written.
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

    def keep_identity(self, identity: Identity) -> None:
        """Keep it over restarts."""
        text = json.dumps({"token": identity.token, "pin": identity.pin})
        files.replace(self.path(_IDENTITY), text.encode() + b"\n")
        files.settle(self.folder)

    def _least(self) -> tuple[int, bool]:
        """The sequence below which nothing is taken, and whether it is unreadable."""
        data = files.read(self.path(_SEQ), 32)
        if data is None:
            return 0, False
        return (int(data), False) if data.strip().isdigit() else (0, True)


def _genuine(data: bytes, *, pin: str, gateway: str) -> Kept | None:
    head, _, content = data.partition(b"\n")
    try:
        signed = parse(fields_of(head))
        statement = verify(signed, pin=pin, gateway=gateway)
        check_content(statement, content)
    except StatementError:
        return None
    return Kept(signed, statement, content)


def _is_newer(kept: Kept, newest: Kept | None) -> bool:
    return newest is None or kept.statement.publish_seq > newest.statement.publish_seq
