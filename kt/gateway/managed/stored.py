"""The state folder as a source of policies, which are verified each time they are read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Generic, TypeVar

from kt.gateway.managed.contact import Contact, Problem, disk_problem
from kt.gateway.managed.identity import Identity
from kt.gateway.managed.state import Found, Kept, State
from kt.gateway.policy.source import Sourced, SourceError

_Kept = TypeVar("_Kept")
_LOG = logging.getLogger("kt.gateway")


class Stored:
    """The source that each process of a managed gateway reads, also the one that writes it.

    `given` is the identity by token; without it the one from an enrolment is used. `kept` is the
    policy that was read or written last. `edited`: a file was not genuine. `torn`: a process was
    killed between writing the two copies, which does no harm.
    """

    def __init__(self, state: State, *, name: str, gateway: str, given: Identity | None) -> None:
        self.name = name
        self.state = state
        self.gateway = gateway
        self._given = given
        self.kept: Kept | None = None
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

    def become(self, identity: Identity) -> None:
        """Take the identity from an enrolment, and store it for the next start.

        Raises:
            OSError: the disk is full or fails; the identity holds until the process ends.
        """
        self._given = identity
        self.state.keep_identity(identity)

    def read(self) -> Sourced:
        """The newest genuine policy.

        Raises:
            OSError: the folder cannot be read.
            SourceError: there is no policy (`not_configured`), or none is genuine (`state_edited`).
        """
        identity = self.identity()
        newest = Found(None, edited=False)
        if identity is not None:
            newest = self.state.find(pin=identity.pin, gateway=self.gateway)
        self.edited = newest.edited
        if newest.kept is None and not newest.edited and self.kept is None:
            raise SourceError("not_configured", "no policy has reached this gateway yet")
        if newest.kept is None or _is_older(newest.kept, self.kept):
            raise SourceError("state_edited", "the stored policy was edited by hand")
        self.kept = newest.kept
        self.torn = not newest.edited and not self.state.holds(newest.kept)
        return Sourced(newest.kept.content, newest.kept.statement.configuration)

    def keep(self, kept: Kept) -> None:
        """Store a policy, which readers get from now on.

        Raises:
            OSError: the disk is full or fails.
        """
        # In force in this process even when it cannot be written.
        self.kept = kept
        self.state.keep(kept)

    def stamp(self) -> tuple[int, ...]:
        """A value that changes when a file of the policy does."""
        return self.state.stamp()


def _is_older(read: Kept, before: Kept | None) -> bool:
    """True when a genuine policy came back that was replaced since."""
    return before is not None and read.statement.publish_seq < before.statement.publish_seq


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
