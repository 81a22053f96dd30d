"""The faults of PostgreSQL and of Redis: how each begins and ends, and what goes on beside it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass

import psycopg
import redis

from tests.faults.world import World

DATABASE, BROKER = "database", "broker"


@dataclass(frozen=True)
class Fault:
    """A fault of one server, during which the API answers within `answer_seconds`.

    `told` is the check of `/healthz` that names it, empty for one that nobody is told of.
    `reads`, `writes`: the API goes on with them. `moves`: what is pushed meanwhile comes into
    force. `is_noted`: health goes on telling of it for a while. `own`: it takes a PostgreSQL of its
    own.
    """

    name: str
    server: str
    lasting: Callable[[World], AbstractContextManager[None]]
    told: str = ""
    reads: bool = False
    writes: bool = False
    moves: bool = False
    answer_seconds: float = 5.0
    is_noted: bool = False
    own: bool = False


@contextmanager
def _swallowed(line_of: Callable[[World], "object"], how: str, world: World) -> Iterator[None]:
    line = line_of(world)
    begin = getattr(line, how)
    if how == "slow":
        begin(0.1)
    else:
        begin()
    try:
        yield
    finally:
        line.mend()  # type: ignore[attr-defined]


def _line(server: str, how: str) -> Callable[[World], AbstractContextManager[None]]:
    def line_of(world: World) -> object:
        return world.to_database if server == DATABASE else world.to_broker

    return lambda world: _swallowed(line_of, how, world)


def _failing(code: str) -> Callable[[World], AbstractContextManager[None]]:
    """Every statement that writes fails with an SQLSTATE."""

    @contextmanager
    def lasting(world: World) -> Iterator[None]:
        world.sql("INSERT INTO fault VALUES (%s)", code)
        try:
            yield
        finally:
            world.sql("DELETE FROM fault")

    return lasting


def _altered(begin: str, end: str) -> Callable[[World], AbstractContextManager[None]]:
    """A setting of PostgreSQL, which new connections meet; there are no others."""

    @contextmanager
    def lasting(world: World) -> Iterator[None]:
        world.sql(begin)
        world.terminate()
        try:
            yield
        finally:
            world.sql(end)
            world.terminate()

    return lasting


def _repeated(
    act: Callable[[World], None], seconds: float
) -> Callable[[World], AbstractContextManager[None]]:
    """Something that happens again and again."""

    @contextmanager
    def lasting(world: World) -> Iterator[None]:
        over = threading.Event()

        def repeat() -> None:
            while not over.wait(seconds):
                act(world)

        thread = threading.Thread(target=repeat)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    return lasting


@contextmanager
def _locked(world: World) -> Iterator[None]:
    """Somebody holds the tables that polls and edits write."""
    with psycopg.connect(world.database) as connection:
        connection.execute("LOCK TABLE gitrepos_remote, configurations_configuration")
        yield


@contextmanager
def _killed_database(world: World) -> Iterator[None]:
    assert world.postgres is not None
    world.postgres.end(signal.SIGKILL)
    try:
        yield
    finally:
        world.postgres.start()


@contextmanager
def _frozen_database(world: World) -> Iterator[None]:
    """The server and each of its processes."""
    assert world.postgres is not None
    pids = world.postgres.pids()
    _signal(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(pids, signal.SIGCONT)


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@contextmanager
def _frozen_broker(world: World) -> Iterator[None]:
    _signal(world.broker.pids(), signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(world.broker.pids(), signal.SIGCONT)


@contextmanager
def _killed_broker(world: World) -> Iterator[None]:
    """It is empty when it is back."""
    world.broker.end(signal.SIGKILL)
    try:
        yield
    finally:
        world.broker.start()


def _configured(
    begin: tuple[str, ...], end: tuple[str, ...], *, afresh: bool = False
) -> Callable[[World], AbstractContextManager[None]]:
    """A command to Redis; with `afresh` only new connections meet it, and there are no others."""

    @contextmanager
    def lasting(world: World) -> Iterator[None]:
        with world.redis() as client:
            client.execute_command(*begin)
            if afresh:
                client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            try:
                yield
            finally:
                client.execute_command(*end)

    return lasting


@contextmanager
def _busy_broker(world: World) -> Iterator[None]:
    """A script of somebody's runs, and everything else is refused."""

    def run() -> None:
        with world.redis() as client, suppress(redis.RedisError):
            client.eval("while true do end", 0)

    with world.redis() as client:
        client.config_set("lua-time-limit", 10)
        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(0.1)
        try:
            yield
        finally:
            client.script_kill()
            thread.join()


