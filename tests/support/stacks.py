"""Running control planes, one for each process of a parallel run and each kind of storage."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from tests.support.stack import Stack, is_running


def environment(tmp: Path, worker_id: str, *, own: bool = False) -> dict[str, str]:
    """PostgreSQL and Redis of this run, or nothing for the embedded default."""
    if os.environ.get("KEEPTRUSTS_TEST_EMBEDDED"):
        return {}
    name = f"stack_{worker_id}_{tmp.parent.name}_{tmp.name}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f'create database "{name}"')  # type: ignore[call-overload]
    index = int(worker_id.removeprefix("gw")) if worker_id != "master" else 0
    number = (40 if own else 20) + index
    broker = f"{os.environ['REDIS_URL']}?db={number}"
    if own:
        with redis.Redis.from_url(broker) as client:
            client.flushdb()  # What is there is another stack's, which ended.
    return {
        "DATABASE_URL": os.environ["DATABASE_URL"].replace("/postgres?", f"/{name}?"),
        "REDIS_URL": broker,
        "KEEPTRUSTS_SECRET_KEY": "only-for-tests-0123456789abcdef0123456789",
    }


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Stack]:
    """A control plane that tests share; each links repositories of its own."""
    tmp = tmp_path_factory.mktemp("shared")
    stack = Stack(tmp / "data", **environment(tmp, worker_id)).start()
    yield stack
    stack.kill()


@pytest.fixture(scope="session")
def shared_embedded_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A control plane on the embedded default that tests share.

    Started from a folder of the operator's, with a relative data folder, which has another mode,
    and with what others have in the environment.
    """
    folder = tmp_path_factory.mktemp("operator")
    (folder / "data").mkdir(mode=0o755)
    foreign = {"FOREIGN_TOKEN": "FOREIGN", "KEEPTRUSTS_API_TOKEN": "FOREIGN"}
    own = {"KEEPTRUSTS_DATA_DIR": "data", "KEEPTRUSTS_GIT_SCHEMES": "https,http,ssh"}
    stack = Stack(folder / "data", **own, **foreign).start(cwd=folder)
    yield stack
    # A signal to the whole group, as of a terminal, ends everything in order.
    pids = list(stack.children())
    assert stack.process is not None
    os.killpg(stack.process.pid, signal.SIGTERM)
    assert stack.process.wait(timeout=300) == 0
    assert [pid for pid in pids if is_running(pid)] == []


@pytest.fixture
def embedded_stack(tmp_path: Path) -> Iterator[Stack]:
    """A control plane on the embedded default that a test has to itself."""
    stack = Stack(tmp_path / "data")
    yield stack
    if stack.process is not None and stack.process.poll() is None:
        stack.kill()
