"""Batches of decisions, which are large: a process of its own reads and stores them."""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager, contextmanager

import django

from keeptrusts.api import requestid
from keeptrusts.api.errors import BusyError, UnavailableError
from keeptrusts.observed import traces
from keeptrusts.processes.process import die_with_parent
from keeptrusts.serving.answers import Answer
from kt.tracing import context
from kt.tracing.context import Trace

# Their bodies are in memory meanwhile.
_MOST_UNDER_WAY = 4


class Batches:
    """The process that stores batches; it is started for the first one."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._turns: set[str] = set()
        self._under_way = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take batches until the end of the block."""
        try:
            yield
        finally:
            if self._pool is not None:
                self._pool.shutdown()

    @contextmanager
    def turn(self, gateway_id: str) -> Iterator[None]:
        """Hold a gateway's turn for a batch, from before its body is read.

        Raises:
            BusyError: another batch of it is under way.
        """
        if gateway_id in self._turns:
            raise BusyError("Another batch of this gateway is under way; send this one after it.")
        self._turns.add(gateway_id)
        try:
            yield
        finally:
            self._turns.remove(gateway_id)

    async def take(self, gateway_id: str, body: bytes) -> Answer:
        """Store a batch; the answer to its gateway.

        Raises:
            BusyError: too many are being stored.
            UnavailableError: the process ended; the next batch starts another.
        """
        if self._under_way >= _MOST_UNDER_WAY:
            raise BusyError("Too many batches are being stored; send it again in a few seconds.")
        self._under_way += 1
        try:
            return await self._stored(gateway_id, body)
        finally:
            self._under_way -= 1

    async def _stored(self, gateway_id: str, body: bytes) -> Answer:
        loop = asyncio.get_running_loop()
        pool = self._pool = self._pool or _started()
        try:
            return await loop.run_in_executor(
                pool, _take, gateway_id, body, requestid.current(), traces.current()
            )
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


def _take(gateway_id: str, body: bytes, request_id: str, trace: Trace | None) -> Answer:
    """Store a batch, in the process of its own."""
    from django.db import close_old_connections

    from gateways.reports import decisions, inputs
    from keeptrusts.api.rendering import json_object
    from keeptrusts.serving.answers import of_data, of_error

    close_old_connections()
    with requestid.bound(request_id), traces.bound(trace or context.new()):
        try:
            batch = inputs.decisions_of(json_object(body))
            accepted = decisions.take(gateway_id, **batch)
        except Exception as exc:  # noqa: BLE001
            return of_error(exc)  # Which logs what is no deliberate refusal.
    return of_data({"accepted": accepted}, status=202)
