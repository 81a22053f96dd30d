"""A soak of 10,000 configurations under mixed load, on PostgreSQL and Redis of its own.

    .venv/bin/python bench/mixed_load.py --minutes 8

Ten repositories of a thousand policies each; then pushes of some of their files, edits by the API,
lists with and without an ETag, single rows, histories, drift, and three gateways. Prints answers by
status, the median and the slowest of each kind, the memory of each part a minute, and whether all
that was pushed and edited is there in the end. Ends with 1 when an answer was an error or something
is missing.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from tests.support.forge import Forge  # noqa: E402
from tests.support.managed import fleet, register  # noqa: E402
from tests.support.repo import Repo, policy  # noqa: E402
from tests.support.servers import Postgres, Redis  # noqa: E402
from tests.support.stack import Stack, wait_for  # noqa: E402

REPOSITORIES, FILES, EDITED = 10, 1000, 200
_PARTS = {
    **{f"keeptrusts: {part}": part for part in ("web", "streams", "poller", "syncer")},
    "judge.nursery": "judges",
}


class Load:
    """What is asked all the time, and what was answered."""

    def __init__(self, stack: Stack, repos: list[Repo]) -> None:
        self.stack, self.repos = stack, repos
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.wanted: dict[str, str] = {}
        self._count = itertools.count()
        self._chance = Random(0)

    def ask(self, kind: str, method: str, path: str, body: object = None) -> int:
        """One request, counted."""
        began = time.monotonic()
        try:
            status = self.stack.request(method, path, body).status
        except OSError:
            status = 599
        self.seconds[kind].append(time.monotonic() - began)
        self.statuses[kind, status] += 1
        return status

    def edit(self) -> None:
        """Give a configuration of the API another content."""
        name = f"edited-{next(self._count) % EDITED}"
        content = policy(f"{name} {next(self._count)}")
        path = f"/v1/configurations/{name}"
        status = self.ask("edit", "PATCH", path, {"content": content})
        if status == 404:
            body = {"id": name, "content": content}
            status = self.ask("edit", "POST", "/v1/configurations", body)
            self.statuses["edit", 404] -= 1
        if status < 300:
            self.wanted[name] = _hash(content)

    def push(self) -> None:
        """Change some files of a repository."""
        number = self._chance.randrange(len(self.repos))
        chosen = [_name(number, self._chance.randrange(FILES)) for _ in range(20)]
        contents = {name: policy(f"{name} {next(self._count)}") for name in chosen}
        files = {f"{name}/policy-config.yaml": text for name, text in contents.items()}
        self.repos[number].commit(files)
        self.wanted.update({name: _hash(text) for name, text in contents.items()})
        time.sleep(2)

    def one(self) -> None:
        """A row, its history and its content."""
        name = _name(self._chance.randrange(len(self.repos)), self._chance.randrange(FILES))
        for tail in ("", "/versions", "/content"):
            self.ask("one", "GET", f"/v1/configurations/{name}{tail}")

    def lists(self) -> None:
        """All of them, and a page."""
        self.ask("list of all", "GET", "/v1/configurations")
        self.ask("page", "GET", "/v1/configurations?limit=100")
        time.sleep(1)

    def drift(self) -> None:
        """What differs, links, events and health."""
        for path in ("/v1/drift", "/v1/git-repos", "/v1/events", "/healthz", "/metrics"):
            self.ask(path, "GET", path)
        time.sleep(0.5)


def _name(repository: int, number: int) -> str:
    return f"r{repository}-{number}"


def _hash(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _filled(forge: Forge, folder: Path, number: int) -> Repo:
    repo = forge.repository(folder / f"clone-{number}")
    names = [_name(number, file) for file in range(FILES)]
    repo.commit({f"{name}/policy-config.yaml": policy(name) for name in names})
    return repo


def _memory(stack: Stack) -> dict[str, int]:
    """MiB of each part, shared pages by their share."""
    found: dict[str, int] = defaultdict(int)
    for pid, line in stack.children().items():
        part = next((name for words, name in _PARTS.items() if words in line), "")
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        kibibytes = next(row.split()[1] for row in rollup.splitlines() if row.startswith("Pss:"))
        found[part or "others"] += int(kibibytes)
    return {part: size // 1024 for part, size in sorted(found.items())}


def _repeat(acts: list[Callable[[], None]], over: threading.Event) -> list[threading.Thread]:
    def work(act: Callable[[], None]) -> None:
        while not over.wait(0.05):
            act()

    threads = [threading.Thread(target=work, args=(act,), daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    return threads


def _missing(load: Load) -> list[str]:
    there = {row["id"]: row["content_hash"] for row in load.stack.get("/v1/configurations")}
    return [name for name, digest in load.wanted.items() if there.get(name) != digest]


def main() -> int:
    """Run it; 0 when no answer was an error and nothing is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=8)
    minutes = parser.parse_args().minutes
    with (
        tempfile.TemporaryDirectory() as place,
        Forge(Path(place) / "forge") as forge,
        Postgres() as postgres,
        Redis(Path(place) / "redis.sock") as redis,
    ):
        folder = Path(place)
        began = time.monotonic()
        repos = [_filled(forge, folder, number) for number in range(REPOSITORIES)]
        stack = Stack(
            folder / "data",
            DATABASE_URL=postgres.url,
            REDIS_URL=redis.url,
            KEEPTRUSTS_SECRET_KEY="only-for-benches-0123456789abcdef0123456789",
        ).start()
        try:
            for repo in repos:
                stack.link(repo.url)
            total = REPOSITORIES * FILES
            wait_for(lambda: len(stack.get("/v1/configurations")) == total, seconds=900)
            print(f"{total} configurations {time.monotonic() - began:.0f} s after the start")
            return _run(stack, repos, folder, minutes)
        finally:
            stack.stop()


def _run(stack: Stack, repos: list[Repo], folder: Path, minutes: float) -> int:
    load, over = Load(stack, repos), threading.Event()
    with fleet(stack, folder / "states") as gateways:
        for number in range(3):
            token = register(stack, f"gateway-{number}", _name(number, 0))
            gateways.start(f"gateway-{number}", token)
        threads = _repeat([load.edit, load.push, load.one, load.one, load.lists, load.drift], over)
        for minute in range(int(minutes) + 1):
            print(f"after {minute} min: {_memory(stack)} MiB", flush=True)
            time.sleep(60 if minute < minutes else 0)
        over.set()
        for thread in threads:
            thread.join()
        wait_for(lambda: not _missing(load), seconds=120)
    for kind, seconds in load.seconds.items():
        statuses = {status: n for (name, status), n in load.statuses.items() if name == kind and n}
        print(f"{kind}: {statuses}, median {statistics.median(seconds):.2f} s, "
              f"slowest {max(seconds):.2f} s")  # fmt: skip
    wrong = sum(n for (_, status), n in load.statuses.items() if status >= 400)
    print(f"{wrong} errors, {len(load.wanted)} contents looked for, {len(_missing(load))} missing")
    return 1 if wrong or _missing(load) else 0


if __name__ == "__main__":
    os.environ.setdefault("TMPDIR", tempfile.gettempdir())
    sys.exit(main())
