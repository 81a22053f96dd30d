"""The state folder as a source of policies: what is read there is believed only with its proof."""

from __future__ import annotations

from kt.gateway.managed.identity import Identity
from kt.gateway.managed.state import Found, Kept, State
from kt.gateway.policy.source import Sourced, SourceError


class Stored:
    """Each process of a managed gateway reads its policies here, also the one that writes them.

    `given` is the identity by token; without it the one that an enrolment brought holds. `kept`
    is the policy that was read or taken last, `edited` whether anything read was not genuine,
    `torn` whether a process was killed between its two copies, which is no harm.
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
        """Who this gateway is, None while it is not enrolled; read once, and then known.

        Raises:
            OSError: the folder cannot be read.
            SourceError: `state_edited`.
        """
        if self._given is None:
            self._given = self.state.identity()
        return self._given

    def become(self, identity: Identity) -> None:
        """Be who an enrolment made this gateway, also after a restart.

        Raises:
            OSError: the disk is full, or worse; it is who it is until then.
        """
        self._given = identity
        self.state.keep_identity(identity)

    def read(self) -> Sourced:
        """The newest genuine policy.

        Raises:
            OSError: the folder cannot be read.
            SourceError: `not_configured`, or `state_edited` when what there was is not genuine.
        """
        identity = self.identity()
        found = Found(None, edited=False)
        if identity is not None:
            found = self.state.find(pin=identity.pin, gateway=self.gateway)
        self.edited = found.edited
        if found.kept is None and not found.edited and self.kept is None:
            raise SourceError("not_configured", "no policy has reached this gateway yet")
        if found.kept is None or _is_older(found.kept, self.kept):
            raise SourceError("state_edited", "the stored policy was edited by hand")
        self.kept = found.kept
        self.torn = not found.edited and not self.state.holds(found.kept)
        return Sourced(found.kept.content, found.kept.statement.configuration)

    def keep(self, kept: Kept) -> None:
        """Write a policy down; it is in force for whoever reads from now on.

        Raises:
            OSError: the disk is full, or worse.
        """
        # In force in this process even when the disk does not take it.
        self.kept = kept
        self.state.keep(kept)

    def stamp(self) -> tuple[int, ...]:
        """What changes when somebody writes there."""
        return self.state.stamp()


def _is_older(found: Kept, before: Kept | None) -> bool:
    """Whether something genuine came back that was replaced since."""
    return before is not None and found.statement.publish_seq < before.statement.publish_seq
