"""Reports of gateways, collected for a moment and recorded together."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateways.reports import reports
from gateways.reports.reports import Report
from keeptrusts.serving.database import DatabaseThread

# Nobody waits for the answer to a report, and many cost Redis and a thread as little as one. So
# those of a large fleet are recorded once a second, and a single one soon.
_COLLECT_SECONDS = 0.1
_PAUSE_SECONDS = 1.0


class Reporting:
    """The reports of all gateways that one process takes. Used by one event loop."""

    def __init__(self) -> None:
        self._thread = DatabaseThread("reports")
        self._reports: dict[str, Report] = {}
        self._recorded: asyncio.Task[dict[str, Exception]] | None = None
        self._last = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take reports until the end of the block; those taken by then are recorded."""
        try:
            yield
        finally:
            if self._recorded is not None:
                await self._recorded
            self._thread.close()

    async def take(self, gateway_id: str, report: Report) -> None:
        """Record a report; of two of a gateway that are collected together, the later one.

        Raises:
            Exception: it could not be recorded.
        """
        self._reports[gateway_id] = report
        if self._recorded is None:
            self._recorded = asyncio.create_task(self._record())
        failures = await asyncio.shield(self._recorded)
        if gateway_id in failures:
            raise failures[gateway_id]

    async def _record(self) -> dict[str, Exception]:
        due = self._last + _PAUSE_SECONDS - time.monotonic()
        await asyncio.sleep(max(_COLLECT_SECONDS, due))
        self._last = time.monotonic()
        collected, self._reports, self._recorded = self._reports, {}, None
        return await self._thread.run(lambda: reports.take_all(collected))
