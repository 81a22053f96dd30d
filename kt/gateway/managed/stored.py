"""The state folder as a source of policies, which are verified each time they are read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from kt.gateway.managed.contact import Contact, Problem, disk_problem
from kt.gateway.managed.files import Keepable
from kt.gateway.managed.identity import Identity, Trust
from kt.gateway.managed.state import Found, Kept, State
from kt.gateway.managed.statement import Signed
from kt.gateway.policy.source import Sourced, SourceError

_LOG = logging.getLogger("kt.gateway")


class Stored:
    """The source that each process of a managed gateway reads, also the one that writes it.

    `given` is the identity by token; without it the one from an enrolment is used. `enrols_with` is
    the token for that, "" without one. `edited`: a file was not genuine. `torn`: a process was
    killed between writing the two copies, which does no harm.
    """

    def __init__(
        self, state: State, *, name: str, gateway: str, given: Identity | None,
        enrols_with: str = "",
    ) -> None:  # fmt: skip
        self.name = name
        self.state = state
        self.gateway = gateway
        self._given = given
        self._enrols_with = enrols_with
        self._trust: Trust | None = None
        self.last = Last[Kept]()
        self.edited = False
        self.torn = False

    def identity(self) -> Identity | None:
        """The identity of this gateway, None while it is not enrolled; read from disk once.

        Raises:
            OSError: the folder cannot be read.
            SourceError: the stored identity was edited (`state_edited`).
        """
        if self._given is None:
            self._given = self.state.identity()
        return self._given

    @property
    def trust(self) -> Trust:
        """The signing keys, from that of the identity on; none is trusted without an identity.

        Raises:
            OSError: the folder cannot be read.
            SourceError: the stored identity was edited (`state_edited`).
        """
        identity = self.identity()
        if identity is None:
            return Trust("")
        if self._trust is None:
            self._trust = Trust(identity.pin)
        return self._trust

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens whose holder may carry documents over a reset of trust."""
        identity = self.identity()
        found = (identity.token if identity else "", self._enrols_with)
        return tuple(filter(None, found))

    def become(self, identity: Identity) -> None:
        """Take the identity from an enrolment, and store it for the next start.

        Raises:
            OSError: the disk is full or fails; the identity holds until the process ends.
        """
        self._given, self._trust = identity, None
        self.state.keep_identity(identity)

    def read(self) -> Sourced:
        """The newest genuine policy.

        Raises:
            OSError: the folder cannot be read.
            SourceError: there is no policy (`not_configured`), or none is genuine (`state_edited`).
        """
        identity, newest = self.identity(), Found(None, edited=False)
        if identity is not None or self.state.policy.is_marked:
            pin = identity.pin if identity else ""
            newest = self.state.find(pin=pin, gateway=self.gateway, tokens=self.tokens)
        self.edited = newest.edited
        if newest.kept is None and not newest.edited and self.kept is None:
            raise SourceError("not_configured", "no policy has reached this gateway yet")
        kept = newest.kept
        if kept is None or not self.last.read(
            kept, self.trust, is_carried=self.state.policy.carries(kept, self.tokens)
        ):
            raise SourceError("state_edited", "the stored policy was edited by hand")
        self.torn = not newest.edited and not self.state.holds(kept)
        return Sourced(kept.content, kept.statement.configuration)

    @property
    def kept(self) -> Kept | None:
        """The policy that was read or written last."""
        return self.last.kept

    def keep(self, kept: Kept) -> None:
        """Store a policy, which readers get from now on.

        Raises:
            OSError: the disk is full or fails.
        """
        # In force in this process even when it cannot be written.
        self.last.wrote(kept)
        self.state.keep(kept)

    def stamp(self) -> tuple[int, ...]:
        """A value that changes when a file of the policy does."""
        return self.state.stamp()


class Proven(Keepable, Protocol):
    """A document with its proof."""

    @property
    def signed(self) -> Signed: ...


_Kept = TypeVar("_Kept", bound=Proven)


class Last(Generic[_Kept]):
    """The document of one kind that was read or written last.

    A reset of trust leaves one in force, which is carried: it binds the next one to nothing.
    """

    def __init__(self) -> None:
        self.kept: _Kept | None = None
        self._carried: Signed | None = None

    def read(self, kept: _Kept, trust: Trust, *, is_carried: bool) -> bool:
        """Take what was read, whose key is trusted; False when it is an old one, or of another key.

        What is carried says nothing of who may sign the next one.
        """
        if self._is_older(kept, trust) or not (is_carried or trust.follow(kept.signed)):
            return False
        self.kept, self._carried = kept, kept.signed if is_carried else None
        return True

    def wrote(self, kept: _Kept) -> None:
        """Take what came, and was verified."""
        self.kept, self._carried = kept, None

    def is_carried(self, kept: _Kept) -> bool:
        """Whether a document is one that a reset of trust left in force."""
        return kept.signed == self._carried

    def bound(self, before: _Kept | None, signed: Signed) -> _Kept | None:
        """The document before, if one signed by this key must not be older.

        A newer key begins anew: that is the way back from a number that another had raised.
        """
        if before is None or self.is_carried(before) or before.signed.key != signed.key:
            return None
        return before

    def _is_older(self, kept: _Kept, trust: Trust) -> bool:
        """True when a genuine document came back that was replaced since."""
        if self.kept is None or kept.seq >= self.kept.seq:
            return False
        return trust.has_retired(kept.signed) or self.bound(self.kept, kept.signed) is not None


class Keeper(Generic[_Kept]):
    """Keeps on disk what is in force. `is_saved`: the disk has it, as far as is known.

    `holds` says whether the disk has it as it was written, `keep` writes it. `areas` are those of
    the contact for files that were edited and for the disk; `edited` is the problem of the first.
    """

    def __init__(
        self,
        contact: Contact,
        *,
        holds: Callable[[_Kept], bool],
        keep: Callable[[_Kept], None],
        areas: tuple[str, str],
        edited: Problem,
    ) -> None:
        self._contact = contact
        self._is_held = holds
        self._keep = keep
        self._files, self._disk = areas
        self._edited = edited
        self.is_saved = True

    def note(self, failure: OSError | None) -> None:
        """Note whether it could be written."""
        self.is_saved = failure is None
        self._contact.note(self._disk, None if failure is None else disk_problem(failure))

    async def guard(self, kept: _Kept) -> None:
        """Restore the files if they are not what is in force, and show the problem."""
        if await asyncio.to_thread(self._holds, kept):
            self._contact.note(self._files, None)
            return
        was_saved = self.is_saved
        self.note(await asyncio.to_thread(self._save, kept))
        if was_saved and self.is_saved:
            self._contact.counters["state_restored"] += 1
            self._contact.note(self._files, self._edited)
            _LOG.error(self._edited.message)

    def _holds(self, kept: _Kept) -> bool:
        try:
            return self.is_saved and self._is_held(kept)
        except OSError:
            return False

    def _save(self, kept: _Kept) -> OSError | None:
        try:
            self._keep(kept)
        except OSError as exc:
            return exc
        return None
