"""Child processes under one parent: prefixed logs, one dies and all stop, an ordered end."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from keeptrusts.processes.process import die_with_parent

_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Part:
    """One child. `grace_seconds` is how long it may take to end before it is killed."""

    name: str
    command: Sequence[str]
    grace_seconds: float


class Supervisor:
    """Runs parts until one of them ends or a signal asks for the end."""

    def __init__(self, *, cwd: Path, environment: Mapping[str, str]) -> None:
        self._cwd = cwd
        self._environment = environment
        self._running: list[tuple[Part, subprocess.Popen[bytes]]] = []
        self._asked = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    @property
    def ending(self) -> bool:
        """Whether a signal asked for the end."""
        return self._asked > 0

    def start(self, part: Part) -> None:
        """Start a child in a session of its own, so that Ctrl-C reaches this process alone."""
        process = subprocess.Popen(
            part.command,
            cwd=self._cwd,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        threading.Thread(target=_relay, args=(part.name, process), daemon=True).start()
        self._running.append((part, process))

    def dead(self) -> Part | None:
        """The first part that ended by itself."""
        return next((part for part, process in self._running if process.poll() is not None), None)

    def run(self) -> int:
        """Wait for the end, stop everything, return the exit status: 0 if it was asked for."""
        while not self.ending:
            if ended := self.dead():
                say(f"{ended.name} ended by itself; stopping everything")
                break
            time.sleep(_LOOK_SECONDS)
        self.stop()
        return 0 if self.ending else 1

    def stop(self) -> None:
        """End the parts, last started first, each with its grace; a second signal cuts it short."""
        while self._running:
            part, process = self._running.pop()
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            until = time.monotonic() + part.grace_seconds
            while process.poll() is None and time.monotonic() < until and self._asked < 2:
                time.sleep(0.05)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # What is left of its group, if anything.
            process.wait()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked += 1


def say(line: str) -> None:
    """Tell the person at the terminal."""
    print(line, flush=True)


def _relay(name: str, process: "subprocess.Popen[bytes]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        sys.stdout.buffer.write(f"{name:<6} | ".encode() + line)
        sys.stdout.buffer.flush()
