"""Parts that end are started again. How the real ones do is in tests/acceptance."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from keeptrusts.parent import supervisor, up
from keeptrusts.parent.output import Output
from keeptrusts.parent.supervisor import Part, Program, Supervisor, next_pause
from tests.support.stack import descendants, wait_for

BRIEF, WELL = 1.0, 60.0
Down = Mapping[str, str]


@pytest.mark.parametrize(
    ("spans", "pauses"),
    [
        ([BRIEF], [0.5]),
        ([BRIEF] * 9, [0.5, 1, 2, 4, 8, 16, 30, 30, 30]),
        ([BRIEF, BRIEF, WELL, BRIEF], [0.5, 1, 0.5, 1]),
        ([WELL] * 3, [0.5] * 3),
        ([0.0] * 2000, [0.5, 1, 2, 4, 8, 16] + [30] * 1994),
    ],
    ids=["once", "again and again", "well between", "well each time", "for days"],
)
def test_the_pause_grows_until_a_part_was_well(spans: list[float], pauses: list[float]) -> None:
    """It doubles up to half a minute."""
    pause, found = 0.0, []
    for span in spans:
        pause = next_pause(pause, span)
        found.append(pause)

    assert found == pauses


class Family:
    """A supervisor in this process, and what it told."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.told: list[Down] = []
        self.until: Callable[[], bool] = lambda: False
        self.environment = {**os.environ, "LOG": str(self.log)}
        self.parent = Supervisor(cwd=folder, environment=self.environment, on_change=self._note)

    def start(self, name: str, script: str) -> None:
        """A part that is a line of shell; it notes each start."""
        command = ["sh", "-c", f'echo {name} >>"$LOG"; {script}']
        self.parent.start(Part(name, Program(command, self.environment), grace_seconds=5))

    def run(self, until: Callable[[], bool]) -> None:
        """Run until something is so; then a signal asks for the end."""
        self.until = until
        self.parent.run()
        self.parent.stop()

    def starts(self, name: str) -> int:
        """How often a part was started."""
        return self.log.read_text().split().count(name)

    def _note(self, down: Down) -> None:
        self.told.append(dict(down))
        if self.until():
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Family]:
    """One that looks often, makes short pauses and prints to where its test reads."""
    monkeypatch.setattr(supervisor, "output", Output())
    monkeypatch.setattr(supervisor, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE_SECONDS", 0.01)
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield Family(tmp_path)
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_a_part_that_ends_is_started_again(family: Family) -> None:
    """The others go on, and each change is told."""
    family.start("well", "exec sleep 600")
    family.start("ill", "exit 3")

    family.run(lambda: len(family.told) == 6)

    assert family.told == [{"ill": "It ended with status 3; it will be started again."}, {}] * 3
    assert family.starts("well") == 1
    assert family.starts("ill") >= 3


@pytest.mark.parametrize("error", [OSError(28, "full"), ValueError("odd"), CommandError("no")])
def test_what_its_callers_raise_ends_no_part(
    tmp_path: Path, family: Family, error: Exception, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is printed, the part that ended is started again, and the others go on."""

    def fail(_: object) -> None:
        family.told.append({})
        if len(family.told) == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        raise error

    family.parent = Supervisor(
        cwd=tmp_path,
        environment={**os.environ, "LOG": str(family.log)},
        on_change=fail,
        on_start_again=fail,
    )
    family.start("well", "exec sleep 600")
    family.start("ill", "exit 3")

    family.run(lambda: True)

    assert family.starts("well") == 1
    assert family.starts("ill") > 1  # The last may be ended before it notes its start.
    supervisor.output.finish()
    assert f"{type(error).__name__}: {error}" in capfd.readouterr().out


def test_the_end_may_be_asked_for_while_a_part_waits(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not started any more, and the others end in order."""
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE_SECONDS", 600)
    family.start("well", "exec sleep 600")
    family.start("ill", "kill -9 $$")

    family.run(lambda: True)

    assert family.told == [{"ill": "It was ended by signal 9; it will be started again."}]
    assert family.starts("ill") == 1
    assert not [line for line in descendants(os.getpid()).values() if line == "sleep 600"]


def test_a_part_that_cannot_be_started_is_tried_again(family: Family, tmp_path: Path) -> None:
    """Its program is gone, or the system has no process to spare."""
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\nrm "$0"\n')
    program.chmod(0o700)
    family.parent.start(Part("gone", Program([str(program)], {}), grace_seconds=5))

    family.run(lambda: len(family.told) == 3)

    missing = "It cannot be started: No such file or directory; it will be started again."
    assert family.told[1:] == [{"gone": missing}] * 2


def test_what_a_part_leaves_behind_is_ended_before_its_next_start(family: Family) -> None:
    """It may have the port."""
    family.start("ill", 'sleep 601 & echo "$!" >>"$LOG"; exit 1')

    family.run(lambda: family.starts("ill") == 2)

    assert "sleep 601" not in descendants(os.getpid()).values()
    left = [int(word) for word in family.log.read_text().split() if word.isdecimal()]
    assert len(left) == 2
    assert not [pid for pid in left if "sleep" in _line(pid)]


def _line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_a_part_that_ends_before_all_were_up_ends_the_start(family: Family) -> None:
    """With its name and how it ended: its settings are wrong."""
    family.start("ill", "exit 3")
    wait_for(family.parent.dead)

    with pytest.raises(up.StartError, match="ill ended with status 3 before everything was up"):
        up.wait_until_ready(family.parent, {"ill": lambda: False})

    family.parent.stop()


def test_a_log_that_cannot_be_written_ends_nothing(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk: what the parts print is read on, and they are started again."""
    with contextlib.suppress(OSError), open("/dev/full", "w") as full:
        monkeypatch.setattr("sys.stdout", full)
        family.start("talks", "seq 100000; exit 3")

        family.run(until=lambda: family.starts("talks") > 1)
        for thread in threading.enumerate():
            if thread.name.endswith("(_relay)"):
                thread.join()

    assert family.starts("talks") > 1


def test_a_log_that_nobody_reads_stops_nothing(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a terminal that is held: its parts go on, and it is told how much was left out."""
    lines = Output(most=100)
    monkeypatch.setattr(supervisor, "output", lines)
    reader, writer = os.pipe()
    with open(reader, "rb") as held, open(writer, "w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        family.start("talks", "seq 100000; exit 3")

        family.run(until=lambda: family.starts("talks") > 1)
        for thread in threading.enumerate():
            if thread.name.endswith("(_relay)"):
                thread.join()
        began = time.monotonic()
        lines.finish()
        assert time.monotonic() - began < 10

        assert family.starts("talks") > 1
        told = []
        while not told or b"left out" not in told[-1]:
            told.append(held.readline())
            supervisor.say("read on")
        assert told[0].startswith(b"talks  | 1")
