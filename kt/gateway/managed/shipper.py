"""Sending decisions from the spool, in batches that are acknowledged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from kt.gateway.managed.backlog import Backlog, Batch
from kt.gateway.managed.client import Client, ContactError
from kt.gateway.managed.contact import Contact, disk_problem
from kt.gateway.managed.identity import Identity
from kt.gateway.managed.pauses import around, backoff

_TRIM_SECONDS = 0.5
_LOG = logging.getLogger("kt.gateway")


class Shipper:
    """The sender. `pause` gives the seconds in which decisions collect."""

    def __init__(
        self, backlog: Backlog, client: Client, contact: Contact, pause: Callable[[], float]
    ) -> None:
        self._backlog = backlog
        self._client = client
        self._contact = contact
        self._pause = pause
        # The spool is read in threads, one at a time.
        self._lock = asyncio.Lock()
        self._sent = 0

    async def run(self, identity: Identity) -> None:
        """Send until cancelled."""
        failures = 0
        while True:
            try:
                batch = await self.send(identity)
            except (ContactError, OSError) as exc:
                _LOG.info("decisions wait to be sent: %s", exc)
                await asyncio.sleep(max(backoff(failures), getattr(exc, "retry_after", 0.0)))
                failures += 1
            else:
                failures = 0
                await asyncio.sleep(around(self._pause()) if batch is None or batch.is_last else 0)

    async def send(self, identity: Identity) -> Batch | None:
        """Send the next batch; None when nothing waits.

        Raises:
            ContactError: the control plane did not take it, but may later.
            OSError: the spool cannot be read.
        """
        async with self._lock:
            batch = await asyncio.to_thread(self._backlog.batch)
        if batch is None:
            return None
        body = {
            "batch": self._sent + 1,
            "events": list(batch.events),
            "dropped": batch.dropped + batch.lost,
        }
        try:
            await self._client.decide(identity, body)
        except ContactError as exc:
            if not exc.is_final:
                raise
            _LOG.error("%d decisions are lost: %s", len(batch.events), exc)
            await self._settle(batch, self._backlog.give_up)
        else:
            self._sent += 1
            self._contact.counters["decisions_sent"] += len(batch.events)
            self._contact.counters["decisions_dropped"] += batch.dropped + batch.lost
            await self._settle(batch, self._backlog.acknowledge)
        return batch

    async def trim(self) -> None:
        """Keep the spool within its bound, also while nothing can be sent."""
        while True:
            try:
                async with self._lock:
                    self._contact.spool_bytes = await asyncio.to_thread(self._backlog.trim)
            except OSError as exc:
                self._contact.note("spool", disk_problem(exc))
            else:
                self._contact.note("spool", None)
            await asyncio.sleep(_TRIM_SECONDS)

    async def _settle(self, batch: Batch, how: Callable[[Batch], None]) -> None:
        async with self._lock:
            await asyncio.to_thread(how, batch)
