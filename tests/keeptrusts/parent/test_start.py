"""Starts that fail: each says in a line or two what to change."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError

from keeptrusts.parent import preparing, supervisor, up
from keeptrusts.parent.output import Output
from keeptrusts.parent.supervisor import Function, Supervisor
from tests.support.stack import ROOT, free_port

MAKE = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("connection to server at port 1 failed: refused\n\tIs it running?", "does not answer"),
        ('FATAL:  password authentication failed for user "kt"', "refuses its user, password"),
        ('FATAL:  database "nowhere" does not exist', "refuses its user, password or name"),
    ],
)
def test_a_database_that_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, words: str, what: str
) -> None:
    """With the setting that names it first, and the server's own words last."""
    with_url = replace(settings.ENV, database_url="postgres://kt@127.0.0.1/kt")
    monkeypatch.setattr(settings, "ENV", with_url)

    line = preparing.refused(OperationalError(words))

    assert line.startswith(f"DATABASE_URL: The database {what}")
    assert line.endswith(f"It says: {' '.join(words.split())}")
    assert line.isprintable()


def test_nothing_is_started_for_a_database_that_refuses(tmp_path: Path) -> None:
    """No broker, whose lines would hide the one that counts; and no traceback."""
    done = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "DATABASE_URL": f"postgres://kt:secret@127.0.0.1:{free_port()}/kt",
            "KEEPTRUSTS_SECRET_KEY": "only-for-tests-0123456789abcdef0123456789",
            "KEEPTRUSTS_DATA_DIR": str(tmp_path),
            "KEEPTRUSTS_LISTEN": f"127.0.0.1:{free_port()}",
            "KEEPTRUSTS_EVENTS_LISTEN": f"127.0.0.1:{free_port()}",
            "KEEPTRUSTS_GIT_SCHEME": "http",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode != 0
    [line] = done.stderr.splitlines()
    assert line.startswith("CommandError: DATABASE_URL: The database does not answer.")
    assert "secret" not in done.stdout + done.stderr
    [warning] = done.stdout.splitlines()
    assert "did you mean 'KEEPTRUSTS_GIT_SCHEMES'?" in warning


@pytest.fixture
def handlers() -> Iterator[None]:
    """Those of this process, which a supervisor replaces, are put back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_all_that_a_look_at_the_servers_says_is_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The last line, too; that of the preparation says where the token is, and is greeted with."""
    lines = {"look": "echo one; echo two", "prepare": "echo three; echo in a file"}

    def forked(_: object, name: str, function: Function) -> "subprocess.Popen[bytes]":
        script = lines[function.name.partition(":")[2]]
        return subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE)

    monkeypatch.setattr(supervisor, "output", Output())
    monkeypatch.setattr(Supervisor, "forked", forked)
    parent = up._Parent(replace(settings.ENV, redis_url="redis://localhost"))

    parent.prepare()

    supervisor.output.finish()
    assert capfd.readouterr().out.splitlines() == ["one", "two", "three"]
    assert parent._token == "in a file"


@pytest.mark.usefixtures("handlers")
def test_what_cannot_be_prepared_is_the_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is the error, and starts nothing."""

    def forked(*_: object) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(["sh", "-c", "echo no >&2; exit 1"], stderr=subprocess.STDOUT,
                                stdout=subprocess.PIPE)  # fmt: skip

    monkeypatch.setattr(Supervisor, "forked", forked)
    parent = up._Parent(settings.ENV)

    with pytest.raises(up.StartError, match=r"^no$"):
        parent.prepare()


# Stands for an interpreter: `-m venv` makes one like it, which has pip.
PYTHON = """\
#!/bin/sh
echo "$0 $*" >>"{log}"
case "$*" in
*ensurepip*) exit {ensurepip} ;;
*"-m pip --version") exit {pip} ;;
*"-m venv --clear "*) rm -rf "$4" && mkdir -p "$4/bin" && cp "{good}" "$4/bin/python" ;;
esac
"""


class Machine:
    """A machine with a stand-in for Python, and a place for the virtual environment."""

    def __init__(self, at: Path) -> None:
        self.at, self.venv, self.log = at, at / "venv", at / "log"
        self.log.touch()

    def python(self, name: str, *, ensurepip: int = 0, pip: int = 0) -> Path:
        """An interpreter; 1 for what it lacks."""
        path = self.at / name
        path.parent.mkdir(parents=True, exist_ok=True)
        good = self.at / "good"
        path.write_text(PYTHON.format(log=self.log, ensurepip=ensurepip, pip=pip, good=good))
        path.chmod(0o755)
        return path

    def make(self, python: Path | str) -> subprocess.CompletedProcess[str]:
        """Run the step of `make run` that makes the virtual environment."""
        self.python("good")
        return subprocess.run(
            ["make", "--no-print-directory", "venv", f"VENV={self.venv}", f"PYTHON={python}"],
            cwd=ROOT,
            env=MAKE,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def made(self) -> int:
        """How often a virtual environment was made."""
        return self.log.read_text().count("-m venv --clear")


@pytest.mark.parametrize("before", ["nothing", "half made", "a broken link"])
def test_a_virtual_environment_is_made_where_there_is_no_whole_one(
    tmp_path: Path, before: str
) -> None:
    """What an attempt without its packages left has an interpreter and no pip."""
    machine = Machine(tmp_path)
    if before == "half made":
        machine.python("venv/bin/python", pip=1)
    elif before == "a broken link":
        (machine.venv / "bin").mkdir(parents=True)
        (machine.venv / "bin" / "python").symlink_to("/nonexistent/python")

    done = machine.make(machine.python("python"))

    assert (done.returncode, machine.made()) == (0, 1), done.stderr


def test_a_whole_virtual_environment_is_kept(tmp_path: Path) -> None:
    """Whatever the interpreter of the machine can do by now."""
    machine = Machine(tmp_path)
    machine.python("venv/bin/python")

    done = machine.make("/nonexistent/python")

    assert (done.returncode, machine.made()) == (0, 0), done.stderr


@pytest.mark.parametrize("lacks", ["venv", "python"])
def test_a_machine_without_venv_is_told_what_to_install(tmp_path: Path, lacks: str) -> None:
    """Instead of leaving a half of it, which the next run would take for a whole."""
    machine = Machine(tmp_path)
    python = machine.python("python", ensurepip=1) if lacks == "venv" else tmp_path / "none"

    done = machine.make(python)

    assert (done.returncode != 0, machine.made()) == (True, 0)
    assert "apt install python3-venv" in done.stderr
    assert not machine.venv.exists()
