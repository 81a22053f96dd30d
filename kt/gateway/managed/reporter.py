"""Reporting what runs: at once when it or the gateway's health changes, else at an interval."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from kt import __version__
from kt.gateway.call.health import reasons
from kt.gateway.gateway import Gateway, timestamp
from kt.gateway.managed.client import Client, ContactError
from kt.gateway.managed.contact import AREAS, Contact, Problem
from kt.gateway.managed.enforcer import Enforcer
from kt.gateway.managed.identity import Identity
from kt.gateway.managed.pauses import around, backoff, spread

_FIRST_INTERVAL_SECONDS = 3.0
_LEAST_INTERVAL_SECONDS = 1.0
_LONGEST_INTERVAL_SECONDS = 600.0
_AREAS = tuple(area for area in AREAS if area != "report")


class Wanted(NamedTuple):
    """The ETags of the policy to enforce and of the client keys to ask for, each "" for none.

    `confirmation` says since when these are the newest; None from an older control plane.
    """

    policy: str
    keys: str
    confirmation: Any = None


class Reporter:
    """The reporter. `interval_seconds` is the interval that the control plane asked for last."""

    def __init__(
        self, gateway: Gateway, client: Client, enforcer: Enforcer, contact: Contact
    ) -> None:
        self._gateway = gateway
        self._client = client
        self._enforcer = enforcer
        # An older control plane takes no report that tells of client keys.
        self._tells_keys = False
        self._contact = contact
        self._started_at = timestamp()
        self.interval_seconds = _FIRST_INTERVAL_SECONDS

    async def run(self, identity: Identity, catch_up: Callable[[Wanted], Awaitable[None]]) -> None:
        """Report until cancelled; `catch_up` is called with what the gateway should have."""
        failures = 0
        while True:
            self._contact.changed.clear()
            try:
                wanted = await self.send(identity)
            except ContactError as exc:
                self._tells_keys = self._tells_keys and not exc.is_final
                self._contact.note("report", Problem(exc.code, str(exc)))
                self._contact.answered.clear()
                await _wait(self._contact.answered, max(backoff(failures), exc.retry_after))
                failures += 1
                continue
            failures = 0
            self._contact.reached("report")
            await catch_up(wanted)
            if await _wait(self._contact.changed, around(self.interval_seconds)):
                await asyncio.sleep(spread(self.interval_seconds))

    async def send(self, identity: Identity, *, stopping: bool = False) -> Wanted:
        """Report once; returns what the gateway should have.

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
        could_tell, self._tells_keys = self._tells_keys, "client_keys" in answer
        if self._tells_keys and not could_tell and self._gateway.admission.issued is not None:
            self._contact.changed.set()  # What could not be told before is told now.
        etags = _text(answer.get("etag")), _text(answer.get("client_keys"))
        return Wanted(*etags, answer.get("confirmation"))

    def _body(self, *, stopping: bool) -> dict[str, Any]:
        # A problem with reports is over when one arrives.
        problem = self._contact.problem(*_AREAS)
        degraded = problem is not None or bool(reasons(self._gateway))
        return {
            "running": self._running(),
            **({"client_keys": self._running_keys()} if self._tells_keys else {}),
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

    def _running_keys(self) -> dict[str, Any] | None:
        issued = self._gateway.admission.issued
        return {"keys_seq": issued.seq, "since": issued.since} if issued else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, at most so long; False when it did not come."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await event.wait()
    return False
