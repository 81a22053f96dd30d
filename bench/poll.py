"""A bench of polling: the cost of a check and of a change, beside git and OPAL.

    python bench/poll.py [--rounds 3] [--checks 1000] [--envs FOLDER] [--without-opal]

On loopback, http and https: what `git http-backend` answers, with 20 and 50,000 refs (answers to
checks are remembered, so that the server leaves the clients the processor) and with 20, 5,000 and
50,000 files. Every figure is CPU time (user and system, children included) of the client
alone, in a process of its own, whose start is not counted; all sides in turn, medians of the
rounds. OPAL 0.9.9 is installed into an environment of its own; its scopes' fetcher is asked as
its periodic pass does. Exits with 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from environments import opal_python

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
MAIN = "refs/heads/main"

# The multiples of ours that the others must cost, at least.
TARGETS = {
    ("http, 20 refs", "git ls-remote"): 30.0,
    ("http, 50,000 refs", "git ls-remote"): 30.0,
    ("https, a handshake each", "git ls-remote"): 15.0,
    ("https, kept alive", "git ls-remote"): 100.0,
    ("http, 20 refs", "OPAL"): 5.0,
    ("20 files", "GitPython"): 6.0,
    ("5,000 files", "GitPython"): 60.0,
    ("50,000 files", "GitPython"): 300.0,
}

_OPAL_CLIENT = """
import asyncio, json, os, resource, sys, tempfile
from pathlib import Path
url, times = sys.argv[1], int(sys.argv[2])
from loguru import logger
logger.remove()
from opal_common.schemas.policy_source import GitPolicyScopeSource, NoAuthData
from opal_server.git_fetcher import GitPolicyFetcher

def used():
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)

async def main():
    no_auth = NoAuthData(auth_type="none")
    source = GitPolicyScopeSource(
        source_type="git", url=url, branch="main", auth=no_auth, directories=["."]
    )
    with tempfile.TemporaryDirectory() as folder:
        fetcher = GitPolicyFetcher(Path(folder), "bench", source)
        await fetcher.fetch_and_notify_on_changes(force_fetch=True)
        before = used()
        for _ in range(times):
            await fetcher.fetch_and_notify_on_changes(force_fetch=True)
        print(json.dumps((used() - before) / times))
asyncio.run(main())
"""


def used() -> float:
    """CPU seconds of this process, of its children that ended, and of all below it that live."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    ended = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    return ended + sum(map(_used_by, _children(os.getpid())))


def _children(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for one in lists for child in one.read_text().split()]


def _used_by(pid: int) -> float:
    """CPU seconds of a process that lives, as a judge does, and of all below it."""
    # Times in clock ticks, behind a name that may have blanks: own, and of children that ended.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK") + sum(map(_used_by, _children(pid)))


def measured(step: Callable[[], None], times: int) -> float:
    """CPU seconds that one of `times` takes, after a first one."""
    step()
    before = used()
    for _ in range(times):
        step()
    return (used() - before) / times


