"""The agent of a managed gateway, which talks to the control plane in one of its processes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from kt.addresses import may_send
from kt.gateway.gateway import Gateway
from kt.gateway.managed.backlog import Backlog
from kt.gateway.managed.client import Client, ContactError
from kt.gateway.managed.contact import Contact, Problem, disk_problem
from kt.gateway.managed.enforcer import Enforcer
from kt.gateway.managed.follower import Follower
from kt.gateway.managed.identity import ENROLMENT, GATEWAY, Identity, TokenError, identity
from kt.gateway.managed.keys.keyring import Keyring
from kt.gateway.managed.keys.store import KeyStore
from kt.gateway.managed.pauses import backoff
from kt.gateway.managed.reporter import Reporter, Wanted
from kt.gateway.managed.shipper import Shipper
from kt.gateway.managed.state import CONTACT, SPOOL
from kt.gateway.managed.stored import Stored
from kt.gateway.managed.trust.freshness import Freshness
from kt.gateway.options import Managed
from kt.gateway.reload import Reloader

_GUARD_SECONDS = 2.0
_GOODBYE_SECONDS = 5.0
_LOG = logging.getLogger("kt.gateway")


class Agent:
    """The agent; made in a running event loop. `taken` is called when a new policy is on disk."""

    def __init__(
        self, gateway: Gateway, stored: Stored, reloader: Reloader, taken: Callable[[], None]
    ) -> None:
        managed = gateway.options.managed
        assert managed is not None
        self._managed: Managed = managed
        self._stored = stored
        state = stored.state
        self._contact = Contact(
            state.path(CONTACT), control_plane=managed.api_url, gateway=managed.gateway_id
        )
        self._client = Client(managed.api_url, managed.gateway_id)
        self._enforcer = Enforcer(stored, reloader, self._contact, taken)
        assert isinstance(gateway.admission.source, KeyStore)
        assert isinstance(gateway.aging, Freshness)
        self._freshness = gateway.aging
        self._keyring = Keyring(gateway.admission.source, reloader, self._contact, taken)
        self._reporter = Reporter(gateway, self._client, self._enforcer, self._contact)
        self._follower = Follower(
            self._client,
            self._enforcer,
            self._keyring,
            self._contact,
            may_send=lambda url: may_send(url, insecure_http=managed.insecure_http),
            pace=lambda: self._reporter.interval_seconds,
        )
        backlog = Backlog(state.path(SPOOL), max_bytes=managed.spool_bytes)
        self._shipper = Shipper(
            backlog, self._client, self._contact, lambda: self._reporter.interval_seconds
        )
        gateway.control_plane = self._contact.shown

    async def run(self) -> None:
        """Follow, guard, report and send until cancelled; after an error they start again."""
        self._show_start()
        failures = 0
        while True:
            try:
                await self._work()
            except* Exception:  # noqa: BLE001  Enforcement goes on without it, and it starts again.
                _LOG.exception("following the control plane failed; it starts again")
            await asyncio.sleep(backoff(failures))
            failures += 1

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._guard())
            tasks.create_task(self._shipper.trim())
            who = await self._identified()
            tasks.create_task(self._follower.poll(who))
            tasks.create_task(self._follower.stream(who))
            tasks.create_task(self._reporter.run(who, lambda wanted: self._catch_up(who, wanted)))
            tasks.create_task(self._shipper.run(who))

    async def _catch_up(self, who: Identity, wanted: Wanted) -> None:
        """Ask for what is not here, and then hear whether what is here is the newest."""
        await self._follower.catch_up(who, wanted.policy, wanted.keys)
        if wanted.confirmation is not None:
            problem = self._freshness.offer(wanted.confirmation)
            self._contact.counters["statements_refused"] += problem is not None
            self._contact.note("confirmation", problem)
            await self._save_confirmation()
        await self._follower.renew(who)

    async def _save_confirmation(self) -> None:
        try:
            await asyncio.to_thread(self._freshness.save)
        except OSError as exc:
            self._contact.note("disk", disk_problem(exc))
        self._show_age()

    def _show_age(self) -> None:
        self._contact.confirmed_at = self._freshness.shown_at
        self._contact.note("age", self._freshness.problem())

    async def close(self) -> None:
        """Send waiting decisions and a last report, if that takes but a few seconds."""
        try:
            async with asyncio.timeout(_GOODBYE_SECONDS):
                who = self._stored.identity()
                if who is not None:
                    while await self._shipper.send(who) is not None:
                        pass
                    await self._reporter.send(who, stopping=True)
        except (ContactError, OSError) as exc:
            _LOG.warning("the last report was not sent: %s", exc)
        finally:
            await self._client.close()

    def _show_start(self) -> None:
        if self._stored.kept is not None:
            self._contact.publish_seq = self._stored.kept.statement.publish_seq
        self._contact.confirmed_at = self._freshness.shown_at
        if self._stored.edited:
            message = "a stored policy was edited by hand; it is not enforced"
            self._contact.note("state", Problem("state_edited", message))
        self._contact.save()

    async def _guard(self) -> None:
        while True:
            await self._enforcer.guard()
            await self._keyring.guard()
            self._show_age()
            await asyncio.sleep(_GUARD_SECONDS)

    async def _identified(self) -> Identity:
        """The identity of this gateway, after an enrolment when it has no token yet."""
        failures = 0
        while (who := self._stored.identity()) is None:
            try:
                await self._enrol()
            except ContactError as exc:
                self._contact.note("pull", Problem(exc.code, str(exc)))
                await asyncio.sleep(max(backoff(failures), exc.retry_after))
                failures += 1
        return who

    async def _enrol(self) -> None:
        """Get a token for this gateway. The key that the enrolment token pins stays pinned."""
        enrolment = identity(self._managed.enrolment_token, ENROLMENT)
        row = await self._client.enrol(enrolment)
        try:
            own = identity(str(row.get("token")), GATEWAY)
        except TokenError as exc:
            raise ContactError("control_plane_unreachable", "the answer has no token") from exc
        self._contact.reached("pull")
        try:
            self._stored.become(Identity(own.token, enrolment.pin))
        except OSError as exc:
            self._contact.note("disk", disk_problem(exc))
