"""Gateways and model servers, real processes and sockets all."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.kt.gateway.support import ModelServer, Running, Server, Starter, pack, put, starter

TOOL = '[{"contains": "tool", "tool": {"name": "search", "arguments": {"q": "roof 🦊"}}}]'


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Start a gateway for one test: `start(policy, *arguments, **environment)`."""
    with starter(tmp_path) as found:
        yield found


@pytest.fixture(scope="session")
def mocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway on the mock that tests share and do not change."""
    with starter(tmp_path_factory.mktemp("mocked")) as found:
        yield found(pack(), "--mock-upstream", "--decision-log", "none")


@pytest.fixture(scope="session")
def _serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The gateway of `serve`, with a key for its targets."""
    with starter(tmp_path_factory.mktemp("serving")) as found:
        yield found(pack(), "--decision-log", "none", LOCAL_API_KEY="target-key")


@pytest.fixture
def serve(_serving: Running) -> Server:
    """Put a gateway that tests share under a policy, where a test needs nothing else of its own.

    Its limits, its counts and the circuits of its targets outlive the test.
    """
    return partial(put, _serving)


@pytest.fixture(scope="session")
def calling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway on the mock, which calls a tool when it is asked to."""
    script = tmp_path_factory.mktemp("script") / "script.json"
    script.write_text(TOOL)
    own = ("--mock-upstream", "--mock-script", str(script), "--decision-log", "none")
    with starter(tmp_path_factory.mktemp("calling")) as found:
        yield found(pack(), *own)


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A model server of one test's own."""
    server = ModelServer()
    yield server
    server.close()