def our_check(url: str, times: int, *, keep: bool) -> float:
    """CPU seconds of a check of ours, in batches of 50 as a worker sends them."""
    from gitrepos.forge import check, connections
    from gitrepos.forge.addresses import parse
    from gitrepos.forge.secret import NOBODY

    if not keep:
        connections._KEPT_SOCKETS = 0
    batch = 50
    asked = parse(url, schemes=["https", "http"])
    questions = [check.RefsQuestion(number, asked, NOBODY, (MAIN,)) for number in range(batch)]
    terms = check.Terms((ipaddress.ip_network("127.0.0.0/8"),), per_host=batch)

    def step() -> None:
        groups = check.check(questions, terms=terms)
        answers = [answer for group in groups for answer in group]
        assert all(answer.heads.get(MAIN) for answer in answers), answers

    step()
    return measured(step, max(1, times // batch)) / batch


def git_check(url: str, times: int) -> float:
    def step() -> None:
        done = subprocess.run(["git", "ls-remote", url, MAIN], capture_output=True)
        assert done.stdout, done.stderr

    return measured(step, times)


def our_change(url: str, times: int, *, own: bool) -> float:
    """CPU seconds of a fetch of ours, of a commit of which nothing is stored yet.

    With `own` a judge reads it, else git.
    """
    from gitrepos.forge.addresses import parse
    from gitrepos.forge.git import runner
    from gitrepos.snapshot import fetch
    from gitrepos.snapshot.values import FilesRequest, Snapshot
    from gitrepos.unpacking import JudgedPacks

    unpacker = JudgedPacks() if own else None
    access = runner.Access(parse(url, schemes=["https", "http"]), ("127.0.0.1",))
    listed = subprocess.run(["git", "ls-remote", url, MAIN], capture_output=True, text=True)
    head = listed.stdout.split()[0]

    def step() -> None:
        (taken,) = fetch.take(
            access,
            ref=MAIN,
            head=head,
            asks=[FilesRequest("policies")],
            folder=Path(folder),
            unpacker=unpacker,
        )
        assert isinstance(taken, Snapshot)
        assert len(taken.files or ()) == 20

    # One for all, as a worker has; what git reads gets one of its own in it.
    with tempfile.TemporaryDirectory() as folder:
        return measured(step, times)


def gitpython_change(url: str, times: int) -> float:
    from git import Repo

    def step() -> None:
        with tempfile.TemporaryDirectory() as folder:
            Repo.clone_from(url, folder, depth=1, branch="main")
            paths = list(Path(folder).glob("policies/**/policy-config.yaml"))
            assert len([file.read_bytes() for file in paths]) == 20

    return measured(step, times)


CLIENTS: dict[str, Callable[[str, int], float]] = {
    "our kept check": lambda url, times: our_check(url, times, keep=True),
    "our check": lambda url, times: our_check(url, times, keep=False),
    "git check": git_check,
    "our change": lambda url, times: our_change(url, times, own=True),
    "our change, by git": lambda url, times: our_change(url, times, own=False),
    "GitPython change": gitpython_change,
}


def run(client: str, url: str, times: int, environment: dict[str, str]) -> float:
    """CPU seconds of one call, measured in a process of its own."""
    command = [sys.executable, __file__, "--client", client, url, str(times)]
    return _printed_seconds(command, environment)


def run_opal(python: Path, url: str, times: int) -> float:
    return _printed_seconds([str(python), "-c", _OPAL_CLIENT, url, str(times)], {})


def _printed_seconds(command: list[str], environment: dict[str, str]) -> float:
    clean = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    done = subprocess.run(command, env=clean | environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command}: {done.stderr[-2000:]}")
    return float(json.loads(done.stdout.splitlines()[-1]))


@contextmanager
def repository(forge, folder: Path, *, files: int, refs: int) -> Iterator[str]:  # type: ignore[no-untyped-def]
    """A repository with 20 policies among `files` files, and `refs` branches; yields its name."""
    repo = forge.repository(folder / f"clone-{files}-{refs}")
    policies = {
        f"policies/p{number}/policy-config.yaml": f"pack: {{name: P{number}}}\n"
        for number in range(20)
    }
    noise = {f"src/{n // 50}/file-{n}.py": f"print({n * 7919})\n" * 20 for n in range(files - 20)}
    commit = repo.plant({**policies, **noise})
    rows = "".join(f"create refs/heads/b{number} {commit}\n" for number in range(refs - 1))
    repo.raw("update-ref", "--stdin", at=repo.bare, stdin=rows.encode())
    repo.git("repack", "-adq", at=repo.bare)
    repo.git("pack-refs", "--all", at=repo.bare)
    shutil.rmtree(repo.clone)
    yield repo.bare.name


def main() -> int:
    options = _options()
    if options.client:
        client, url, times = options.client
        print(json.dumps(CLIENTS[client](url, int(times))))
        return 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="poll-bench-")))
        bench = Bench(stack, folder, options)
        for _ in range(options.rounds):
            bench.checks()
            bench.changes()
        return bench.report()


