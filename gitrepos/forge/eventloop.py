"""The event loop of a process, in a thread of its own, for many calls at once.

It starts with the first work of its process, so after a fork, and ends with the process.
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
    """A running loop; `closing` has the callbacks that run in it at its end."""

    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    stop: asyncio.Event
    closing: AsyncExitStack


_lock = threading.Lock()
# By process id: a copy in a forked child is not touched, since the thread and the sockets are the
# parent's.
_running: dict[int, _Running] = {}


def submit(work: Coroutine[Any, Any, Result]) -> Future[Result]:
    """Run `work` in the loop of this process."""
    return asyncio.run_coroutine_threadsafe(work, _current().loop)


def closing() -> AsyncExitStack:
    """The stack of callbacks that run in the loop at its end."""
    return _current().closing


@atexit.register
def close() -> None:
    """End the loop, if there is one, and cancel its work."""
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
