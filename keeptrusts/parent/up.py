"""The parent of all processes of the control plane: `manage.py up`.

It imports neither Django nor what needs it: its children have these in memory once, together.
"""

import os
import shlex
import socket
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from keeptrusts.env import reading
from keeptrusts.env.addresses import web_url
from keeptrusts.env.errors import EnvError
from keeptrusts.env.reading import Env
from keeptrusts.parent import broker, folder, inherited, misspelt, roles
from keeptrusts.parent.looking import Looks, answers, looks
from keeptrusts.parent.output import output
from keeptrusts.parent.roles import Counts, RolesError
from keeptrusts.parent.supervisor import Function, Part, Program, Supervisor, say
from keeptrusts.processes import alive, parts
from keeptrusts.processes.process import restrict

if TYPE_CHECKING:
    from keeptrusts.parent.readiness import Readiness

_ROOT = Path(__file__).resolve().parents[2]
_BIN = Path(sys.executable).parent
_START_SECONDS = 60.0
# Threads wait for one lock most of the time: heaps of their own would be memory alone.
_ARENAS = "2"
_PREPARING = "keeptrusts.parent.preparing"
_SHARED = (roles.WEB, roles.STREAMS, roles.WORKERS, _PREPARING, "keeptrusts.urls")


class StartError(Exception):
    """The control plane cannot start; the message says what to change."""


def main(arguments: Sequence[str]) -> int:
    """Run broker (embedded default only) and the roles that are asked for until a signal.

    A process that ends once all were up, or after a minute, is started again. One that ends
    before makes the start fail: its settings are wrong, or its port is taken. Returns the exit
    status.
    """
    restrict()
    try:
        counts = roles.asked(arguments)
        env = reading.read(os.environ)
    except (EnvError, RolesError) as exc:
        return _failed(f"keeptrusts: {exc}")
    output.as_json = env.log_format == "json"
    for line in misspelt.warnings(os.environ):
        say(line)
    try:
        _run(env, counts)
    except (StartError, broker.BrokerError, folder.InUseError) as exc:
        output.finish()
        return _failed(f"CommandError: {exc}")
    say("stopped")
    output.finish()
    return 0


def _failed(line: str) -> int:
    print(line, file=sys.stderr)
    return 1


def _run(env: Env, counts: Counts) -> None:
    if counts.keys() != roles.ALL.keys() and not (env.database_url and env.redis_url):
        raise StartError(
            "--only: the other roles run on other machines, and all share a database and a"
            " broker; set DATABASE_URL and REDIS_URL, or leave --only out"
        )
    with folder.locked(env.data_dir):
        if "web" in counts:
            _check_port(env.listen_host, env.listen_port, "KEEPTRUSTS_LISTEN")
        if "streams" in counts:
            _check_port(env.events_host, env.events_port, "KEEPTRUSTS_EVENTS_LISTEN")
        if env.ready_port:
            _check_port(env.ready_host, env.ready_port, "KEEPTRUSTS_READY_LISTEN")
        parent = _Parent(env, counts)
        try:
            parent.prepare()
            parent.start()
            parent.run()
        finally:
            parent.stop()


