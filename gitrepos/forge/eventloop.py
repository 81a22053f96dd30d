"""One event loop in a thread of its own, for whoever waits for many answers at once.

It begins with the first work of its process, so after a fork, and ends with the process.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

import uvloop

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Running:
    """`closing` holds what is to be closed in the loop before it ends."""

    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    stop: asyncio.Event
    closing: AsyncExitStack


_lock = threading.Lock()
# By process id: what a fork copied is not touched, since its thread and its sockets are the
# parent's.
_running: dict[int, _Running] = {}


def submit(work: Coroutine[Any, Any, Result]) -> Future[Result]:
    """Have `work` done by the loop of this process."""
    return asyncio.run_coroutine_threadsafe(work, _current().loop)


def closing() -> AsyncExitStack:
    """What is put on this stack is closed in the loop, at its end."""
    return _current().closing


@atexit.register
def close() -> None:
    """End the loop, if there is one; what it still does is given up."""
    with _lock:
        running = _running.pop(os.getpid(), None)
    if running is not None:
        running.loop.call_soon_threadsafe(running.stop.set)
        running.thread.join()


def _current() -> _Running:
    with _lock:
        running = _running.get(os.getpid())
        if running is None:
            ready: Future[_Running] = Future()
            threading.Thread(target=_serve, args=(ready,), name="eventloop", daemon=True).start()
            running = _running[os.getpid()] = ready.result()
        return running


def _serve(ready: Future[_Running]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_closed(ready))


async def _until_closed(ready: Future[_Running]) -> None:
    stop, stack = asyncio.Event(), AsyncExitStack()
    async with stack:
        loop, thread = asyncio.get_running_loop(), threading.current_thread()
        ready.set_result(_Running(loop, thread, stop, stack))
        await stop.wait()
