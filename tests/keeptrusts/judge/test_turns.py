"""Turns at judges: who is answered when, and who is sent away."""

import threading
import time
from collections.abc import Callable

import pytest

from keeptrusts.judge.errors import CrowdedError
from keeptrusts.judge.turns import Turns


class Crowd:
    """Callers with questions that take until somebody ends them; `order` has those that began."""

    def __init__(self, turns: Turns) -> None:
        self.turns, self.order = turns, list[str]()
        self.refused: list[tuple[str, bool]] = []
        self._ends: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []

    def come(self, *names: str) -> None:
        """Let questions come in this order; `a1` is the first of the caller `a`."""
        for name in names:
            self._ends[name] = threading.Event()
            thread = threading.Thread(target=self._ask, args=(name,))
            self._threads.append(thread)
            thread.start()
            time.sleep(0.01)  # Each waits before the next comes.

    def end(self, name: str) -> None:
        """End a question that is being answered."""
        before = len(self.order)
        self._ends[name].set()
        self.wait(lambda: len(self.order) > before)

    def leave(self) -> None:
        """End all questions."""
        for end in self._ends.values():
            end.set()
        for thread in self._threads:
            thread.join()

    @staticmethod
    def wait(until: Callable[[], bool]) -> None:
        """Wait until it is so, for a moment at most: it may never be."""
        late = time.monotonic() + 0.1
        while not until() and time.monotonic() < late:
            time.sleep(0.001)

    def _ask(self, name: str) -> None:
        try:
            with self.turns.turn(name[0]):
                self.order.append(name)
                self._ends[name].wait()
        except CrowdedError as exc:
            self.refused.append((name, exc.own))


@pytest.mark.parametrize(
    ("places", "come", "end", "order"),
    [
        (1, "a1 a2 a3 b1 c1", "a1 b1 c1", "a1 b1 c1 a2"),
        (1, "a1 b1 a2 b2", "a1 b1 a2", "a1 b1 a2 b2"),
        (1, "a1 b1 b2 a2 a3", "a1 b1 a2 b2", "a1 b1 a2 b2 a3"),
        (2, "a1 a2 a3 b1", "", "a1 b1"),
        (2, "a1 a2 a3 b1 b2 c1", "a1 b1", "a1 b1 c1 a2"),
        (2, "a1 a2 b1 c1", "b1 a1", "a1 b1 c1 a2"),
        (2, "a1 a2", "", "a1"),
        (4, "a1 a2 a3 b1 c1 d1", "", "a1 b1 c1 d1"),
    ],
)
def test_callers_take_turns(places: int, come: str, end: str, order: str) -> None:
    """One question of each at a time; whoever has many goes behind who has few."""
    crowd = Crowd(Turns(places=places, share=9, most=99, wait_seconds=9))
    crowd.come(*come.split())
    for name in end.split():
        crowd.end(name)
    began = list(crowd.order)
    crowd.leave()

    assert began == order.split()
    assert sorted(crowd.order) == sorted(come.split())


def test_too_many_of_one_are_sent_away_and_the_others_stay() -> None:
    """So that a caller alone cannot hold every thread."""
    crowd = Crowd(Turns(places=1, share=3, most=5, wait_seconds=9))
    crowd.come("a1", "a2", "a3", "a4", "b1", "b2")
    refused = list(crowd.refused)
    crowd.leave()

    assert refused == [("a4", True)]
    assert sorted(crowd.order) == ["a1", "a2", "a3", "b1", "b2"]


def test_who_has_most_makes_room_for_another() -> None:
    """Two callers with many questions do not shut out a third; of equals the last to come goes."""
    crowd = Crowd(Turns(places=1, share=3, most=5, wait_seconds=9))
    crowd.come("a1", "a2", "a3", "b1", "b2")
    crowd.come("c1")
    crowd.wait(lambda: len(crowd.refused) == 1)
    crowd.come("d1", "e1")
    crowd.wait(lambda: len(crowd.refused) == 3)
    refused = list(crowd.refused)
    crowd.leave()

    assert refused == [("a3", True), ("b2", True), ("e1", False)]
    assert sorted(crowd.order) == ["a1", "a2", "b1", "c1", "d1"]


def test_who_waits_for_long_is_sent_away() -> None:
    """And holds up nobody afterwards."""
    crowd = Crowd(Turns(places=1, share=3, most=5, wait_seconds=0.05))
    crowd.come("a1", "a2", "b1")
    crowd.wait(lambda: len(crowd.refused) == 2)
    refused = sorted(crowd.refused)
    crowd.end("a1")
    crowd.come("b2")
    began = list(crowd.order)
    crowd.leave()

    assert refused == [("a2", True), ("b1", False)]
    assert began == ["a1", "b2"]
