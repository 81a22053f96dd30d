"""Taking lists of client keys: each is verified and put into force whole, or refused."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from kt.gateway.errors import SettingError
from kt.gateway.managed.contact import Contact, Problem
from kt.gateway.managed.keys.proof import (
    KeptKeys,
    KeysStatement,
    check_keys_order,
    check_list,
    verify_keys,
)
from kt.gateway.managed.keys.store import KeyStore
from kt.gateway.managed.statement import Signed, StatementError, check_ahead
from kt.gateway.managed.stored import Keeper
from kt.gateway.reload import Reloader

_LOG = logging.getLogger("kt.gateway")
_EDITED = "the stored client keys were edited by hand and are restored"
Fetch = Callable[[str], Awaitable[bytes]]
# Of their own, so that nobody takes them for a problem of the policy.
_CODES = {
    "statement_forged": "keys_forged",
    "key_not_pinned": "keys_not_pinned",
    "key_retired": "keys_retired",
    "statement_ahead": "keys_ahead",
    "statement_foreign": "keys_foreign",
    "statement_older": "keys_older",
    "content_mismatch": "keys_mismatch",
}


class Keyring:
    """Puts lists into force. `kept` is the one in force, with its proof.

    `taken` is called for each new one. `refused` is the ETag of the last genuine statement whose
    list this release cannot read. `is_awaited`: the control plane has a list for this gateway,
    and it is not in force yet.
    """

    def __init__(
        self, store: KeyStore, reloader: Reloader, contact: Contact, taken: Callable[[], None]
    ) -> None:
        self._store = store
        self._reloader = reloader
        self._contact = contact
        self._taken = taken
        self._lock = asyncio.Lock()
        self.kept = store.kept
        self._keeper = Keeper[KeptKeys](
            contact,
            holds=store.holds,
            keep=store.restore,
            areas=("key-state", "key-disk"),
            edited=Problem("keys_edited", _EDITED),
        )
        self.refused = ""
        self.is_awaited = False

    @property
    def etag(self) -> str:
        """The ETag of the list in force, "" while none is."""
        return self.kept.signed.etag if self.kept else ""

    @property
    def holds_back(self) -> bool:
        """True while the first policy must wait: without its keys the gateway would be open."""
        return self.is_awaited and self.kept is None and not self._reloader.is_configured

    def is_news(self, etag: str) -> bool:
        """Whether to ask for the list with this ETag, "" where the control plane has none."""
        self.is_awaited = bool(etag) and etag != self.etag
        return self.is_awaited and etag != self.refused

    async def offer(self, signed: Signed, fetch: Fetch, *, since: KeptKeys | None) -> None:
        """Put a statement's list into force; `fetch` gets a list by its hash.

        A refusal changes nothing but the shown problem. `since` is the list that was in force when
        the request for the statement began.

        Raises:
            ContactError: the list could not be fetched.
        """
        self.is_awaited = self.is_awaited or signed.etag != self.etag
        async with self._lock:
            try:
                await self._take(signed, fetch, since)
            except StatementError as exc:
                if not self._store.trust.is_overtaken(exc):
                    self.refuse(exc)
            except SettingError as exc:
                self.refused = signed.etag
                self._note(Problem("keys_unreadable", str(exc)))
            else:
                self.is_awaited = False
                self._contact.note("keys", None)

    def refuse(self, exc: StatementError) -> None:
        """Count a refused list and show the problem."""
        self._note(Problem(_CODES[exc.code], f"client keys: {exc}"))

    def miss(self, why: str) -> None:
        """Show that a list could not be had."""
        self._contact.note("keys", Problem("keys_unreachable", f"client keys: {why}"))

    def _note(self, problem: Problem) -> None:
        self._contact.counters["keys_refused"] += 1
        if problem != self._contact.problem("keys"):
            _LOG.error("refused what the control plane sent: %s: %s", problem.code, problem.message)
        self._contact.note("keys", problem)

    async def _take(self, signed: Signed, fetch: Fetch, since: KeptKeys | None) -> None:
        last = self._store.last
        statement = self._store.trust.believe(verify_keys, signed, self._store.gateway)
        check_ahead("keys_seq", statement.keys_seq, time.time())
        bound = last.bound(since, signed)
        check_keys_order(statement, bound.statement if bound else None)
        if self.kept is not None:
            newest = last.bound(self.kept, signed)
            if newest is not None and statement.keys_seq < newest.seq:
                return  # One that came meanwhile overtook it.
            check_keys_order(statement, newest.statement if newest else None)
            if signed == self.kept.signed and not last.is_carried(self.kept):
                return
        await self._enforce(KeptKeys(signed, statement, await self._content(statement, fetch)))

    async def _content(self, statement: KeysStatement, fetch: Fetch) -> bytes:
        """A list's bytes, fetched unless they are in force already."""
        if self.kept is not None and self.kept.statement.content_hash == statement.content_hash:
            return self.kept.content
        content = await fetch(statement.content_hash)
        check_list(statement, content)
        return content

    async def _enforce(self, kept: KeptKeys) -> None:
        failure = await self._reloader.take_keys(
            kept.content, kept.seq, lambda: self._store.keep(kept)
        )
        self.kept = kept
        self._keeper.note(failure)
        self._contact.changed.set()
        self._taken()

    async def guard(self) -> None:
        """Restore the stored list if it is not the one in force, and show the problem."""
        async with self._lock:
            if self.kept is not None:
                await self._keeper.guard(self.kept)
