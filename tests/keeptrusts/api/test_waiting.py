"""A health check is answered whatever a server does, and however many others wait for it."""

import threading
from collections.abc import Iterator

import pytest

from keeptrusts.servers import probe
from keeptrusts.servers.probe import Findings, Probe

SILENT = {"server": "silent"}
_PATIENCE_SECONDS = 60


class Server:
    """What is looked at. It answers while it is not `silent`."""

    def __init__(self) -> None:
        self.speaks = threading.Event()
        self.looks = 0
        self.probe = Probe(self._look, silent=SILENT)

    def _look(self) -> Findings:
        self.looks += 1
        number = self.looks
        self.speaks.wait(_PATIENCE_SECONDS)
        return {"server": f"look {number}"}


@pytest.fixture
def server() -> Iterator[Server]:
    """One that is silent at first."""
    made = Server()
    yield made
    made.speaks.set()


def test_a_silent_server_is_not_waited_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """One look holds a thread until the server speaks, and nobody starts another."""
    monkeypatch.setattr(probe, "LOOK_SECONDS", 0.01)

    answers = [server.probe.begin().answer() for _ in range(50)]

    assert answers == [SILENT] * 50
    assert server.looks == 1


def test_a_server_that_speaks_again_is_looked_at_anew(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it said late is not lost either."""
    monkeypatch.setattr(probe, "LOOK_SECONDS", 0.01)
    first = server.probe.begin()
    assert first.answer() == SILENT
    monkeypatch.setattr(probe, "LOOK_SECONDS", _PATIENCE_SECONDS)
    server.speaks.set()

    assert first.answer() == {"server": "look 1"}
    assert server.probe.begin().answer() == {"server": "look 2"}


def test_one_waits_and_the_others_are_told_what_was_found_last(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until that is old, or whoever waits was told that the server is silent."""
    monkeypatch.setattr(probe, "LOOK_SECONDS", _PATIENCE_SECONDS)
    server.speaks.set()
    known = server.probe.begin().answer()
    server.speaks.clear()
    under_way = server.probe.begin()

    assert server.probe.begin().answer() == known
    monkeypatch.setattr(probe, "LOOK_SECONDS", 0)
    assert server.probe.begin().answer() == SILENT
    monkeypatch.setattr(probe, "LOOK_SECONDS", _PATIENCE_SECONDS)
    monkeypatch.setattr(probe, "_KEPT_SECONDS", 0)
    assert server.probe.begin() is under_way


def test_a_look_that_crashes_found_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next one is made all the same."""
    crashes: list[object] = []
    monkeypatch.setattr(threading, "excepthook", crashes.append)
    crashing = Probe(lambda: {"a": str(1 // 0)}, silent=SILENT)

    assert [crashing.begin().answer() for _ in range(2)] == [SILENT] * 2
    assert len(crashes) == 2
