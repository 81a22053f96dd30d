"""Places at the threads of a web process, shared out among classes of callers."""

import asyncio
from collections import Counter, deque
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
    class can take them all, and no caller more than half of its class's. Whose turn it is changes
    among the classes that wait.
    """

    def __init__(self, total: int, shares: Mapping[str, int]) -> None:
        self._free = total
        self._left = dict(shares)
        self._most_of_one = {name: max(1, share // 2) for name, share in shares.items()}
        self._held: Counter[tuple[str, str]] = Counter()
        self._waiting: dict[str, deque[tuple[_Turn, str]]] = {name: deque() for name in shares}
        self._moved_at = dict.fromkeys(shares, 0.0)

    @asynccontextmanager
    async def taken(self, name: str, caller: str) -> AsyncIterator[None]:
        """Hold a place of a class until the end of the block.

        Raises:
            RefusedError: none is given back, or too many wait (`unavailable`).
        """
        await self._take(name, caller)
        try:
            yield
        finally:
            self._give_back(name, caller)

    async def _take(self, name: str, caller: str) -> None:
        if self._may_enter(name, caller):
            self._count(name, caller, 1)
            return
        queue, turn = self._waiting[name], _loop().create_future()
        if len(queue) >= _MOST_WAITING:
            raise _busy()
        queue.append((turn, caller))
        try:
            is_given = await self._given(name, turn)
        except asyncio.CancelledError:
            self._withdraw(name, turn, caller)
            raise
        if not is_given:
            self._withdraw(name, turn, caller)
            raise _busy()

    def _may_enter(self, name: str, caller: str) -> bool:
        is_room = self._free and self._left[name]
        return bool(is_room) and self._held[name, caller] < self._most_of_one[name]

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

    def _withdraw(self, name: str, turn: _Turn, caller: str) -> None:
        if turn.done():
            self._give_back(name, caller)  # It came at the last moment.
        else:
            self._waiting[name].remove((turn, caller))

    def _give_back(self, name: str, caller: str) -> None:
        self._count(name, caller, -1)
        for waiting, queue in list(self._waiting.items()):
            following = next((one for one in queue if self._may_enter(waiting, one[1])), None)
            if following is not None:
                queue.remove(following)
                self._count(waiting, following[1], 1)
                following[0].set_result(None)
                # To the end, so that the others come before it is its turn again.
                self._waiting[waiting] = self._waiting.pop(waiting)

    def _count(self, name: str, caller: str, places: int) -> None:
        self._free -= places
        self._left[name] -= places
        self._held[name, caller] += places
        if not self._held[name, caller]:
            del self._held[name, caller]
        self._moved_at[name] = _loop().time()


def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def _busy() -> RefusedError:
    message = "All request threads are busy; try again in a few seconds."
    return RefusedError(503, "unavailable", message, headers={"Retry-After": "1"})
