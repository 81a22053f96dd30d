"""A bench of many repositories at once: linked in bulk, and pushed to all together.

    python bench/bulk.py [--links 1000] [--on postgres|sqlite] [--before CHECKOUT] [--rounds 1]

The whole control plane as `manage.py up` runs it, on PostgreSQL and Redis as the tests start them
(without fsync) or on its embedded default, and a forge that answers from memory (`packed.py`).
Links are made by POSTs with idempotency keys over kept connections; then each repository is pushed
to, and a delivery to its webhook says so. Measured from the first POST, or delivery, until all
policies are in force. CPU is that of our processes, part by part, and beside it that of PostgreSQL
and Redis where the bench started them; that of the forge and the client is in neither. With
`--before`, a working tree of another version with a `.venv`, both are measured in turn.
"""

from __future__ import annotations

import argparse
import hmac
import http.client
import json
import os
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from idle import name_of
from processes import tree
from simulated.packed import PackedForge, url_of

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.stack import Stack  # noqa: E402

TOKEN = "a-token-for-benchmarks-0123456789abcdef"
SECRET = "a-webhook-secret-for-benchmarks"
CONNECTIONS = 8
PORT = 18_421
PATIENCE_SECONDS = 600.0

Cpu = dict[str, float]


class Clients:
    """Kept connections to the API, each for a thread."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(CONNECTIONS)

    def post_all(self, requests: list[tuple[str, Any, dict[str, str]]]) -> list[Any]:
        """The `data` of the answers to POSTs, each a path, a body and headers."""
        return list(self._pool.map(lambda one: self._post(*one), requests))

    def _post(self, path: str, body: Any, headers: dict[str, str]) -> Any:
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection("127.0.0.1", self._port)
        sent = json.dumps(body).encode()
        signed = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        if path.endswith("/webhook"):
            now = int(time.time())
            mac = hmac.digest(SECRET.encode(), b"%d." % now + sent, "sha256").hex()
            signed = {"X-Keeptrusts-Signature": f"t={now},v1={mac}"}
        while True:
            self._local.connection.request("POST", path, sent, signed | headers)
            answer = self._local.connection.getresponse()
            content = answer.read()
            if answer.status != 503:
                break
            time.sleep(0.1)  # By its key it is made once, however often it is sent.
        assert answer.status in (201, 202), content
        return json.loads(content)["data"]


class Database:
    """What is in force, read beside the control plane."""

    def __init__(self, stack: Stack, url: str) -> None:
        self._connection: Any
        if url:
            import psycopg

            self._connection = psycopg.connect(url, autocommit=True)
        else:
            path = stack.data_dir / "keeptrusts.sqlite3"
            self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)

    def versions(self) -> int:
        """The number of versions that there are."""
        asked = "select count(*) from configurations_version"
        return int(self._connection.execute(asked).fetchone()[0])

    def close(self) -> None:
        self._connection.close()


def cpu(pid: int) -> Cpu:
    """CPU seconds by part; children count for who waited for them."""
    used: Cpu = defaultdict(float)
    for one in tree(pid):
        used[name_of(one)] += alone(one)
    return used


def alone(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def of_servers() -> float:
    """CPU seconds of PostgreSQL and Redis, which are children of this process."""
    names = ("postgres", "redis-server")
    return sum(alone(one) for one in tree(os.getpid()) if comm(one) in names)


def comm(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


class Phase:
    """What a phase took: seconds, and CPU seconds by part."""

    def __init__(self, pid: int, act: Callable[[], None], database: Database, wanted: int) -> None:
        before, servers, began = cpu(pid), of_servers(), time.monotonic()
        act()
        self.sent = time.monotonic() - began
        while (count := database.versions()) < wanted:
            assert time.monotonic() < began + PATIENCE_SECONDS, f"{count} of {wanted}"
            time.sleep(0.05)
        self.wall = time.monotonic() - began
        after, self.servers = cpu(pid), of_servers() - servers
        self.cpu = {name: after[name] - before.get(name, 0.0) for name in after}
        # The broker is a server as PostgreSQL is.
        self.ours = sum(used for name, used in self.cpu.items() if name != "broker")


def measured(options: argparse.Namespace, checkout: Path) -> tuple[Phase, Phase]:
    """The first syncs and the pushes of one version."""
    servers = {}
    if options.on == "postgres":
        servers = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
        emptied(servers["DATABASE_URL"])
    forge = PackedForge(options.links, PORT)
    with tempfile.TemporaryDirectory(prefix="kt-bulk-") as folder:
        stack = Stack(
            Path(folder) / "data",
            KEEPTRUSTS_BOOTSTRAP_TOKEN=TOKEN,
            KEEPTRUSTS_SECRET_KEY="only-for-benchmarks-0123456789abcdef0123",
            **servers,
        )
        try:
            stack.start(cwd=checkout, checkout=checkout, python=checkout / ".venv/bin/python")
            return phases(options, stack, forge, servers.get("DATABASE_URL", ""))
        finally:
            forge.process.kill()
            forge.process.wait()
            if stack.process is not None:
                stack.stop()
            if options.log:
                Path(options.log).write_bytes(stack.log.read_bytes())


def phases(
    options: argparse.Namespace, stack: Stack, forge: PackedForge, url: str
) -> tuple[Phase, Phase]:
    assert stack.process is not None
    pid, links = stack.process.pid, options.links
    clients, database, made = Clients(stack.port), Database(stack, url), list[Any]()
    time.sleep(3)  # What is done once after a start is no part of it.

    def link() -> None:
        made.extend(clients.post_all([linking(number) for number in range(links)]))

    def deliver() -> None:
        forge.push()
        told = {"ref": "refs/heads/main"}
        clients.post_all([(f"/v1/git-repos/{row['id']}/webhook", told, {}) for row in made])

    first = Phase(pid, link, database, links)
    say(f"{links} first syncs", first)
    time.sleep(2)
    second = Phase(pid, deliver, database, 2 * links)
    say(f"{links} pushes", second)
    database.close()
    print(f"  the forge was asked: {forge.stats()}", flush=True)
    return first, second


def linking(number: int) -> tuple[str, Any, dict[str, str]]:
    body = {
        "url": url_of(number, PORT), "branch": "main", "auto_create_configuration": True,
        "poll_interval_seconds": 3600, "webhook_secret": SECRET,
    }  # fmt: skip
    return "/v1/git-repos", body, {"Idempotency-Key": f"link-{number}"}


def emptied(url: str) -> None:
    """Begin with an empty database and an empty broker."""
    import psycopg
    import redis

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
    redis.Redis.from_url(os.environ["REDIS_URL"]).flushall()


def say(what: str, phase: Phase) -> None:
    parts = ", ".join(f"{name} {used:.1f}" for name, used in phase.cpu.items() if used >= 0.05)
    print(
        f"  {what}: {phase.wall:.1f} s (sent after {phase.sent:.1f} s), CPU {phase.ours:.1f} s,"
        f" wall {2 * phase.wall / phase.ours:.2f} of half of it; {parts}; PostgreSQL and Redis"
        f" {phase.servers:.1f}, wall {2 * phase.wall / (phase.ours + phase.servers):.2f} of half of"
        " all",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--links", type=int, default=1000)
    parser.add_argument("--on", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--before", type=Path)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--log", help="a file for what the control plane prints")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if options.on == "postgres":
        from tests import services

        print(services.pytest_report_header())
    sides = {"now": ROOT} | ({"before": options.before.resolve()} if options.before else {})
    found: dict[str, list[tuple[Phase, Phase]]] = defaultdict(list)
    for _ in range(options.rounds):
        for side, checkout in sides.items():
            print(f"{side}:")
            found[side].append(measured(options, checkout))
    for place, what in enumerate(("first syncs", "pushes")):
        shares = {
            side: (median(r[place].wall for r in rounds), median(r[place].ours for r in rounds))
            for side, rounds in found.items()
        }
        told = "; ".join(
            f"{n} {wall:.1f} s, CPU {used:.1f} s" for n, (wall, used) in shares.items()
        )
        print(f"{what}: {told}")
        if "before" in shares:
            walls, cpus = ([shares[side][n] for side in ("now", "before")] for n in (0, 1))
            print(f"  wall {walls[0] / walls[1]:.2f}, CPU {cpus[0] / cpus[1]:.2f} of before")


if __name__ == "__main__":
    main()
