"""Children of a fork server: what they have, and how they and their server end."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from keeptrusts.parent.forked import ForkedProcess, ForkServer, Start
from keeptrusts.processes.process import die_with_parent
from tests.support.stack import ROOT, command_line, is_running, title, wait_for

CHILDREN = "tests.keeptrusts.parent.children"


Serve = Callable[..., "_Server"]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Makes one in an environment of its own, that has imported what children of tests run."""
    made: list[_Server] = []

    def _serve(**given: str) -> _Server:
        environment = {
            "PATH": os.environ["PATH"], "OURS": "1", "KEEPTRUSTS_DATA_DIR": str(tmp_path), **given,
        }  # fmt: skip

        def launch(command: Sequence[str], control: int) -> "subprocess.Popen[bytes]":
            return subprocess.Popen(
                command, cwd=ROOT, env=environment, pass_fds=(control,), preexec_fn=die_with_parent
            )

        made.append(_Server(launch, [CHILDREN]))
        return made[-1]

    yield _serve
    for one in made:
        one.end()
        for child in one.children:
            child.stdout.close()


@pytest.fixture
def server(serve: Serve) -> ForkServer:
    """One with nothing more in its environment."""
    return serve()


class _Server(ForkServer):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.children: list[ForkedProcess] = []

    def fork(self, start: Start) -> ForkedProcess:
        self.children.append(super().fork(start))
        return self.children[-1]


def _fork(server: ForkServer, function: str, *arguments: str, **environment: str) -> ForkedProcess:
    return server.fork(Start(function, f"{CHILDREN}:{function}", arguments, environment))


def test_a_child_runs_a_function_with_its_own_environment(server: ForkServer) -> None:
    """Beside the server's; its output is read by whoever asked, and its name is shown."""
    child = _fork(server, "tell", "a", "b", SECRET="2")

    assert child.stdout.read().decode().splitlines() == [
        "('a', 'b')", title("tell"), "1 2", "secret None", f"{child.pid} {child.pid}",
    ]  # fmt: skip
    assert child.wait() == 0
    other = _fork(server, "tell")
    assert "1 None" in other.stdout.read().decode()
    assert (other.wait(), other.poll(), child.poll()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("function", "status", "said"),
    [("fail", 3, ""), ("fall", 1, "ValueError: fallen"), ("nothing", 1, "AttributeError")],
)
def test_its_status_is_told(server: ForkServer, function: str, status: int, said: str) -> None:
    """As of any process; what it raised is in its output."""
    child = _fork(server, function)

    assert said in child.stdout.read().decode()
    assert child.wait() == status


def test_it_ends_by_signals(server: ForkServer) -> None:
    """Of others it is told nothing."""
    one, other = _fork(server, "sleep"), _fork(server, "sleep")
    assert one.stdout.readline() == b"asleep\n" == other.stdout.readline()
    assert (one.poll(), other.poll()) == (None, None)

    one.terminate()

    assert one.wait() == -signal.SIGTERM
    assert other.poll() is None
    with pytest.raises(ProcessLookupError):
        one.terminate()
    other.terminate()
    assert other.wait() == -signal.SIGTERM


def test_the_server_outlives_a_signal_to_all(server: ForkServer) -> None:
    """A service manager sends it to every process; children end as they do."""
    child = _fork(server, "sleep")
    child.stdout.readline()

    for pid in (_pid(server), child.pid):
        os.kill(pid, signal.SIGTERM)

    assert child.wait() == -signal.SIGTERM
    assert _fork(server, "fail").wait() == 3


def test_children_end_with_their_server(server: ForkServer) -> None:
    """Which is started again for the next one."""
    child, before = _fork(server, "sleep"), _pid(server)
    child.stdout.readline()

    os.kill(before, signal.SIGKILL)

    assert child.wait() == -signal.SIGKILL
    assert _fork(server, "fail").wait() == 3
    assert _pid(server) != before
    wait_for(lambda: not is_running(child.pid))


def test_a_server_that_cannot_import_is_an_error(server: ForkServer) -> None:
    """And is no child's failure."""
    server._modules = ["tests.nowhere"]

    with pytest.raises(OSError, match="its lines above say why"):
        _fork(server, "fail")


@pytest.mark.parametrize(
    ("name", "is_file", "has_driver"),
    [("", False, False), ("DATABASE_URL", False, True), ("DATABASE_URL_FILE", True, True)],
)
def test_it_has_the_driver_of_the_database_that_is_set(
    serve: Serve, tmp_path: Path, name: str, is_file: bool, has_driver: bool
) -> None:
    """By a variable or in a file, as images have it; without one none is in memory."""
    (file := tmp_path / "database-url").write_text("postgresql:///unasked\n")
    value = str(file) if is_file else file.read_text().strip()
    given = {name: value, "KEEPTRUSTS_SECRET_KEY": "a" * 64} if name else {}

    child = _fork(serve(**given), "drivers")

    assert child.stdout.read() == f"{has_driver}\n".encode()
    assert child.wait() == 0


def _pid(server: ForkServer) -> int:
    assert server._process is not None
    assert "forkserver" in command_line(server._process.pid)
    return server._process.pid


def test_parts_share_nothing_that_decides(tmp_path: Path) -> None:
    """Judges alone need it, and have it from their nursery; it is much of the policy language."""
    listed = (
        "import sys; from keeptrusts.parent import forkserver, up;"
        " forkserver._import(up._SHARED); print(*sys.modules)"
    )
    environment = {"PATH": os.environ["PATH"], "KEEPTRUSTS_DATA_DIR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", listed],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip

    loaded = set(done.stdout.split())
    assert {"keeptrusts.judge.trials", "keeptrusts.urls"} <= loaded
    assert not {"kt.policy.decision", "kt.policy.coverage", "kt.policy.testing"} & loaded
