"""A bench of polling: a fleet of linked repositories on a simulated forge.

    python bench/polling_fleet.py [--links 1000] [--seconds 300] [--interval 300] [--pollers 1]
                                  [--first-syncs 0]

PostgreSQL and Redis as the tests start them (without fsync), the whole control plane as
`manage.py up` runs it, and a forge on loopback in a process of its own: twenty hosts of the real
protocol with 50 ms latency. Of the links, seeded as already synced, 1 % are pushed to about once
an interval (with real `git http-backend` behind them), 1 % are on hosts that are down, 1 % hang,
and 1 % are on one host that answers 429. A third of the pushes is left to the poll, the others are
followed by a request for a sync or by a delivery to the webhook.

With `--pollers 2` a second poller runs as on another machine: `manage.py up --only poller` on a
data folder of its own.

CPU is that of each part with everything it started, the forge's apart. `opal.py poll` has
OPAL and the control plane in turn, at the size that OPAL holds.
"""

from __future__ import annotations

import argparse
import contextlib
import hmac
import itertools
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from processes import cpu_seconds, memory_mib, own_seconds, tree
from simulated.forge import ForgeProcess, kind_of, url_of

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

TOKEN = "a-token-for-benchmarks-0123456789abcdef"
SECRET = "a-webhook-secret-for-benchmarks"


def seed(links: int, interval: int, port: int, heads: dict[int, str]) -> None:
    """Link every repository, as if its last poll had found it synced."""
    from django.core.management import call_command
    from django.db import connection

    from gitrepos.links.sealed_secrets import sealed_webhook_secret
    from gitrepos.models import Link, Remote
    from gitrepos.polling.turns import next_turn
    from kt.policy.verify import VERIFY_VERSION

    call_command("migrate", verbosity=0)
    now = datetime.now(UTC)
    remote = Remote.objects.create(url="template", interval_seconds=interval)
    Link.objects.create(
        remote=remote, url="template", branch="main", auto_create_configuration=True,
        poll_interval_seconds=interval, observed_generation=1, observed_rules=VERIFY_VERSION,
        last_synced_at=now, created_at=now, updated_at=now,
    )  # fmt: skip
    urls = [url_of(number, port) for number in range(links)]
    with connection.cursor() as cursor:
        # Row by row, a hundred thousand of them take minutes.
        copy(cursor, Remote, "(select unnest(%s::text[]) url)", urls, {
            "id": "gen_random_uuid()", "url": "source.url",
            "host": "split_part(split_part(source.url, '/', 3), ':', 1)",
            "phase_us": "floor(random() * 604800000000)::bigint",
        })  # fmt: skip
        copy(cursor, Link, "gitrepos_remote", None, {
            "id": "gen_random_uuid()", "remote_id": "source.id", "url": "source.url",
            "last_commit": "left(encode(sha256("
            "substring(source.url from '[0-9]+.git$')::bytea), 'hex'), 40)",
        })  # fmt: skip
        Link.objects.filter(url="template").delete()
        Remote.objects.filter(url="template").delete()
        for number, head in heads.items():
            row = Link.objects.get(url=url_of(number, port))
            row.last_commit = head
            row.webhook_secret = sealed_webhook_secret(SECRET, row)
            row.save()
        # They become due over one interval, from the moment the workers are up.
        Remote.objects.update(next_poll_at=next_turn(datetime.now(UTC) + timedelta(seconds=10)))
        cursor.execute("vacuum analyze")


def copy(cursor: Any, model: Any, source: str, given: Any, changed: dict[str, str]) -> None:
    """Repeat a model's one row for each row of `source`, with some columns changed."""
    columns = [field.column for field in model._meta.fields]
    values = [changed.get(column, f"template.{column}") for column in columns]
    cursor.execute(
        f"insert into {model._meta.db_table} ({', '.join(columns)}) select {', '.join(values)}"
        f" from {model._meta.db_table} template, {source} source"
        " where template.url = 'template' and source.url <> 'template'",
        None if given is None else [given],
    )


@dataclass(frozen=True)
class Push:
    """A push, and how it became known: by `poll`, by a `request` for a sync, by `webhook`."""

    commit: str
    at: float
    how: str


def request(method: str, path: str, port: int, body: bytes = b"{}") -> Any:
    now = int(time.time())
    signature = hmac.digest(SECRET.encode(), b"%d." % now + body, "sha256").hex()
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        method=method,
        headers={
            "Authorization": f"Bearer {TOKEN}",
            "Content-Type": "application/json",
            "X-Keeptrusts-Signature": f"t={now},v1={signature}",
        },
        data=body if method == "POST" else None,
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return answer.read()


