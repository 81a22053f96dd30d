"""A browser, and a control plane that it looks at."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import axe
from tests.support.chromium import PATIENCE_MS, Visitor, Visits, chromium
from tests.support.stack import Stack
from tests.support.stacks import environment


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, one for all tests."""
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as running:
        yield running


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Stack]:
    """A control plane that a test has to itself."""
    tmp = tmp_path_factory.mktemp("browsed")
    running = Stack(tmp / "data", **environment(tmp, worker_id, own=True)).start()
    yield running
    running.stop()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visits]:
    """Open a browser of somebody's own; no page of it may meet a problem."""
    visitors: list[Visitor] = []

    def opened(stack: Stack, **options: object) -> Visitor:
        visitors.append(Visitor(browser, stack, **options))
        return visitors[-1]

    yield opened
    for one in visitors:
        one.leaves()


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core."""
    return axe.fetched(tmp_path_factory.mktemp("npm"))