def _flush(world: World) -> None:
    with world.redis() as client:
        client.flushall()


def _on_database(
    name: str, how: Callable[[World], AbstractContextManager[None]], **more: object
) -> Fault:
    return Fault(name, DATABASE, how, **more)  # type: ignore[arg-type]


def _on_broker(
    name: str, how: Callable[[World], AbstractContextManager[None]], told: str = "broker"
) -> Fault:
    """The API goes on beside whatever a broker does, and so do polls and streams."""
    return Fault(name, BROKER, how, told=told, reads=True, writes=True, moves=True)


_CONFIG = ("CONFIG", "SET")
FAULTS = (
    _on_database("silent", _line(DATABASE, "swallow"), told="database"),
    _on_database("forgotten", _line(DATABASE, "forget"), told="database"),
    _on_database("cut", _line(DATABASE, "cut"), told="database"),
    _on_database("slow", _line(DATABASE, "slow"), reads=True, writes=True),
    _on_database(
        "read-only",
        _altered(
            "ALTER DATABASE {name} SET default_transaction_read_only = on",
            "ALTER DATABASE {name} RESET default_transaction_read_only",
        ),
        told="writes",
        reads=True,
    ),
    _on_database("full", _failing("53100"), told="writes", reads=True, is_noted=True),
    _on_database("without-memory", _failing("53200"), reads=True),
    _on_database("not-serializable", _failing("40001"), reads=True),
    _on_database("deadlocked", _failing("40P01"), reads=True),
    _on_database("too-late", _failing("57014"), reads=True),
    _on_database("broken-disk", _failing("58030"), told="writes", reads=True, is_noted=True),
    _on_database("forbidden", _failing("42501"), told="writes", reads=True, is_noted=True),
    _on_database(
        "crowded",
        _altered("ALTER ROLE {role} CONNECTION LIMIT 0", "ALTER ROLE {role} CONNECTION LIMIT -1"),
        told="database",
    ),
    _on_database(
        "refusing",
        _altered("ALTER ROLE {role} NOLOGIN", "ALTER ROLE {role} LOGIN"),
        told="database",
    ),
    _on_database("terminated", _repeated(World.terminate, 0.5)),
    _on_database("cancelled", _repeated(World.cancel, 0.05)),
    # The server works on it, and so does nobody give up before a statement's time is over.
    _on_database("locked", _locked, answer_seconds=16.0),
    _on_database("killed", _killed_database, told="database", own=True),
    _on_database("frozen", _frozen_database, told="database", own=True),
    _on_broker("silent", _line(BROKER, "swallow")),
    _on_broker("forgotten", _line(BROKER, "forget")),
    _on_broker("cut", _line(BROKER, "cut")),
    _on_broker("slow", _line(BROKER, "slow"), told=""),
    _on_broker("full", _configured((*_CONFIG, "maxmemory", "1"), (*_CONFIG, "maxmemory", "0"))),
    _on_broker(
        "read-only", _configured(("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"))
    ),
    _on_broker(
        "without-replicas",
        _configured(
            (*_CONFIG, "min-replicas-to-write", "1"), (*_CONFIG, "min-replicas-to-write", "0")
        ),
    ),
    _on_broker(
        "refusing",
        _configured(
            (*_CONFIG, "requirepass", "secret"), (*_CONFIG, "requirepass", ""), afresh=True
        ),
    ),
    _on_broker(
        "forbidding",
        _configured(
            ("ACL", "SETUSER", "default", "-@write"), ("ACL", "SETUSER", "default", "+@all")
        ),
    ),
    _on_broker(
        "crowded",
        _configured((*_CONFIG, "maxclients", "1"), (*_CONFIG, "maxclients", "1000"), afresh=True),
    ),
    _on_broker("busy", _busy_broker),
    _on_broker("flushed", _repeated(_flush, 0.3), told=""),
    _on_broker("killed", _killed_broker),
    _on_broker("frozen", _frozen_broker),
)