class Bench:
    """The servers, the repositories and what was measured: CPU seconds by case and side."""

    def __init__(self, stack: ExitStack, folder: Path, options: argparse.Namespace) -> None:
        from tests.support.forge import Forge
        from tests.support.tls import Authority

        authority = Authority(folder / "tls")
        self._changing = stack.enter_context(Forge(folder / "forge"))
        self._plain = stack.enter_context(Forge(folder / "forge", remembers=True))
        self._tls = stack.enter_context(
            Forge(folder / "forge", tls=authority.server, remembers=True)
        )
        ca = str(authority.ca_file)
        self._trusting = {"SSL_CERT_FILE": ca, "GIT_SSL_CAINFO": ca}
        self._opal = None if options.without_opal else opal_python(options.envs)
        self._checks = options.checks
        self._changes = options.changes
        self._cpu: dict[tuple[str, str], list[float]] = {}
        self._sent: dict[tuple[str, str], int] = {}
        print("making repositories…", flush=True)
        self._names = {
            (files, refs): stack.enter_context(
                repository(self._changing, folder, files=files, refs=refs)
            )
            for files, refs in ((20, 20), (20, 50_000), (5_000, 20), (50_000, 20))
        }

    def checks(self) -> None:
        few, many = self._names[20, 20], self._names[20, 50_000]
        for case, name in (("http, 20 refs", few), ("http, 50,000 refs", many)):
            url = f"{self._plain.url}/{name}"
            self._add(case, "ours", run("our kept check", url, self._checks, {}))
            self._add(case, "git ls-remote", run("git check", url, self._checks // 40, {}))
            if self._opal:
                self._add(case, "OPAL", run_opal(self._opal, url, self._checks // 40))
        url = f"{self._tls.url}/{few}"
        theirs = run("git check", url, self._checks // 40, self._trusting)
        for case, client in (
            ("https, a handshake each", "our check"),
            ("https, kept alive", "our kept check"),
        ):
            self._add(case, "ours", run(client, url, self._checks, self._trusting))
            self._add(case, "git ls-remote", theirs)

    def changes(self) -> None:
        for files in (20, 5_000, 50_000):
            case, url = f"{files:,} files", f"{self._changing.url}/{self._names[files, 20]}"
            for side, client, times in (
                # The clock of a judge has ticks of ten milliseconds.
                ("ours", "our change", 20 * self._changes),
                ("ours, git reads", "our change, by git", self._changes),
                # A checkout of fifty thousand files takes its time.
                ("GitPython", "GitPython change", min(self._changes, max(1, 10_000 // files))),
            ):
                before = self._changing.sent_bytes
                self._add(case, side, run(client, url, times, {}))
                self._sent[case, side] = (self._changing.sent_bytes - before) // (times + 1)

    def _add(self, case: str, side: str, seconds: float) -> None:
        print(f"  {case}, {side}: {seconds * 1000:.3f} ms", file=sys.stderr, flush=True)
        self._cpu.setdefault((case, side), []).append(seconds)

    def report(self) -> int:
        """Print what was measured; 1 when a target is missed."""
        missed = 0
        cost = {key: median(values) for key, values in self._cpu.items()}
        print(f"\n{time.strftime('%Y-%m-%d')}, {_git_version()}, CPU ms of the client a call\n")
        for (case, side), seconds in cost.items():
            ratio = seconds / cost[case, "ours"]
            target = TARGETS.get((case, side))
            comparison = "" if side == "ours" else f"{ratio:8.1f} times ours"
            if target:
                comparison += f"   (at least {target:g}: {'ok' if ratio >= target else 'MISSED'})"
                missed += ratio < target
            sent = self._sent.get((case, side))
            sent_kib = f"{sent / 1024:10,.1f} KiB" if sent else " " * 14
            print(f"{case:26}{side:16}{seconds * 1000:10.3f} ms{sent_kib}{comparison}")
        return 1 if missed else 0


def _git_version() -> str:
    return subprocess.run(["git", "version"], capture_output=True, text=True).stdout.strip()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--checks", type=int, default=1000, help="checks a round (others: a fortieth)"
    )
    parser.add_argument("--changes", type=int, default=5, help="changes a round")
    parser.add_argument("--envs", type=Path, default=Path(tempfile.gettempdir()) / "poll-envs")
    parser.add_argument("--without-opal", action="store_true")
    parser.add_argument("--client", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
