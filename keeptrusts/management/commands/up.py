"""`manage.py up`: run all processes of the control plane under one parent."""

import fcntl
import io
import os
import shlex
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from keeptrusts import database, redis_client
from keeptrusts.env import web_url
from keeptrusts.processes import broker, inherited, misspelt, parts
from keeptrusts.processes.output import output
from keeptrusts.processes.process import restrict
from keeptrusts.processes.supervisor import Part, Supervisor, say
from keeptrusts.servers import failures

_START_SECONDS = 60.0
_BIN = Path(sys.executable).parent


class Command(BaseCommand):
    """Runs broker (embedded default only), web, events, workers and beat until a signal.

    A process that ends once all were up, or after a minute, is started again. One that ends
    before makes the command fail: its settings are wrong, or its port is taken.
    """

    help = "Run the control plane: web, events, workers, beat and, without REDIS_URL, a broker."
    # They are of the code alone, and would import every page and endpoint; this serves none.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        env = settings.ENV
        restrict()
        for line in (*misspelt.warnings(os.environ), *redis_client.warnings(env.redis_url)):
            say(line)
        lock = _lock(env.data_dir)
        _check_port(env.listen_host, env.listen_port, "KEEPTRUSTS_LISTEN")
        _check_port(env.events_host, env.events_port, "KEEPTRUSTS_EVENTS_LISTEN")
        # Wherever this was started, the children find the project, and the same data folder.
        fixed = {"KEEPTRUSTS_DATA_DIR": str(env.data_dir)}
        _note({})
        supervisor = Supervisor(
            cwd=settings.BASE_DIR,
            environment=inherited.by_ours(os.environ) | fixed,
            on_change=_note,
            on_start_again=_before_another_start,
        )
        try:
            connection.ensure_connection()  # Before there is a process to stop again.
            token = _prepare(supervisor)
            for part in parts_of(fixed):
                supervisor.start(part)
            if _wait_until_healthy(supervisor):
                _greet(token)
            supervisor.run()
        except Error as exc:
            raise CommandError(_refused(exc)) from exc
        except broker.BrokerError as exc:
            raise CommandError(str(exc)) from exc
        finally:
            supervisor.stop()
            os.close(lock)
            output.finish()
        say("stopped")
        output.finish()


def _refused(exc: Error) -> str:
    """One line for a database that cannot be used, with the setting that names it."""
    failure = failures.of(exc)
    what = failure.message if failure else "The database cannot be prepared."
    return f"{_named()}: {what} It says: {' '.join(str(exc).split())}"


def _named() -> str:
    """The setting by which the database is found."""
    return "DATABASE_URL" if settings.ENV.database_url else "KEEPTRUSTS_DATA_DIR"


