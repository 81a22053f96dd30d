"""Fixtures that every test may use."""

import gc
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver
from rest_framework.test import APIClient

from access import tokens
from keeptrusts import database
from keeptrusts.servers import outages
from tests.support import documented
from tests.support.brokers import own_broker
from tests.support.forge import Forge
from tests.support.repo import Repo
from tests.support.sshforge import SSHForge
from tests.support.stack import Stack
from tests.support.stacks import embedded_stack, shared_embedded_stack, shared_stack

__all__ = ["embedded_stack", "shared_embedded_stack", "shared_stack"]

Stack.told = staticmethod(documented.hold)

# A test holds one transaction from its beginning to its end, and may compute in between.
_IDLE_SECONDS = database.MOST_IDLE_SECONDS


@receiver(connection_created)
def _may_be_idle(connection: BaseDatabaseWrapper, **_: object) -> None:
    if connection.vendor == "postgresql" and database.MOST_IDLE_SECONDS == _IDLE_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = '600s'")


# No test fails because the machine is busy.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Look for no garbage among what stays."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Have no test pay for what all of them are; looking for garbage goes on without it."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have the first process wait with the shared stack, and the second with stacks of its own.

    A parallel run gives each process a run of the list, and one that is done takes from the end
    of another's: so each run ends with what is short and computes.
    """
    files: dict[Path, list[pytest.Item]] = defaultdict(list)
    for item in items:
        files[item.path].append(item)
    shared = [path for path in files if any(map(_shares_a_stack, files[path]))]
    waiting = [path for path in files if _WAITING & set(path.parts) and path not in shared]
    computing = [path for path in files if path not in shared and path not in waiting]
    computing.sort(key=lambda path: not _LONG & set(path.parts))
    chains = [[item for path in kind for item in files[path]] for kind in (shared, waiting)]
    rest = [item for path in computing for item in files[path]]
    items[:] = _in_runs(chains, rest, int(getattr(config, "workerinput", {}).get("workercount", 1)))


_WAITING = {"acceptance", "faults"}
_LONG = {"security", "openapi"}


def _in_runs(
    chains: list[list[pytest.Item]], rest: list[pytest.Item], processes: int
) -> list[pytest.Item]:
    """Each chain begins the run of a process; the runs without one have the beginning of the rest.

    The runs are as long as xdist makes them.
    """
    total = len(rest) + sum(map(len, chains))
    ends = [0]
    for left in range(processes, 0, -1):
        ends.append(ends[-1] + (total - ends[-1]) // left)
    begun = chains[: processes - 1]
    lengths = [end - begin for begin, end in itertools.pairwise(ends)]
    fills = [max(0, size - len(one)) for size, one in zip(lengths, begun, strict=False)]
    split = max(0, len(rest) - sum(fills))
    late = iter(rest[split:])
    ordered: list[pytest.Item] = []
    for chain, fill in zip(begun, fills, strict=True):
        ordered += [*chain, *itertools.islice(late, fill)]
    return [*ordered, *itertools.chain(*chains[len(begun) :]), *late, *rest[:split]]


def _shares_a_stack(item: pytest.Item) -> bool:
    return "shared_stack" in getattr(item, "fixturenames", ())


@pytest.fixture(autouse=True)
def _own_broker_database(settings, worker_id):  # type: ignore[no-untyped-def]
    """Each process of a parallel run has a database of Redis to itself."""
    settings.REDIS_URL = own_broker(worker_id)


@pytest.fixture(autouse=True)
def _answered_as_documented(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """What a test's clients are answered is what the API's document says."""
    ask = APIClient.generic

    def asked(
        self: APIClient, method: str, path: str, data: Any = "", *rest: Any, **more: Any
    ) -> Any:
        answer = ask(self, method, path, data, *rest, **more)
        body, headers = answer.content, answer.headers
        documented.hold(
            method,
            f"{path}?{more.get('QUERY_STRING', '')}",
            answer.status_code,
            headers,
            body,
            data or b"",
        )
        return answer

    monkeypatch.setattr(APIClient, "generic", asked)
    yield
    if request.node.get_closest_marker("untrue_rows"):
        documented.PROBLEMS.clear()
    problems, documented.PROBLEMS[:] = list(documented.PROBLEMS), []
    assert problems == []


@pytest.fixture(autouse=True)
def _left_links_rest(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test linked at a shared stack is not polled beside all that follow."""
    shared = {"shared_stack", "shared_embedded_stack"} & set(request.fixturenames)
    stacks = [request.getfixturevalue(name) for name in shared]
    before = [len(stack.linked) for stack in stacks]
    yield
    for stack, count in zip(stacks, before, strict=True):
        stack.leave(stack.linked[count:])


@pytest.fixture(autouse=True)
def _no_fault_met(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test is told of a server's fault that the one before had this process meet."""
    monkeypatch.setattr(outages, "_own", {})


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite in a file, as an operator has it: in memory, threads meet other locks than there.

    PostgreSQL is emptied row by row: TRUNCATE makes the files of all tables and indexes anew, which
    takes longer than most tests do.
    """
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("db") / "sqlite3")
    else:
        connection.ops.sql_flush = _deletions  # type: ignore[method-assign]


def _deletions(_style: object, tables: list[str], **_: bool) -> list[str]:
    """In one trip and any order, as references are not looked at."""
    deleted = [f"DELETE FROM {connection.ops.quote_name(table)}" for table in tables]
    return [";".join(["SET LOCAL session_replication_role = replica", *deleted])] * bool(tables)


@pytest.fixture
def client() -> APIClient:
    """A client without a token."""
    return APIClient()


@pytest.fixture
def admin(db: None) -> APIClient:
    """A client with a token of its own."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.create('tests')[1]}")
    return client


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """A git server on loopback: `git http-backend` behind a small HTTP server."""
    with Forge(tmp_path_factory.mktemp("forge")) as running:
        yield running


@pytest.fixture
def repo(forge: Forge, tmp_path: Path) -> Repo:
    """A repository on the forge with a clone to commit from."""
    return forge.repository(tmp_path / "clone")


@pytest.fixture
def make_repo(forge: Forge, tmp_path: Path) -> Callable[[], Repo]:
    """As `repo`, for tests that need several."""
    count = iter(range(1000))
    return lambda: forge.repository(tmp_path / f"clone-{next(count)}")


@pytest.fixture(scope="session")
def _ssh_server(forge: Forge) -> Iterator[SSHForge]:
    with SSHForge(forge.root) as running:
        yield running


@pytest.fixture
def ssh_forge(_ssh_server: SSHForge) -> Iterator[SSHForge]:
    """The same repositories by ssh, well-behaved again when the test ends."""
    before = _ssh_server.host_key
    yield _ssh_server
    _ssh_server.behave()
    if _ssh_server.host_key is not before:
        _ssh_server.host_key = before
        _ssh_server.restart()
