"""Requests to ASGI applications, and event loops whose time passes by itself."""

import asyncio
import selectors
from collections.abc import Awaitable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

_T = TypeVar("_T")


class _Clock(asyncio.SelectorEventLoop):
    """An event loop that skips the time in which nothing happens."""

    def __init__(self) -> None:
        super().__init__(selectors.SelectSelector())
        self._skipped = 0.0

    def time(self) -> float:
        return super().time() + self._skipped

    def _run_once(self) -> None:
        timers = [t.when() for t in self._scheduled if not t.cancelled()]  # type: ignore[attr-defined]
        if not self._ready and timers:  # type: ignore[attr-defined]
            self._skipped += max(0.0, min(timers) - self.time())
        super()._run_once()  # type: ignore[misc]


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine; what it waits for by time comes at once."""
    with asyncio.Runner(loop_factory=_Clock) as runner:
        return runner.run(work)


class Sending:
    """A client that sends a body in pieces, each after some seconds; then it stays silent."""

    def __init__(self, pieces: Iterable[tuple[float, bytes]], *, ends: bool = True) -> None:
        self._pieces = list(pieces)
        self._ends = ends

    async def __call__(self) -> Mapping[str, Any]:
        if not self._pieces:
            if self._ends:
                return {"type": "http.disconnect"}
            await asyncio.Event().wait()
        seconds, piece = self._pieces.pop(0)
        await asyncio.sleep(seconds)
        more = bool(self._pieces) or not self._ends
        return {"type": "http.request", "body": piece, "more_body": more}


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def caught(work: Awaitable[Any]) -> str:
    """The code of the error that something ends with; empty without one."""
    try:
        await work
    except Exception as exc:  # noqa: BLE001
        return str(getattr(exc, "code", type(exc).__name__))
    return ""
