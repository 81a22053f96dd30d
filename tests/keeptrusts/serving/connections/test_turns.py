"""Turns: who is read in which, whoever sends what."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.serving.connections.turns import ReadTurns


class _Line:
    """A connection with bytes that wait, of which a turn reads a piece."""

    def __init__(self, name: str, waiting: int, *, piece: int = 10) -> None:
        self.name, self.waiting, self.piece = name, waiting, piece
        self.is_held = self.was_lost = False
        self.times = 0

    def __repr__(self) -> str:
        return self.name

    def is_lost(self) -> bool:
        return self.was_lost

    def hold(self) -> None:
        assert not self.is_held
        self.is_held = True
        self.times += 1

    def release(self) -> None:
        assert self.is_held
        self.is_held = False


def _turn(turns: ReadTurns, lines: Iterable[_Line], idle: Iterable[_Line] = ()) -> list[str]:
    """Read what is ready, as an event loop does; who was read."""
    read = []
    for line in lines:
        if line.is_held or not line.waiting:
            continue
        size = min(line.piece, line.waiting)
        line.waiting -= size
        turns.count(line, size, lambda: [one for one in idle if not one.is_held])
        turns.settle(line, is_busy=line.waiting > 0)
        read.append(line.name)
    return read


def _run(test: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await test()

    asyncio.run(run())


@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.integers(1, 40), st.integers(1, 4))
def test_all_are_read_to_their_end(sizes: list[int], most: int, released: int) -> None:
    """Each turn reads at most one piece past the bound, and one at least."""

    async def test() -> None:
        turns = ReadTurns(most_bytes=most, most_bytes_of_all=10**9, released=released)
        lines = [_Line(str(number), size) for number, size in enumerate(sizes)]
        for line in lines:  # All are in the middle of a request.
            turns.settle(line, is_busy=True)
        left = sum(sizes)
        while left:
            _turn(turns, lines)
            before, left = left, sum(line.waiting for line in lines)
            assert 0 < before - left <= most + 10
            await asyncio.sleep(0)
        assert not any(line.is_held for line in lines)

    _run(test)


def test_those_that_wait_are_read_in_their_order() -> None:
    """Who sends without end is read again after all others."""

    async def test() -> None:
        turns = ReadTurns(most_bytes=20, released=3)
        lines = [_Line(name, 1000) for name in "abcdef"]
        order = []
        for line in lines:
            turns.settle(line, is_busy=True)
        for _ in range(30):
            order += _turn(turns, lines)
            await asyncio.sleep(0)
        for name in "abcdef":
            gaps = [at for at, one in enumerate(order) if one == name]
            assert max(b - a for a, b in pairwise(gaps)) <= 12, order

    _run(test)


def test_who_begins_is_read_at_once() -> None:
    """However many wait in the middle of something."""

    async def test() -> None:
        turns = ReadTurns(most_bytes=20, most_bytes_of_all=200, released=2)
        crowd = [_Line(f"crowd-{number}", 10_000) for number in range(50)]
        for line in crowd:
            turns.settle(line, is_busy=True)
        for number in range(20):
            fresh = _Line(f"fresh-{number}", 5)
            assert fresh.name in _turn(turns, [*crowd, fresh])
            await asyncio.sleep(0)

    _run(test)


def test_a_turn_costs_no_more_for_many_who_wait() -> None:
    """Each is held up once, and then released as it comes to be read."""

    async def test() -> None:
        turns = ReadTurns(most_bytes=20, released=4)
        crowd = [_Line(f"crowd-{number}", 10_000) for number in range(1000)]
        for line in crowd:
            turns.settle(line, is_busy=True)
        for _ in range(100):
            _turn(turns, crowd)
            await asyncio.sleep(0)
        assert sum(line.times for line in crowd) <= 1000 + 100 * 4

    _run(test)


def test_past_the_bound_of_all_everybody_waits_for_the_next_turn() -> None:
    """Those that were in the middle of nothing, and sent all at once."""

    async def test() -> None:
        turns = ReadTurns(most_bytes=20, most_bytes_of_all=100)
        lines = [_Line(f"{number}", 30, piece=30) for number in range(20)]
        assert len(_turn(turns, lines, idle=lines)) == 4
        await asyncio.sleep(0)
        assert len(_turn(turns, lines, idle=lines)) == 4

    _run(test)


def test_who_is_lost_is_not_read_again() -> None:
    """Nor kept."""

    async def test() -> None:
        turns = ReadTurns(most_bytes=5)
        lines = [_Line(name, 100) for name in "abc"]
        for line in lines:
            turns.settle(line, is_busy=True)
        _turn(turns, lines)
        lines[1].was_lost = True
        turns.forget(lines[1])
        await asyncio.sleep(0)
        assert lines[1].is_held and not lines[0].is_held
        assert lines[1] not in turns._busy and lines[1] not in turns._row

    _run(test)
