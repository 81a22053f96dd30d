"""Places at the threads of a web process, shared out among classes of callers."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from keeptrusts.api.errors import RefusedError

# While none was given back for so long, requests are refused instead of waiting.
STUCK_SECONDS = 0.8
# Of one class. A burst of a fleet's pulls waits; what comes after it is told to come again.
_MOST_WAITING = 1000

_Turn = asyncio.Future[None]


class Places:
    """At most `total` requests at work, and of each class at most its share.

    The shares are more than `total` together, so no place is idle while somebody waits, yet no
    class can take them all. Whose turn it is changes among the classes that wait.
    """

    def __init__(self, total: int, shares: Mapping[str, int]) -> None:
        self._free = total
        self._left = dict(shares)
        self._waiting: dict[str, deque[_Turn]] = {name: deque() for name in shares}
        self._moved_at = dict.fromkeys(shares, 0.0)

    @asynccontextmanager
    async def taken(self, name: str) -> AsyncIterator[None]:
        """Hold a place of a class until the end of the block.

        Raises:
            RefusedError: none is given back, or too many wait (`unavailable`).
        """
        await self._take(name)
        try:
            yield
        finally:
            self._give_back(name)

    async def _take(self, name: str) -> None:
        if self._free and self._left[name]:
            self._count(name, 1)
            return
        queue, turn = self._waiting[name], _loop().create_future()
        if len(queue) >= _MOST_WAITING:
            raise _busy()
        queue.append(turn)
        try:
            is_given = await self._given(name, turn)
        except asyncio.CancelledError:
            self._withdraw(name, turn)
            raise
        if not is_given:
            self._withdraw(name, turn)
            raise _busy()

    async def _given(self, name: str, turn: _Turn) -> bool:
        """Whether a turn came while places were given back."""
        while not turn.done():
            # Of its own class, while that has all of its share; else it waits for any.
            moved_at = max(self._moved_at.values()) if self._left[name] else self._moved_at[name]
            left = moved_at + STUCK_SECONDS - _loop().time()
            if left <= 0:
                return False
            await asyncio.wait([turn], timeout=left)
        return True

    def _withdraw(self, name: str, turn: _Turn) -> None:
        if turn.done():
            self._give_back(name)  # It came at the last moment.
        else:
            self._waiting[name].remove(turn)

    def _give_back(self, name: str) -> None:
        self._count(name, -1)
        for waiting, queue in list(self._waiting.items()):
            if queue and self._free and self._left[waiting]:
                self._count(waiting, 1)
                queue.popleft().set_result(None)
                # To the end, so that the others come before it is its turn again.
                self._waiting[waiting] = self._waiting.pop(waiting)

    def _count(self, name: str, places: int) -> None:
        self._free -= places
        self._left[name] -= places
        self._moved_at[name] = _loop().time()


def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def _busy() -> RefusedError:
    message = "All request threads are busy; try again in a few seconds."
    return RefusedError(503, "unavailable", message, headers={"Retry-After": "1"})
