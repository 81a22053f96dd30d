"""Reporting what runs: at once when it or the gateway's health changes, else at an interval."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from kt import __version__
from kt.gateway.call.health import reasons
from kt.gateway.gateway import Gateway, timestamp
from kt.gateway.managed.client import Client, ContactError
from kt.gateway.managed.contact import Contact, Problem
from kt.gateway.managed.enforcer import Enforcer
from kt.gateway.managed.identity import Identity
from kt.gateway.managed.pauses import around, backoff, spread

_FIRST_INTERVAL_SECONDS = 3.0
_LEAST_INTERVAL_SECONDS = 1.0
_LONGEST_INTERVAL_SECONDS = 600.0
_AREAS = ("statement", "state", "disk", "spool", "pull")


class Reporter:
    """The reporter. `interval_seconds` is the interval that the control plane asked for last."""

    def __init__(
        self, gateway: Gateway, client: Client, enforcer: Enforcer, contact: Contact
    ) -> None:
        self._gateway = gateway
        self._client = client
        self._enforcer = enforcer
        self._contact = contact
        self._started_at = timestamp()
        self.interval_seconds = _FIRST_INTERVAL_SECONDS

    async def run(self, identity: Identity, pull: Callable[[], Awaitable[Any]]) -> None:
        """Report until cancelled; `pull` is called when another policy is to be enforced."""
        failures = 0
        while True:
            self._contact.changed.clear()
            try:
                wanted = await self.send(identity)
            except ContactError as exc:
                self._contact.note("report", Problem(exc.code, str(exc)))
                self._contact.answered.clear()
                await _wait(self._contact.answered, max(backoff(failures), exc.retry_after))
                failures += 1
                continue
            failures = 0
            self._contact.reached("report")
            if wanted and wanted not in (self._enforcer.etag, self._enforcer.refused):
                await pull()
            if await _wait(self._contact.changed, around(self.interval_seconds)):
                await asyncio.sleep(spread(self.interval_seconds))

    async def send(self, identity: Identity, *, stopping: bool = False) -> str:
        """Report once; returns the ETag of the policy to enforce.

        Raises:
            ContactError: the report was not taken.
        """
        answer = await self._client.report(identity, self._body(stopping=stopping))
        interval = answer.get("report_interval_seconds")
        if (
            isinstance(interval, int | float)
            and _LEAST_INTERVAL_SECONDS <= interval <= _LONGEST_INTERVAL_SECONDS
        ):
            self.interval_seconds = float(interval)
        etag = answer.get("etag")
        return etag if isinstance(etag, str) else ""

    def _body(self, *, stopping: bool) -> dict[str, Any]:
        # A problem with reports is over when one arrives.
        problem = self._contact.problem(*_AREAS)
        degraded = problem is not None or bool(reasons(self._gateway))
        return {
            "running": self._running(),
            "health": "degraded" if degraded else "ok",
            "problem": problem and problem.shown(),
            "kt_version": __version__,
            "started_at": self._started_at,
            "stopping": stopping,
            "counters": dict(self._contact.counters),
            "stream": self._contact.streaming,
        }

    def _running(self) -> dict[str, Any] | None:
        loaded, kept = self._gateway.loaded, self._enforcer.kept
        if not loaded.is_configured or kept is None:
            return None
        return {
            "configuration": loaded.id,
            "version": kept.statement.version,
            "content_hash": loaded.content_hash,
            "publish_seq": kept.statement.publish_seq,
            "since": loaded.loaded_at,
        }


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, at most so long; False when it did not come."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await event.wait()
    return False
