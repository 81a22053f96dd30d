"""A world that tests share; each leaves it well."""

from collections.abc import Iterator

import pytest

from tests.faults.world import World
from tests.faults.world import world as running
from tests.support.forge import Forge
from tests.support.stacks import environment


@pytest.fixture(scope="session")
def world(
    tmp_path_factory: pytest.TempPathFactory, forge: Forge, worker_id: str
) -> Iterator[World]:
    """One on the PostgreSQL of this run, with a Redis of its own."""
    tmp = tmp_path_factory.mktemp("servers")
    url = environment(tmp, worker_id)["DATABASE_URL"]
    with running(tmp, forge.repository(tmp / "clone"), database=url) as found:
        yield found
