"""Enforcing statements: a policy is verified and put into force whole, or refused."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from kt.gateway.managed.contact import Contact, Problem
from kt.gateway.managed.identity import Trust
from kt.gateway.managed.state import Kept
from kt.gateway.managed.statement import (
    Signed,
    Statement,
    StatementError,
    check_ahead,
    check_content,
    check_order,
    verify,
)
from kt.gateway.managed.stored import Keeper, Stored
from kt.gateway.policy.loading import PolicyError
from kt.gateway.policy.source import Sourced
from kt.gateway.reload import Reloader
from kt.tracing import present

_LOG = logging.getLogger("kt.gateway")
Fetch = Callable[[str], Awaitable[bytes]]


class Enforcer:
    """Puts statements into force. `kept` is the policy in force, with its proof.

    `taken` is called for each new one. `refused` is the ETag of the last genuine statement whose
    policy this gateway cannot serve: asking for it again changes nothing.
    """

    def __init__(
        self, stored: Stored, reloader: Reloader, contact: Contact, taken: Callable[[], None]
    ) -> None:
        self._stored = stored
        self._reloader = reloader
        self._contact = contact
        self._taken = taken
        self._lock = asyncio.Lock()
        self.kept = stored.kept
        self._keeper = Keeper[Kept](
            contact,
            holds=stored.state.holds,
            keep=stored.state.policy.restore,
            areas=("state", "disk"),
            edited=Problem("state_edited", _edited(stored)),
        )
        self._keeper.is_saved = not stored.torn
        # This release may be unable to serve the stored policy.
        self._in_force = reloader.is_configured
        self.refused = ""

    @property
    def trust(self) -> Trust:
        """The signing keys that are trusted."""
        return self._stored.trust

    @property
    def etag(self) -> str:
        """The ETag of what is in force, "" while nothing is."""
        return self.kept.signed.etag if self.kept else ""

    async def offer(self, signed: Signed, fetch: Fetch, *, since: Kept | None) -> None:
        """Put a statement's policy into force; `fetch` gets a policy by its hash.

        A refusal changes nothing but the shown problem. `since` is the policy that was in force
        when the request for the statement began: a statement that a newer one overtook since is
        no replay.

        Raises:
            ContactError: the policy could not be fetched.
        """
        async with self._lock:
            try:
                await self._take(signed, fetch, since)
            except StatementError as exc:
                if not self.trust.is_overtaken(exc):
                    self.refuse(exc.code, str(exc))
            except PolicyError as exc:
                self.refused = signed.etag
                self.refuse("policy_invalid", "; ".join(exc.problems[:3]))
            else:
                self._contact.note("statement", None)
            finally:
                present.enter(None)  # That of the answer which brought it.

    def refuse(self, code: str, message: str) -> None:
        """Count a refused statement and show the problem."""
        self._contact.counters["statements_refused"] += 1
        problem = Problem(code, message)
        if problem != self._contact.problem("statement"):
            _LOG.error("refused what the control plane sent: %s: %s", code, message)
        self._contact.note("statement", problem)

    async def _take(self, signed: Signed, fetch: Fetch, since: Kept | None) -> None:
        last = self._stored.last
        statement = self.trust.believe(verify, signed, self._stored.gateway)
        check_ahead("publish_seq", statement.publish_seq, time.time())
        bound = last.bound(since, signed)
        check_order(statement, bound.statement if bound else None)
        if self.kept is not None:
            newest = last.bound(self.kept, signed)
            if newest is not None and statement.publish_seq < newest.seq:
                return
            check_order(statement, newest.statement if newest else None)
            is_same = signed == self.kept.signed and not last.is_carried(self.kept)
            if is_same and self._in_force:
                return
        await self._enforce(Kept(signed, statement, await self._content(statement, fetch)))

    async def _content(self, statement: Statement, fetch: Fetch) -> bytes:
        """A policy's bytes, fetched unless they are in force already."""
        if self.kept is not None and self.kept.statement.content_hash == statement.content_hash:
            return self.kept.content
        content = await fetch(statement.content_hash)
        check_content(statement, content)
        return content

    async def _enforce(self, kept: Kept) -> None:
        sourced = Sourced(kept.content, kept.statement.configuration)
        loaded = await asyncio.to_thread(self._reloader.load_changed, sourced)
        self.kept, self._in_force = kept, True
        self._keeper.is_saved = False
        failure = await self._reloader.take(loaded, lambda: self._stored.keep(kept))
        self._keeper.note(failure)
        self._contact.publish_seq = kept.statement.publish_seq
        self._contact.changed.set()
        self._taken()

    async def guard(self) -> None:
        """Restore the stored policy if it is not the one in force, and show the problem."""
        async with self._lock:
            if self.kept is not None:
                await self._keeper.guard(self.kept)


def _edited(stored: Stored) -> str:
    return f"the policy stored in {stored.state.folder} was edited by hand and was restored"
