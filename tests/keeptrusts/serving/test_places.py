"""Places at threads: no class of callers takes them all, and none waits for nothing."""

import asyncio
import itertools
import random
from collections import Counter

import pytest

from keeptrusts.serving.places import STUCK_SECONDS, Places
from tests.keeptrusts.serving.asking import caught, run, settle

_callers = itertools.count()
SHARES = {"people": 3, "forges": 1, "gateways": 2}


async def _work(places: Places, name: str, seconds: float = 0.0, caller: str = "") -> None:
    async with places.taken(name, caller or str(next(_callers))):
        await asyncio.sleep(seconds)


def test_no_class_takes_all_places() -> None:
    """However many of its requests hang, another one's goes on."""

    async def work() -> str:
        places = Places(4, SHARES)
        hanging = [asyncio.create_task(caught(_work(places, "people", 1e6))) for _ in range(9)]
        await settle()
        done = await caught(_work(places, "forges"))
        for task in hanging:
            task.cancel()
        await asyncio.wait(hanging)
        return done

    assert run(work()) == ""


def test_who_waits_is_served_while_places_are_given_back() -> None:
    """However long the line is."""

    async def work() -> Counter[str]:
        places = Places(4, SHARES)
        names = ["people"] * 30 + ["gateways"] * 30
        return Counter(
            await asyncio.gather(*(caught(_work(places, n, STUCK_SECONDS / 2)) for n in names))
        )

    assert run(work()) == {"": 60}


@pytest.mark.parametrize("waiting", ["people", "gateways"])
def test_who_finds_all_places_stuck_is_refused(waiting: str) -> None:
    """Those of the class, or all."""

    async def work() -> str:
        places = Places(4, SHARES)
        stuck = [asyncio.create_task(_work(places, n, 3)) for n in ("people",) * 3 + ("gateways",)]
        await settle()
        refused = await caught(_work(places, waiting))
        await asyncio.gather(*stuck)
        assert await caught(_work(places, waiting)) == ""
        return refused

    assert run(work()) == "unavailable"


def test_a_class_whose_own_places_are_stuck_is_refused_beside_others_that_move() -> None:
    """What the others give back is not for it."""

    async def work() -> str:
        places = Places(4, SHARES)
        stuck = asyncio.create_task(_work(places, "forges", 3))
        moving = [asyncio.create_task(_work(places, "people", 0.1 * n)) for n in range(20)]
        await asyncio.sleep(STUCK_SECONDS)
        refused = await caught(_work(places, "forges"))
        await asyncio.gather(stuck, *moving)
        return refused

    assert run(work()) == "unavailable"


def test_a_line_has_an_end() -> None:
    """So that a flood is refused at once."""

    async def work() -> Counter[str]:
        places = Places(1, {"people": 1})
        return Counter(
            await asyncio.gather(*(caught(_work(places, "people", 0.01)) for _ in range(1101)))
        )

    assert run(work()) == {"": 1001, "unavailable": 100}


def test_classes_that_wait_take_turns() -> None:
    """A long line of one does not hold up the first of another."""

    async def work() -> list[str]:
        places, order = Places(1, {"people": 1, "forges": 1}), []

        async def one(name: str) -> None:
            async with places.taken(name, str(next(_callers))):
                order.append(name)
                await asyncio.sleep(0.1)

        await asyncio.gather(*(one(n) for n in ["people"] * 4 + ["forges"] * 2))
        return order

    order = run(work())
    assert order[:5] == ["people", "people", "forges", "people", "forges"]


@pytest.mark.parametrize("seed", range(20))
def test_no_place_is_lost(seed: int) -> None:
    """By whatever order of ends, refusals and cancelled requests; and none is taken too many."""
    chance = random.Random(seed)

    async def work() -> tuple[object, ...]:
        places, most = Places(4, SHARES), 0

        async def one(name: str) -> None:
            nonlocal most
            async with places.taken(name, str(next(_callers))):
                most = max(most, 4 - places._free)
                await asyncio.sleep(chance.random() * 2)

        tasks = []
        for _ in range(60):
            tasks.append(asyncio.create_task(one(chance.choice(list(SHARES)))))
            await asyncio.sleep(chance.random() / 4)
            if chance.random() < 0.3:
                chance.choice(tasks).cancel()
        await asyncio.wait(tasks)
        return places._free, places._left, any(places._waiting.values()), most <= 4

    assert run(work()) == (4, SHARES, False, True)


def test_no_caller_takes_all_places_of_its_class() -> None:
    """Half of them; what it asks for beyond waits, and others of the class go on."""

    async def work() -> tuple[str, str]:
        places = Places(9, {"people": 6})
        hanging = [
            asyncio.create_task(caught(_work(places, "people", 1e6, "greedy"))) for _ in range(9)
        ]
        await settle()
        other = await caught(_work(places, "people", 0.1, "other"))
        held = await caught(_work(places, "people", 0.1, "greedy"))
        for task in hanging:
            task.cancel()
        await asyncio.wait(hanging)
        return other, held

    assert run(work()) == ("", "unavailable")
