"""Supervisor of child processes: prefixed logs, restarts, and an ordered end."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TypeVar, Union

from keeptrusts.parent.forked import ForkedProcess, ForkServer, Start
from keeptrusts.parent.output import output
from keeptrusts.processes.process import die_with_parent

_Told = TypeVar("_Told")
_Process = Union["subprocess.Popen[bytes]", ForkedProcess]

_LOOK_SECONDS = 0.2
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_WELL_SECONDS = 60.0
# What is killed is gone in a moment; where nobody buries the dead, they are not waited for.
_GONE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Program:
    """What a part runs that is none of ours: a command, in an environment of its own."""

    command: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Function:
    """What a part runs that is ours, forked from a process which has imported it.

    `name` is `module:function`; `environment` is what it has beside that of all.
    """

    name: str
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """A child process. `grace_seconds` is the time it has to end before it is killed."""

    name: str
    runs: Program | Function
    grace_seconds: float


def next_pause(last_seconds: float, ran_seconds: float) -> float:
    """The pause before a part that ended starts again.

    It doubles each time, from 0.5 s to 30 s, and begins anew once the part ran for a minute.
    """
    if ran_seconds >= _WELL_SECONDS:
        return _FIRST_PAUSE_SECONDS
    return min(max(_FIRST_PAUSE_SECONDS, 2 * last_seconds), _LONGEST_PAUSE_SECONDS)


class _Child:
    """A part with its present process, if any, and the time of its next start."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.process: _Process | None = None
        self.started_at = self.due_at = time.monotonic()
        self.pause_seconds = 0.0
        self.wrong = ""

    def ended(self, how: str) -> None:
        """Record that the process ended, or could not start, and plan the next start."""
        now = time.monotonic()
        self.process = None
        self.pause_seconds = next_pause(self.pause_seconds, now - self.started_at)
        self.due_at = now + self.pause_seconds
        self.wrong = f"It {how}; it will be started again."


class Supervisor:
    """Runs parts until a signal ends them.

    Those that are functions are of the modules in `shared`.

    A part that ends is started again after a pause, and the others go on. `on_start_again` is
    called with its name before that. `on_change` is called with the problems of parts that do
    not run, by name, whenever these change. What they raise is printed, and ends nothing.
    """

    def __init__(
        self,
        *,
        cwd: Path,
        environment: Mapping[str, str],
        shared: Sequence[str] = (),
        on_change: Callable[[Mapping[str, str]], None] = lambda _: None,
        on_start_again: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._cwd = cwd
        self._environment = environment
        self._on_change = on_change
        self._on_start_again = on_start_again
        self._children: list[_Child] = []
        self._forks = ForkServer(self._launched_server, shared)
        self._asked = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    @property
    def ending(self) -> bool:
        """Whether a signal to end has come."""
        return self._asked > 0

    def forked(self, name: str, function: Function) -> ForkedProcess:
        """A process that runs a function, and is no part: the caller reads what it prints.

        Raises:
            OSError: there can be none.
        """
        return self._forks.fork(
            Start(name, function.name, tuple(function.arguments), function.environment)
        )

    def start(self, part: Part) -> None:
        """Start a part for the first time.

        Raises:
            OSError: its command cannot be run.
        """
        child = _Child(part)
        child.process = self._spawn(part)
        self._children.append(child)

    def dead(self) -> str:
        """A part that ended by itself, and how, in words; empty when none did."""
        for child in self._children:
            if child.process is not None and (how := _how_ended(child.process)):
                return f"{child.part.name} {how}"
        return ""

    def run(self) -> None:
        """Keep every part running until a signal to end comes."""
        while not self.ending:
            if [child for child in self._children if self._look(child)]:
                self._tell()
            time.sleep(_LOOK_SECONDS)

    def stop(self) -> None:
        """End the parts, last started first, each within its grace; a second signal kills them."""
        while self._children:
            child = self._children.pop()
            if child.process is not None:
                self._end(child.process, child.part.grace_seconds)
        self._forks.end()

    def _look(self, child: _Child) -> bool:
        """Notice that a part ended, or start one that is due; True if either happened."""
        if child.process is None:
            return child.due_at <= time.monotonic() and self._start_again(child)
        how = _how_ended(child.process)
        if how:
            _sweep(child.process)
            child.ended(how)
            say(f"{child.part.name} {how}; next start in {child.pause_seconds:g} s")
        return bool(how)

    def _start_again(self, child: _Child) -> bool:
        self._call(self._on_start_again, child.part.name)
        child.started_at = time.monotonic()
        try:
            child.process = self._spawn(child.part)
        except OSError as exc:
            child.ended(f"cannot be started: {exc.strerror}")
            say(f"{child.part.name} cannot be started: {exc}")
            return True
        child.wrong = ""
        say(f"{child.part.name} started again")
        return True

    def _tell(self) -> None:
        down = {child.part.name: child.wrong for child in self._children if child.wrong}
        self._call(self._on_change, down)

    def _call(self, told: Callable[[_Told], None], what: _Told) -> None:
        """Call who gave this supervisor its parts. Whatever fails there, the parts go on."""
        try:
            told(what)
        except Exception as exc:  # noqa: BLE001
            # The outermost caller: nobody else would keep the parts running.
            name = getattr(told, "__name__", "a call")
            say(f"{name.strip('_')} failed, and the parts go on: {type(exc).__name__}: {exc}")

    def _spawn(self, part: Part) -> _Process:
        """Start a child in a session of its own, so that Ctrl-C reaches the parent alone."""
        process: _Process
        if isinstance(part.runs, Function):
            process = self.forked(part.name, part.runs)
        else:
            process = self._launched(part.runs.command, part.runs.environment)
        _relayed(part.name, process)
        return process

    def _launched_server(self, command: Sequence[str], control: int) -> "subprocess.Popen[bytes]":
        process = self._launched(command, self._environment, control)
        _relayed("forks", process)
        return process

    def _launched(
        self, command: Sequence[str], environment: Mapping[str, str], *inherited: int
    ) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command,
            cwd=self._cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,
            pass_fds=inherited,
        )

    def _end(self, process: _Process, grace_seconds: float) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        until = time.monotonic() + grace_seconds
        while process.poll() is None and time.monotonic() < until and self._asked < 2:
            time.sleep(0.05)
        _sweep(process)
        process.wait()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked += 1


def say(line: str) -> None:
    """Print a line at once. A log that cannot be written ends nothing."""
    output.say(line)


def _how_ended(process: _Process) -> str:
    """The way in which a process ended, in words; empty while it runs."""
    status = process.poll()
    if status is None:
        return ""
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"


def _sweep(process: _Process) -> None:
    """Kill a child's process group, if anything is left of it, and wait until it is gone."""
    until = time.monotonic() + _GONE_SECONDS
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        # Whoever is killed has its port for a moment longer.
        while time.monotonic() < until:
            os.killpg(process.pid, 0)
            time.sleep(0.01)


def _relayed(name: str, process: _Process) -> None:
    """Have what a process prints printed here, with a name before each line."""
    threading.Thread(target=_relay, args=(name, process), daemon=True).start()


def _relay(name: str, process: _Process) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            output.relay(name, line)
