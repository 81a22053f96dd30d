"""Bodies that are read before anything else is done for a request."""

import asyncio
from typing import Any

import pytest
from django.conf import settings

from keeptrusts.serving.bodies import Bodies
from tests.keeptrusts.serving.asking import Sending, caught, run, settle

KIB = 1 << 10


async def _read(bodies: Bodies, sending: Sending) -> bytes:
    async with bodies.whole(sending) as body:
        return body


@pytest.mark.parametrize(
    ("pieces", "came"),
    [
        ([(0, b"")], b""),
        ([(0, b"ab"), (1, b""), (8.9, b"c")], b"abc"),
        ([(0, b"x" * 640 * KIB), (19.9, b"y")], b"x" * 640 * KIB + b"y"),
    ],
    ids=["none", "in pieces", "a large one has longer"],
)
def test_a_body_is_read_whole(pieces: list[tuple[float, bytes]], came: bytes) -> None:
    """Within ten seconds, and a second more for each 64 KiB."""
    assert run(_read(Bodies(), Sending(pieces))) == came


@pytest.mark.parametrize(
    ("sending", "code"),
    [
        (Sending([(0, b"{")], ends=False), "body_too_slow"),
        (Sending([(10.1, b"{")]), "body_too_slow"),
        (Sending([(1, b"x")] * 60), "body_too_slow"),
        (Sending([(0, b"x" * 640 * KIB), (20.1, b"y")]), "body_too_slow"),
        (Sending([(0, b"x" * (settings.MAX_BODY_BYTES + 1))]), "body_too_large"),
        (Sending([(0, b"x" * KIB * KIB)] * 9), "body_too_large"),
        (Sending([]), "ClientLeftError"),
    ],
    ids=["stops", "late", "drips", "slow in the end", "large", "large in pieces", "gone"],
)
def test_a_body_that_is_too_much_is_given_up(sending: Sending, code: str) -> None:
    """By its bytes, or by the time that it takes."""
    assert run(caught(_read(Bodies(), sending))) == code


def test_too_many_bodies_make_room_for_new_ones() -> None:
    """The unfinished one that was begun first goes; the others are read to their end."""

    async def work() -> list[str]:
        bodies = Bodies(most_bytes=100)
        begun = [
            asyncio.create_task(caught(_read(bodies, Sending([(0, b"x" * 40)], ends=False))))
            for _ in range(2)
        ]
        await settle()
        honest = await caught(_read(bodies, Sending([(0, b"y" * 30), (5, b"y" * 5)])))
        assert not begun[1].done()
        return [honest, *await asyncio.gather(*begun)]

    assert run(work()) == ["", "unavailable", "body_too_slow"]


def test_one_that_finds_only_whole_bodies_is_refused() -> None:
    """Those wait for their answers, and count until they have them."""

    async def work() -> tuple[str, str]:
        bodies = Bodies(most_bytes=100)
        async with bodies.whole(Sending([(0, b"x" * 90)])):
            refused = await caught(_read(bodies, Sending([(0, b"y" * 20)] * 2)))
        return refused, await caught(_read(bodies, Sending([(0, b"y" * 90)])))

    assert run(work()) == ("unavailable", "")


def test_nothing_is_counted_of_what_is_over() -> None:
    """However it ended, cancelled too."""

    async def work() -> Any:
        bodies = Bodies(most_bytes=100)
        for sending in (
            Sending([(0, b"x" * 60)], ends=False), Sending([(0, b"x" * 60)]), Sending([]),
        ):  # fmt: skip
            await caught(_read(bodies, sending))
        task = asyncio.create_task(_read(bodies, Sending([(0, b"x" * 60)], ends=False)))
        await settle()
        task.cancel()
        await asyncio.wait([task])
        return bodies._held, bodies._unfinished

    assert run(work()) == (0, {})


def test_what_comes_at_once_is_never_held_over_the_bound() -> None:
    """Many pieces of one turn let go of as much as they bring, and not of one body each."""
    most, piece = 100 * KIB, 10 * KIB

    async def work() -> int:
        bodies, seen = Bodies(most_bytes=most), 0
        sent = {"type": "http.request", "body": b"x" * piece, "more_body": True}

        async def receive() -> Any:
            nonlocal seen
            seen = max(seen, sum(len(one.data) for one in bodies._unfinished))
            if asyncio.get_running_loop().time() > end:
                return {"type": "http.disconnect"}
            await asyncio.sleep(0)
            return sent

        async def read() -> None:
            async with bodies.whole(receive):
                pass

        end = asyncio.get_running_loop().time() + 1
        tasks = [asyncio.create_task(caught(read())) for _ in range(60)]
        await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert bodies._held == 0
        return seen

    assert piece < asyncio.run(work()) <= most