def started(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    """`manage.py up` on a data folder of its own, beside its log."""
    with folder.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "up", *arguments],
            env=os.environ | {"KEEPTRUSTS_DATA_DIR": str(folder)} | environment,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def start_stack(folder: Path, port: int) -> subprocess.Popen[bytes]:
    stack = started(
        folder / "data",
        KEEPTRUSTS_LISTEN=f"127.0.0.1:{port}",
        KEEPTRUSTS_BOOTSTRAP_TOKEN=TOKEN,
    )
    for _ in range(600):
        with contextlib.suppress(OSError):
            request("GET", "/healthz", port)
            return stack
        time.sleep(0.1)
    raise SystemExit((folder / "data.log").read_text())


def parts(stacks: list[int], forge: int) -> dict[str, int]:
    """Process ids by name: the stacks' children, the servers', the forge's.

    Those of another stack than the first have its number behind their names.
    """
    pids = {}
    for number, stack in enumerate(stacks, 1):
        behind = "" if number == 1 else f".{number}"
        pids[f"parent{behind}"] = stack
        for child in tree(stack)[1:]:
            line = " ".join(_words(child))
            if line.startswith("keeptrusts: "):
                pids.setdefault(line.split()[1] + behind, child)
    for child in tree(os.getpid())[1:]:
        line = next(iter(_words(child)), "")
        if line.endswith("/postgres"):
            pids.setdefault("postgres", child)
        elif "redis" in line:
            pids.setdefault("redis", child)
    return pids | {"forge": forge}


def _words(pid: int) -> list[str]:
    """The command line of a process; none of one that ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except FileNotFoundError:
        return []


@dataclass(frozen=True)
class Moment:
    """All counters, read at one time."""

    at: float
    cpu: dict[str, float]
    asked: dict[str, int]
    buckets: dict[float, float]
    polls: dict[str, float]


def look(pids: dict[str, int], forge: ForgeProcess, port: int) -> Moment:
    from prometheus_client.parser import text_string_to_metric_families

    buckets: dict[float, float] = {}
    polls: dict[str, float] = {}
    for family in text_string_to_metric_families(request("GET", "/metrics", port).decode()):
        for sample in family.samples:
            if sample.name == "keeptrusts_poll_lateness_seconds_bucket":
                buckets[float(sample.labels["le"])] = sample.value
            if sample.name == "keeptrusts_polls_total":
                polls[sample.labels["outcome"]] = sample.value
    cpu = {
        name: own_seconds(pid) if name.startswith("parent") else cpu_seconds(pid)
        for name, pid in pids.items()
    }
    return Moment(time.time(), cpu, forge.stats(), buckets, polls)


def quantile(before: dict[float, float], after: dict[float, float], share: float) -> float:
    """A quantile of a histogram's growth, interpolated."""
    grown = {bound: after[bound] - before.get(bound, 0) for bound in sorted(after)}
    rank, below, low = share * max(grown.values(), default=0), 0.0, 0.0
    for bound, count in grown.items():
        if count >= rank:
            return low + (bound - low) * (rank - below) / max(count - below, 1e-9)
        below, low = count, bound
    return low