def _lock(data_dir: Path) -> int:
    """Lock the data folder until this process ends, `kill -9` included."""
    fd = os.open(data_dir / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        pid = os.read(fd, 20).decode().strip() or "unknown"
        raise CommandError(
            f"Keeptrusts already runs on {data_dir} (process {pid}). Stop it first, or choose"
            " another KEEPTRUSTS_DATA_DIR and KEEPTRUSTS_LISTEN."
        ) from exc
    os.truncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def _check_port(host: str, port: int, name: str) -> None:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as exc:
        raise CommandError(
            f"cannot listen on {host}:{port}: {exc.strerror}; set {name}=HOST:PORT"
        ) from exc


def _prepare(supervisor: Supervisor) -> str:
    """Start the broker, migrate, make the first token; returns a line with the token's place."""
    env = settings.ENV
    if not env.redis_url:
        path = env.data_dir / "redis.sock"
        command = broker.command(env.data_dir, path)
        supervisor.start(Part("broker", command, 5, inherited.by_others(os.environ)))
    broker.wait_until_ready(settings.REDIS_URL)
    if _unmigrated():
        say("preparing the database…")
        with database.alone():
            call_command("migrate", interactive=False, verbosity=0)
    # With another KEEPTRUSTS_SECRET_KEY than the database's, nothing is sealed, signed or run.
    call_command("check_signing_key")
    _forget_claims()
    return str(call_command("first_token", stdout=io.StringIO()))


def _forget_claims() -> None:
    """End the claims of dead workers, where the lock proves that no other workers exist."""
    if not settings.ENV.database_url and not settings.ENV.redis_url:
        call_command("forget_claims")


def _before_another_start(name: str) -> None:
    """End claims that nobody works on, which would otherwise last until their leases end."""
    if name not in ("poller", "syncer", "broker"):
        return
    try:
        _forget_claims()
    except Error as exc:
        say(f"claims of the {name} stay until their leases end: {exc}")
    finally:
        connection.close()


def _note(down: Mapping[str, str]) -> None:
    try:
        parts.write(down)
    except OSError as exc:
        say(f"/healthz cannot show which parts are down: {exc.strerror}")


def _unmigrated() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def parts_of(fixed: Mapping[str, str]) -> list[Part]:
    """The parts but the broker; `fixed` are settings that the parent read for them."""
    threads = settings.POLLS_AT_ONCE + 4  # More than polls at once, so that ticks run.
    of_web = {**inherited.by_web(os.environ), **fixed}
    celery = [str(_BIN / "celery"), "-A", "keeptrusts.celery", "--quiet"]
    return [
        # Apart, so that slow syncs hold up neither ticks nor polls.
        Part("syncer", [*celery, *_worker("sync,preview", "prefork", 4)], grace_seconds=12),
        # Threads: hundreds of calls wait in one process, on connections that all of them share.
        Part("poller", [*celery, *_worker("tick", "threads", threads)], grace_seconds=6),
        Part("web", [sys.executable, "-m", "keeptrusts.serving.web"], 10, of_web),
        # What gateways ask, their event streams included.
        Part("events", [sys.executable, "-m", "gateways.push.server"], grace_seconds=8),
        Part("beat", [*celery, "beat", "--loglevel", "INFO"], grace_seconds=5),
    ]


def _worker(queues: str, pool: str, size: int) -> list[str]:
    return [
        "worker", "--queues", queues, "--pool", pool, "--concurrency", str(size),
        "--hostname", f"{queues.partition(',')[0]}@%h",
        "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO",
    ]  # fmt: skip


def _wait_until_healthy(supervisor: Supervisor) -> bool:
    until = time.monotonic() + _START_SECONDS
    notice_at = time.monotonic() + 2
    while time.monotonic() < until and not supervisor.ending:
        if how := supervisor.dead():
            raise CommandError(f"{how} before everything was up; see its lines above")
        if _healthy():
            return True
        if time.monotonic() > notice_at:
            say("waiting for web, events, worker and beat…")
            notice_at = until
        time.sleep(0.1)
    if not supervisor.ending:
        say(f"some parts are not up after {_START_SECONDS:g} s; see {_base_url()}/healthz")
    return False


def _healthy() -> bool:
    env = settings.ENV
    events = web_url(env.events_host, env.events_port)
    return _answers(f"{_base_url()}/healthz") and _answers(f"{events}/readyz")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _base_url() -> str:
    return web_url(settings.ENV.listen_host, settings.ENV.listen_port)


def _greet(token: str) -> None:
    say(
        "Keeptrusts is up.\n"
        f"  API:    {_base_url()}/v1\n"
        f"  Token:  {token}\n"
        f"{_login(token)}"
        "  Stop:   Ctrl-C, or SIGTERM to this process"
    )


def _login(token: str) -> str:
    """The command that logs in with the first token, where its file has it."""
    path = settings.ENV.data_dir / "admin-token"
    if str(path) not in token:
        return ""
    kt, file = (shlex.quote(_from_here(one)) for one in (_BIN / "kt", path))
    return f"  Log in: {kt} login {_base_url()} --token-file {file}\n"


def _from_here(path: Path) -> str:
    """A path as it may be typed in the working directory."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
