"""A health check is answered whatever a server does, and however many others wait for it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import orjson
import pytest

from keeptrusts.api import admission
from keeptrusts.api.admission import Admission
from keeptrusts.servers import probe
from keeptrusts.servers.probe import Findings, Probe
from tests.support.stack import wait_for

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


class Web:
    """Requests to an application whose every request waits for `database`."""

    def __init__(self) -> None:
        self.database = threading.Event()
        self.begun = 0
        self.app = Admission(self._app, places=2)
        self.threads = ThreadPoolExecutor(20)

    def _app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        self.begun += 1
        if not environ["PATH_INFO"].endswith("z"):
            self.database.wait(_PATIENCE_SECONDS)
        start_response("200 OK", [])
        return [b"{}"]

    def ask(self, path: str = "/v1/whoami") -> "Future[tuple[str, Any]]":
        """Status and body of a request in a thread of its own."""
        return self.threads.submit(self._ask, path)

    def _ask(self, path: str) -> tuple[str, Any]:
        said: list[str] = []
        body = self.app({"PATH_INFO": path}, lambda status, _: said.append(status))
        return said[0], orjson.loads(b"".join(body))


@pytest.fixture
def web() -> Iterator[Web]:
    """One whose database is silent at first."""
    made = Web()
    yield made
    made.database.set()
    made.threads.shutdown()


def test_a_health_check_needs_no_place(web: Web) -> None:
    """While all others wait."""
    stuck = [web.ask() for _ in range(5)]
    wait_for(lambda: web.begun == 2)

    assert web.ask("/healthz").result()[0] == web.ask("/readyz").result()[0] == "200 OK"

    web.database.set()
    assert [one.result()[0] for one in stuck].count("200 OK") >= 2


def test_who_finds_no_place_waits_for_one(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as places are given back."""
    monkeypatch.setattr(admission, "STUCK_SECONDS", _PATIENCE_SECONDS)
    asked = [web.ask() for _ in range(10)]
    wait_for(lambda: web.begun == 2)
    web.database.set()

    assert [one.result()[0] for one in asked] == ["200 OK"] * 10


def test_who_finds_all_places_stuck_is_refused(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the envelope of errors, and served again once they are not."""
    monkeypatch.setattr(admission, "STUCK_SECONDS", 0.01)
    stuck = [web.ask() for _ in range(2)]
    wait_for(lambda: web.begun == 2)

    status, body = web.ask().result()

    assert (status, body["error"]["code"]) == ("503 Service Unavailable", "unavailable")
    web.database.set()
    assert [one.result()[0] for one in stuck] == ["200 OK"] * 2
    assert web.ask().result()[0] == "200 OK"
