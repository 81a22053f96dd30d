"""Admission of callers: by an operator's keys, and by those that a control plane issued."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from kt.gateway.clients.callers import Callers, unnamed
from kt.gateway.clients.keyfile import read_callers, reread
from kt.gateway.clients.keylist import parse_list
from kt.gateway.errors import SettingError

_CLOSED = Callers({}, demanded=True)
_MOST_SHOWN = 20


class KeySource(Protocol):
    """The list that a control plane issued last, as it was stored."""

    def read(self) -> tuple[bytes, int] | None:
        """The list and its sequence; None when there never was one.

        Raises:
            OSError: it cannot be read.
            SettingError: what is stored is not as it was written.
        """

    def stamp(self) -> tuple[int, ...]:
        """A value that changes when a file of the list does."""


@dataclass(frozen=True, slots=True)
class Issued:
    """Keys of a control plane: the sequence of their list, and since when they are in force."""

    callers: Callers
    seq: int
    since: str


class Admission:
    """The holders of keys, `callers`, replaced whole whenever one of their two origins changes.

    Both are in force. Of a name or a key that both have, the operator's holds: it lies beside the
    gateway, where a person put it. `problem` says why the newest keys are not in force.

    Raises:
        OSError: the file of client keys cannot be read.
        SettingError: it is not as it should be.
    """

    def __init__(self, path: str, given: Iterable[bytes], *, now: str) -> None:
        self._path = path
        self._own = read_callers(path) if path else unnamed(given)
        self._own_since = now
        self._own_problem = self._issued_problem = ""
        self.source: KeySource | None = None
        self.issued: Issued | None = None
        self.callers = self._own

    @property
    def problem(self) -> str:
        return "; ".join(one for one in (self._own_problem, self._issued_problem) if one)

    def attach(self, source: KeySource, now: str) -> None:
        """Take the list that was stored by the last process of this gateway.

        One that cannot be used leaves nobody in: keys were asked for, and which is not known.
        """
        self.source = source
        self._renew_issued(now)
        if self._issued_problem:
            self.issued = Issued(_CLOSED, 0, now)
            self._combine()

    def issue(self, content: bytes, seq: int, now: str) -> None:
        """Put a list into force.

        Raises:
            SettingError: it cannot be read; the last one stays in force.
        """
        self.issued = Issued(parse_list(content), seq, now)
        self._issued_problem = ""
        self._combine()

    def renew(self, now: str) -> None:
        """Take both origins as they are on disk; one that cannot be used leaves what was."""
        if self._path:
            found = reread(self._path)
            if isinstance(found, Callers):
                self._own, self._own_since, self._own_problem = found, now, ""
            else:
                self._own_problem = f"the newest client keys were not taken: {found}"
        self._renew_issued(now)
        self._combine()

    def _renew_issued(self, now: str) -> None:
        if self.source is None:
            return
        try:
            found = self.source.read()
            if found is not None and (self.issued is None or found[1] != self.issued.seq):
                self.issue(*found, now)
        except (OSError, SettingError) as exc:
            self._issued_problem = getattr(exc, "strerror", None) or str(exc)
        else:
            self._issued_problem = ""

    def _combine(self) -> None:
        self.callers = self._own.beside(self.issued.callers) if self.issued else self._own

    def shown(self) -> dict[str, Any]:
        """The object under `client_keys` of `/health`: numbers and names, no digest."""
        own = {"count": len(self._own), "since": self._own_since}
        origin = "file" if self._path else "environment"
        return {
            "demanded": self.callers.are_demanded,
            "in_force": len(self.callers),
            **({origin: own} if len(self._own) else {}),
            **({"control_plane": self._shown_issued(self.issued)} if self.issued else {}),
        }

    def _shown_issued(self, issued: Issued) -> dict[str, Any]:
        hidden = sorted(self._own.names & issued.callers.names)
        return {
            "count": len(issued.callers),
            "since": issued.since,
            "keys_seq": issued.seq,
            "demanded": issued.callers.are_demanded,
            **({"left_out": hidden[:_MOST_SHOWN]} if hidden else {}),
        }
