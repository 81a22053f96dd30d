"""Batches of decisions, which are large: a process of its own reads and stores them."""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager

import django

from keeptrusts.api.errors import BusyError, UnavailableError
from keeptrusts.processes.process import die_with_parent
from keeptrusts.serving.answers import Answer

# Their bodies are in memory meanwhile.
_MOST_UNDER_WAY = 4


class Batches:
    """The process that stores batches; it is started for the first one."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._under_way = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take batches until the end of the block."""
        try:
            yield
        finally:
            if self._pool is not None:
                self._pool.shutdown()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place for a batch, from before its body is read.

        Raises:
            BusyError: too many are under way.
        """
        if self._under_way >= _MOST_UNDER_WAY:
            raise BusyError("Too many batches are being taken; send it again in a few seconds.")
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def take(self, gateway_id: str, body: bytes) -> Answer:
        """Store a batch; the answer to its gateway.

        Raises:
            UnavailableError: the process ended; the next batch starts another.
        """
        loop = asyncio.get_running_loop()
        pool = self._pool = self._pool or _started()
        try:
            return await loop.run_in_executor(pool, _take, gateway_id, body)
        except BrokenProcessPool as exc:
            self._pool = None if self._pool is pool else self._pool
            raise UnavailableError("The process of decisions") from exc


def _started() -> ProcessPoolExecutor:
    # Not forked: this process has threads, and connections that only it may use.
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=spawn, initializer=_begin)


def _begin() -> None:
    from keeptrusts import database

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keeptrusts.settings")
    die_with_parent()
    database.bound_statements(database.WEB_SECONDS)
    django.setup()


def _take(gateway_id: str, body: bytes) -> Answer:
    """Store a batch, in the process of its own."""
    from django.db import close_old_connections

    from gateways.reports import decisions, inputs
    from keeptrusts.api.rendering import json_object
    from keeptrusts.serving.answers import of_data, of_error

    close_old_connections()
    try:
        batch = inputs.decisions_of(json_object(body))
        accepted = decisions.take(gateway_id, **batch)
    except Exception as exc:  # noqa: BLE001
        return of_error(exc)  # Which logs what is no deliberate refusal.
    return of_data({"accepted": accepted}, status=202)
