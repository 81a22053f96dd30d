"""PostgreSQL and Redis for one test, which may kill them."""

import os
import pwd
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType

import psycopg
import redis

from tests import services
from tests.support.stack import descendants, wait_for


class _Server(ABC):
    """A server that is started again after it was killed, on the same data."""

    def __init__(self) -> None:
        self.kills = 0
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def start(self) -> None:
        """Start it and wait until it answers."""

    def kill(self) -> None:
        """Kill it; it is back two seconds later."""
        self.kills += 1
        self.end(signal.SIGKILL)
        time.sleep(2)
        self.start()

    def end(self, number: int) -> None:
        """Send it a signal and wait for its end."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(timeout=300)

    def pids(self) -> list[int]:
        """Its processes."""
        assert self._process is not None
        return [self._process.pid, *descendants(self._process.pid)]

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.end(signal.SIGINT)


class Postgres(_Server):
    """PostgreSQL with a folder of its own, gone with it.

    Not below pytest's folder: every other run of pytest closes that one to other users. With an
    `address` it listens there, too, on the usual port, and trusts whoever comes by it.
    """

    def __init__(self, address: str = "") -> None:
        super().__init__()
        self._address = address
        self._place = tempfile.TemporaryDirectory(prefix="kt-postgres-")
        self._folder = Path(self._place.name) / "server"
        self._user = "nobody" if os.geteuid() == 0 else None
        self.url = f"postgresql://postgres@/postgres?host={self._folder}"
        if address:
            self.url = f"postgresql://postgres@{address}:5432/postgres"

    def __enter__(self) -> "Postgres":
        Path(self._place.name).chmod(0o755)
        self._folder.mkdir()
        if self._user:
            os.chown(self._folder, pwd.getpwnam(self._user).pw_uid, -1)
        self._binaries = services.postgres_binaries(Path(self._place.name))
        data = self._folder / "data"
        init = [self._binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust"]
        subprocess.run(init, user=self._user, cwd=self._folder, check=True, capture_output=True)
        if self._address:
            with (data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all 0.0.0.0/0 trust\n")
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self._place.cleanup()

    def start(self) -> None:
        self._spawn()
        wait_for(self._answers)

    def _spawn(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._binaries / "postgres", "-D", self._folder / "data", "-k", self._folder,
                    "-h", self._address, "-c", "fsync=off",
                ],
                user=self._user, cwd=self._folder, stdout=log, stderr=log,
            )  # fmt: skip

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            assert self._process is not None
            if self._process.poll() is not None:  # What was killed had not let go of all yet.
                self._spawn()
            return False
        return True


class Redis(_Server):
    """Redis in memory alone: its data is gone when it ends.

    With an `address` it listens there on the usual port, and not on a socket of the file system.
    """

    def __init__(self, socket: Path, address: str = "") -> None:
        super().__init__()
        self._place = ["--port", "0", "--unixsocket", str(socket)]
        self.url = f"unix://{socket}"
        if address:
            self._place = ["--bind", address, "--protected-mode", "no"]
            self.url = f"redis://{address}:6379/0"

    def __enter__(self) -> "Redis":
        self.start()
        return self

    def start(self) -> None:
        self._process = subprocess.Popen(
            [services.redis_binary(), *self._place, "--save", ""],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(self._answers)

    def _answers(self) -> bool:
        try:
            return bool(redis.Redis.from_url(self.url).ping())
        except redis.RedisError:
            return False
