"""A thread that works with the database and Redis for an event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import close_old_connections

_T = TypeVar("_T")


class DatabaseThread:
    """One thread, with one connection to the database; what it is given is done in turn."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)

    async def run(self, work: Callable[[], _T]) -> _T:
        """The result of `work`, which gets a connection that is not broken."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, _fresh, work)

    def close(self) -> None:
        """Wait until all is done."""
        self._thread.shutdown()


def _fresh(work: Callable[[], _T]) -> _T:
    close_old_connections()
    return work()