class _Parent:
    """The supervisor of the parts, and what it does before one starts."""

    def __init__(self, env: Env, counts: Counts = roles.ALL) -> None:
        self._env = env
        self._counts = counts
        self._parts = roles.parts(counts, os.environ)
        self._looks = looks(self._parts, env)
        self._token = ""
        self._readiness: Readiness | None = None
        # Wherever this was started, the children find the project, and the same data folder.
        fixed = {"KEEPTRUSTS_DATA_DIR": str(env.data_dir), "MALLOC_ARENA_MAX": _ARENAS}
        self._supervisor = Supervisor(
            cwd=_ROOT,
            environment=inherited.by_ours(os.environ) | fixed,
            shared=_SHARED,
            on_change=self._note,
            on_start_again=self._before_another_start,
        )
        self._note({})

    def prepare(self) -> None:
        """Start the broker, migrate, make the first token.

        Raises:
            StartError: the database, or the broker, cannot be used.
        """
        self._told("look")  # Before there is a broker, whose lines would hide what is wrong.
        if not self._env.redis_url:
            command = broker.command(self._env.data_dir, self._env.data_dir / "redis.sock")
            environment = inherited.by_others(os.environ)
            self._supervisor.start(Part("broker", Program(command, environment), grace_seconds=5))
        self._token = self._done("prepare", inherited.by_first_token(os.environ))

    def start(self) -> None:
        """Start all other parts, and wait until they are up.

        Raises:
            StartError: one ended before that.
        """
        self._begin_signs()
        for part in self._parts:
            try:
                self._supervisor.start(part)
            except OSError as exc:
                raise StartError(f"{part.name} cannot be started: {exc.strerror}") from exc
        self._readiness = self._answering()
        looks = self._looks
        if self._counts.keys() == roles.ALL.keys():  # Together they may look at the whole.
            web = partial(answers, self._env.listen_host, self._env.listen_port, "/healthz")
            looks = {**looks, "all": web}
        if wait_until_ready(self._supervisor, looks):
            self._greet()

    def run(self) -> None:
        """Keep them running until a signal to end comes."""
        self._supervisor.run()

    def stop(self) -> None:
        """End them."""
        if self._readiness is not None:
            self._readiness.end()
        self._supervisor.stop()

    def _begin_signs(self) -> None:
        try:
            alive.begin(self._env.data_dir)
        except OSError as exc:
            raise StartError(
                f"KEEPTRUSTS_DATA_DIR: {exc.filename} cannot be used: {exc.strerror}"
            ) from exc

    def _answering(self) -> "Readiness | None":
        """What answers probes, where an address is set for it."""
        if not self._env.ready_port:
            return None
        # Imported where it is wanted: an HTTP server is a fifth of this process's memory.
        from keeptrusts.parent.readiness import Readiness

        readiness = Readiness(self._env.ready_host, self._env.ready_port, self._looks)
        readiness.start()
        return readiness

    def _told(self, function: str) -> None:
        """Have a function of `preparing` done, and print all that it prints."""
        if last := self._done(function, {}):
            say(last)

    def _done(self, function: str, environment: Mapping[str, str]) -> str:
        """The last line that a function of `preparing` prints; the others are printed at once."""
        shown = ("shown",) if sys.stdout.isatty() else ()
        call = Function(f"{_PREPARING}:{function}", shown, environment)
        try:
            process = self._supervisor.forked("preparation", call)
        except OSError as exc:
            raise StartError(str(exc.strerror)) from exc
        with process.stdout as lines:
            last = _said_but_the_last(lines)
        if process.wait() != 0:
            raise StartError(last or "the database cannot be prepared")
        return last

    def _before_another_start(self, name: str) -> None:
        """End claims that nobody works on, which would otherwise last until their leases end."""
        if roles.role_of(name) in ("poller", "syncer", "broker"):
            try:
                self._told("forget_claims")
            except StartError as exc:
                say(f"claims of the {name} stay until their leases end: {exc}")

    def _note(self, down: Mapping[str, str]) -> None:
        try:
            parts.write(self._env.data_dir, down)
        except OSError as exc:
            say(f"/healthz cannot show which parts are down: {exc.strerror}")

    def _greet(self) -> None:
        if self._counts.keys() != roles.ALL.keys():
            told = ", ".join(part.name for part in self._parts)
            say(f"Keeptrusts is up here: {told}.\n  Stop:   Ctrl-C, or SIGTERM to this process")
            return
        say(
            "Keeptrusts is up.\n"
            f"  API:    {_base(self._env)}/v1\n"
            f"  Token:  {self._token}\n"
            f"{self._login()}"
            "  Stop:   Ctrl-C, or SIGTERM to this process"
        )

    def _login(self) -> str:
        """The command that logs in with the first token, where its file has it."""
        path = self._env.data_dir / "admin-token"
        if str(path) not in self._token:
            return ""
        kt, file = (shlex.quote(_from_here(one)) for one in (_BIN / "kt", path))
        return f"  Log in: {kt} login {_base(self._env)} --token-file {file}\n"


def wait_until_ready(supervisor: Supervisor, looks: Looks) -> bool:
    """Wait until each look is true; False where a signal came first, or a minute has passed.

    Raises:
        StartError: a part ended.
    """
    until = time.monotonic() + _START_SECONDS
    notice_at = time.monotonic() + 2
    waiting = dict(looks)
    while time.monotonic() < until and not supervisor.ending:
        if how := supervisor.dead():
            raise StartError(f"{how} before everything was up; see its lines above")
        waiting = {name: look for name, look in waiting.items() if not look()}
        if not waiting:
            return True
        if time.monotonic() > notice_at:
            say(f"waiting for {', '.join(name for name in looks if name != 'all')}…")
            notice_at = until
        time.sleep(0.1)
    if not supervisor.ending:
        say(f"not up after {_START_SECONDS:g} s: {', '.join(waiting)}")
    return False


def _base(env: Env) -> str:
    return web_url(env.listen_host, env.listen_port)


def _check_port(host: str, port: int, name: str) -> None:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as exc:
        raise StartError(
            f"cannot listen on {host}:{port}: {exc.strerror}; set {name}=HOST:PORT"
        ) from exc


def _said_but_the_last(lines: Iterable[bytes]) -> str:
    last = ""
    for line in lines:
        if last:
            say(last)
        last = line.decode(errors="replace").rstrip("\n")
    return last


def _from_here(path: Path) -> str:
    """A path as it may be typed in the working directory."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
