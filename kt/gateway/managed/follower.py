"""Following the control plane: by a stream of events, else by polling."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing

from kt.gateway.managed.client import (
    MOST_LIST_BYTES,
    Client,
    ContactError,
    Event,
    GoneError,
    Pulled,
)
from kt.gateway.managed.contact import Contact, Problem
from kt.gateway.managed.enforcer import Enforcer, Fetch
from kt.gateway.managed.identity import Identity
from kt.gateway.managed.keys.keyring import Keyring
from kt.gateway.managed.keys.proof import KeptKeys
from kt.gateway.managed.pauses import around, backoff
from kt.gateway.managed.state import Kept
from kt.gateway.managed.statement import StatementError, fields_of, parse

_LEAST_POLL_SECONDS = 10.0
_LONGEST_POLL_SECONDS = 60.0
# A stream that ends sooner counts as a failure: the next try waits longer each time.
_STEADY_SECONDS = 30.0
_LOG = logging.getLogger("kt.gateway")


class Follower:
    """Two loops: one holds the stream, the other polls while there is none.

    `may_send` says whether the token may be sent to a url, `pace` gives the seconds between polls
    that the control plane asks for.
    """

    def __init__(
        self,
        client: Client,
        enforcer: Enforcer,
        keyring: Keyring,
        contact: Contact,
        *,
        may_send: Callable[[str], bool],
        pace: Callable[[], float],
    ) -> None:
        self._client = client
        self._enforcer = enforcer
        self._keyring = keyring
        self._contact = contact
        self._may_send = may_send
        self._pace = pace
        self._events_url = self._heard_url = ""
        self._known = asyncio.Event()

    async def poll(self, identity: Identity) -> None:
        """Poll at once, then every ten seconds to a minute while there is no stream; for ever."""
        failures = 0
        while True:
            if not self._contact.streaming:
                failures = 0 if await self.pull(identity) else failures + 1
            pause = min(_LONGEST_POLL_SECONDS, max(_LEAST_POLL_SECONDS, self._pace()))
            await asyncio.sleep(backoff(failures) if failures else around(pause, 0.5))

    async def pull(self, identity: Identity) -> bool:
        """Ask for the policy to enforce, and for client keys; False when they did not come."""
        since = self._enforcer.kept
        try:
            # The first answer must not be a 304: it has the url of events.
            pulled = await self._client.pull(
                identity, self._enforcer.etag if self._heard_url else ""
            )
            self._learn(pulled)
            if self._keyring.is_news(pulled.keys_etag):
                await self._pull_keys(identity)
            if self._keyring.holds_back:
                return False
            if pulled.policy is not None:
                signed, content = pulled.policy
                fetch = _returning(content)
                await self._enforcer.offer(signed, identity.pin, fetch, since=since)
        except StatementError as exc:
            self._enforcer.refuse(exc.code, str(exc))
        except ContactError as exc:
            self._contact.note("pull", Problem(exc.code, str(exc)))
            return False
        self._contact.reached("pull")
        return True

    async def catch_up(self, identity: Identity, policy_etag: str, keys_etag: str) -> None:
        """Ask for the policy and the client keys, whichever of them is not the one that is here."""
        if self._keyring.is_news(keys_etag):
            await self._pull_keys(identity)
        if policy_etag and policy_etag not in (self._enforcer.etag, self._enforcer.refused):
            await self.pull(identity)

    async def _pull_keys(self, identity: Identity) -> None:
        since = self._keyring.kept
        try:
            signed, content = await self._client.client_keys(identity)
            await self._keyring.offer(signed, identity.pin, _returning(content), since=since)
        except StatementError as exc:
            self._keyring.refuse(exc)
        except ContactError as exc:
            self._keyring.miss(str(exc))

    async def stream(self, identity: Identity) -> None:
        """Hold a stream, and open another when it ends; until cancelled."""
        failures, first_seconds = 0, 1.0
        await self._known.wait()
        while True:
            began = time.monotonic()
            try:
                async with aclosing(self._client.events(identity, self._events_url)) as events:
                    since = self._enforcer.kept, self._keyring.kept
                    async for event in events:
                        first_seconds = event.retry_seconds or first_seconds
                        self._hold(True)
                        if event.name == "goodbye":
                            break
                        if event.name == "client-keys":
                            await self._hear_keys(event, identity, since[1])
                        elif event.name == "configuration" and not self._keyring.holds_back:
                            await self._hear(event, identity, since[0])
                        since = self._enforcer.kept, self._keyring.kept
            except ContactError as exc:
                _LOG.info("the stream of events: %s", exc)
            self._hold(False)
            is_steady = time.monotonic() - began > _STEADY_SECONDS
            failures = 0 if is_steady else failures + 1
            await asyncio.sleep(backoff(failures, first_seconds))

    async def _hear(self, event: Event, identity: Identity, since: Kept | None) -> None:
        async def fetch(content_hash: str) -> bytes:
            return await self._client.content(identity, self._events_url, content_hash)

        try:
            signed = parse(fields_of(event.data))
            await self._enforcer.offer(signed, identity.pin, fetch, since=since)
        except StatementError as exc:
            self._enforcer.refuse(exc.code, str(exc))
        except GoneError:
            await self.pull(identity)
        else:
            self._contact.reached("pull")

    async def _hear_keys(self, event: Event, identity: Identity, since: KeptKeys | None) -> None:
        async def fetch(content_hash: str) -> bytes:
            return await self._client.content(
                identity, self._events_url, content_hash, most=MOST_LIST_BYTES
            )

        try:
            signed = parse(fields_of(event.data))
            await self._keyring.offer(signed, identity.pin, fetch, since=since)
        except StatementError as exc:
            self._keyring.refuse(exc)
        except GoneError:
            await self.pull(identity)
        else:
            self._contact.reached("pull")

    def _hold(self, holds: bool) -> None:
        if holds != self._contact.streaming:
            self._contact.streaming = holds
            self._contact.changed.set()
            self._contact.answered.set()
        if holds and not self._contact.is_unbound:
            self._contact.reached("pull")

    def _learn(self, pulled: Pulled) -> None:
        events_url = pulled.events_url
        self._client.gateway_url = pulled.gateway_url if self._may_send(pulled.gateway_url) else ""
        if not events_url or events_url == self._heard_url:
            return
        self._heard_url = events_url
        if not self._may_send(events_url):
            _LOG.warning("no events from %s: it is neither https nor loopback", events_url)
            return
        self._events_url = events_url
        self._known.set()


def _returning(content: bytes) -> Fetch:
    async def fetch(_: str) -> bytes:
        return content

    return fetch