def exact(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def keep_pushing(
    forge: ForgeProcess, links: int, interval: int, port: int, until: float
) -> Iterator[Push]:
    """Push to each changing repository about once an interval."""
    from gitrepos.models import Link

    numbers = [number for number in range(links) if kind_of(number) == "changing"]
    ids = {row.url: row.pk for row in Link.objects.filter(url__contains="/changing/")}
    gap, chance = interval / len(numbers), random.Random(2)
    ways = itertools.cycle(("poll", "request", "webhook"))
    while (began := time.time()) < until:
        number, how = chance.choice(numbers), next(ways)
        commit, at = forge.push(number)
        path = f"/v1/git-repos/{ids[url_of(number, _forge_port)]}"
        if how == "request":
            request("POST", f"{path}/sync", port)
        elif how == "webhook":
            body = json.dumps({"ref": "refs/heads/main", "after": commit}).encode()
            request("POST", f"{path}/webhook", port, body)
        yield Push(commit, at, how)
        time.sleep(max(0.0, gap - (time.time() - began)))


_forge_port = 18_418


def visible(pushes: list[Push]) -> dict[str, list[float]]:
    """The seconds from each push until its version was in force, by how it became known."""
    from configurations.models import Version

    commits = [push.commit for push in pushes]
    made = Version.objects.filter(commit__in=commits).values_list("commit", "created_at")
    at = {commit: moment.timestamp() for commit, moment in made}
    took: dict[str, list[float]] = defaultdict(list)
    for push in pushes:
        if push.commit in at:
            took[push.how].append(at[push.commit] - push.at)
    return took


def report(
    options: argparse.Namespace, first: Moment, last: Moment, memory: dict[str, float],
    pushes: list[Push],
) -> None:  # fmt: skip
    seconds = last.at - first.at
    polls = {name: n - first.polls.get(name, 0) for name, n in last.polls.items()}
    asked = {name: n - first.asked.get(name, 0) for name, n in last.asked.items()}
    idle = options.links * 0.96
    print(f"\n{options.links} links, interval {options.interval} s, {seconds:.0f} s measured")
    print("answers:", ", ".join(f"{name} {n:.0f}" for name, n in sorted(polls.items())))
    late = [quantile(first.buckets, last.buckets, share) for share in (0.5, 0.99)]
    print(f"lateness p50 {late[0]:.2f} s, p99 {late[1]:.2f} s")
    calls = asked.get("quiet", 0) / idle / seconds * 3600
    print(f"forge calls per idle repository and hour {calls:.2f}")
    print(f"in flight at the forge, at most {last.asked['most_in_flight']}")
    for how, took in visible(pushes).items():
        sent = sum(push.how == how for push in pushes)
        p50, p99 = exact(took, 0.5), exact(took, 0.99)
        print(f"push to visible by {how}: {len(took)} of {sent}, p50 {p50:.2f} s, p99 {p99:.2f} s")
    total = sum(polls.values()) or 1
    print(f"{'':<10}{'cores':>8}{'ms/poll':>9}{'MiB':>7}")
    for name, spent in last.cpu.items():
        spent -= first.cpu[name]
        print(f"{name:<10}{spent / seconds:>8.3f}{spent / total * 1000:>9.3f}{memory[name]:>7.0f}")
    ours = sum(last.cpu[name] - first.cpu[name] for name in last.cpu if name != "forge")
    print(f"{'all ours':<10}{ours / seconds:>8.3f}{ours / total * 1000:>9.3f}")


def first_syncs(count: int, seconds: float) -> None:
    """Measure the first syncs of new links, and print how many there are in a second."""
    from django.utils import timezone

    from gitrepos.models import Link, Remote

    changing = Link.objects.filter(url__contains="/changing/")[:count]
    rows = dict(changing.values_list("pk", "remote_id"))
    links = Link.objects.filter(pk__in=rows)
    links.update(last_commit="", observed_generation=0)
    began = time.time()
    Remote.objects.filter(pk__in=rows.values()).update(next_poll_at=timezone.now())
    synced = 0
    while synced < len(rows) and time.time() - began < seconds:
        time.sleep(0.2)
        synced = links.filter(observed_generation=1).count()
    took = time.time() - began
    print(f"first syncs: {synced} of {len(rows)} in {took:.1f} s, {synced / took:.1f} a second")


def floor(rounds: int, forge: ForgeProcess) -> float:
    """CPU milliseconds of one `git ls-remote` against the same forge."""
    url = url_of(next(iter(forge.heads)), _forge_port)
    took = []
    for _ in range(rounds):
        before = os.times()
        subprocess.run(
            ["git", "ls-remote", url, "refs/heads/main"], capture_output=True, check=True
        )
        after = os.times()
        spent = after.children_user + after.children_system
        took.append(spent - before.children_user - before.children_system)
    return statistics.mean(took) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--links", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--interval", type=int, default=300)
    parser.add_argument("--warm-up", type=float, default=45.0)
    parser.add_argument("--pollers", type=int, default=1)
    parser.add_argument("--first-syncs", type=int, default=0)
    parser.add_argument("--listen", type=int, default=18_480)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    from tests import services  # noqa: F401  It starts the servers.

    os.environ["KEEPTRUSTS_GIT_SCHEMES"] = "http"
    import django

    django.setup()
    with tempfile.TemporaryDirectory(prefix="kt-fleet-") as name:
        measure(options, Path(name))


def measure(options: argparse.Namespace, folder: Path) -> None:
    from django.db import connections

    forge = ForgeProcess(folder, options.links, _forge_port)
    stacks: list[subprocess.Popen[bytes]] = []
    try:
        seed(options.links, options.interval, _forge_port, forge.heads)
        stacks.append(start_stack(folder, options.listen))
        for number in range(2, options.pollers + 1):
            stacks.append(started(folder / f"data{number}", "--only", "poller"))
        time.sleep(options.warm_up)
        pids = parts([stack.pid for stack in stacks], forge.process.pid)
        first = look(pids, forge, options.listen)
        until = time.time() + options.seconds
        pushes = list(keep_pushing(forge, options.links, options.interval, options.listen, until))
        last = look(pids, forge, options.listen)
        memory = {
            name: 0.0 if name.startswith("parent") else memory_mib(pid)
            for name, pid in pids.items()
        }
        report(options, first, last, memory, pushes)
        print(f"one `git ls-remote`: {floor(50, forge):.1f} ms of CPU")
        if options.first_syncs:
            first_syncs(options.first_syncs, 600)
    finally:
        forge.process.kill()
        for stack in stacks:
            stack.send_signal(signal.SIGTERM)
        for stack in stacks:
            stack.wait(60)
        connections.close_all()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
