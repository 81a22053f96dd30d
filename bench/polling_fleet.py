"""A fleet of linked repositories on a simulated forge: what polling all of them costs.

    python bench/polling_fleet.py [--links 1000] [--seconds 300] [--interval 300] [--first-syncs 0]

PostgreSQL and Redis as the tests start them (without fsync), the whole control plane as
`manage.py up` runs it, and a forge on loopback in a process of its own: twenty hosts of the real
protocol with 50 ms latency. Of the links, seeded as already synced, 1 % are pushed to about once
an interval (with real `git http-backend` behind them), 1 % are on hosts that are down, 1 % hang,
and 1 % are on one host that answers 429. A third of the pushes is left to the poll, the others are
followed by a request for a sync or by a delivery to the webhook.

CPU is that of each part with everything it started; the forge's is told apart.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
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
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

LATENCY_SECONDS = 0.05
HOSTS = [f"127.0.1.{number}" for number in range(1, 21)]
DOWN = [f"127.0.2.{number}" for number in range(1, 251)]
LIMITED = "127.0.3.1"
TOKEN = "a-token-for-benchmarks-0123456789abcdef"
SECRET = "a-webhook-secret-for-benchmarks"
POLICY = """\
pack:
  id: {id}
  name: {id}
  version: 1.0.{number}
  enabled: true
policies:
  chain: [safety-filter]
"""


def kind_of(number: int) -> str:
    """What the forge does with a link: one of each hundred is something else than quiet."""
    return {0: "changing", 1: "down", 2: "hanging", 3: "limited"}.get(number % 100, "quiet")


def url_of(number: int, port: int) -> str:
    kind = kind_of(number)
    many = DOWN if kind == "down" else [LIMITED] if kind == "limited" else HOSTS
    return f"http://{many[number // 100 % len(many)]}:{port}/{kind}/{number}.git"


def head_of(number: int) -> str:
    """The commit of a repository that never changes."""
    return hashlib.sha256(url_of(number, 0).rpartition("/")[2].encode()).hexdigest()[:40]


# --- the forge -----------------------------------------------------------------------------------


def pkt(line: str) -> bytes:
    return f"{len(line) + 4:04x}{line}".encode()


class Forge:
    """Repositories, what was asked of them, and pushes: (number, commit, when)."""

    def __init__(self, folder: Path, changing: list[int]) -> None:
        self.folder = folder
        self.heads = dict.fromkeys(changing, "")
        self.versions: Counter[int] = Counter()
        self.asked: Counter[str] = Counter()
        self.in_flight = self.most_in_flight = 0
        self.running: set[asyncio.Task[None]] = set()

    def answer(self, path: str, body: bytes) -> bytes | None:
        """To a listing of refs; None for what git itself must answer."""
        _, kind, name, *rest = path.split("/")
        number = int(name.removesuffix(".git"))
        if kind == "limited":
            self.asked["limited"] += 1
            return b"HTTP/1.1 429 Slow\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n"
        if rest != ["git-upload-pack"] or b"command=ls-refs" not in body:
            self.asked["git"] += 1
            return None
        self.asked[kind] += 1
        head = self.heads.get(number) or head_of(number)
        listing = pkt(f"{head} refs/heads/main\n") + b"0000"
        start = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-git-upload-pack-result\r\n"
        return start + b"content-length: %d\r\n\r\n" % len(listing) + listing

    async def push(self, number: int) -> str:
        """Commit a new version of the one file; returns the commit."""
        self.versions[number] += 1
        text = POLICY.format(id=f"policy-{number}", number=self.versions[number])
        parent = f"from {self.heads[number]}\n" if self.heads[number] else ""
        stream = (
            f"commit refs/heads/main\ncommitter Bench <bench@keeptrusts.example> now\n"
            f"data 4\npush\n{parent}"
            f"M 100644 inline policy-config.yaml\ndata {len(text)}\n{text}\n"
        )
        where = f"--git-dir={self.folder / 'changing' / f'{number}.git'}"
        importing = ["git", where, "fast-import", "--quiet", "--date-format=now"]
        await run(importing, stream.encode())
        self.heads[number] = (await run(["git", where, "rev-parse", "main"])).decode().strip()
        return self.heads[number]


async def run(command: list[str], stdin: bytes = b"", **environment: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", **environment},
    )
    output, _ = await process.communicate(stdin)
    return output


class Connection(asyncio.Protocol):
    """One client's connection; requests follow one another on it."""

    def __init__(self, forge: Forge) -> None:
        self.forge = forge
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        start, *lines = head.decode().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
        if headers.get("transfer-encoding") == "chunked":
            if not rest.endswith(b"0\r\n\r\n"):
                return
            body = unchunked(rest)
        elif len(rest) < int(headers.get("content-length", 0)):
            if headers.get("expect"):
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return
        else:
            body = rest
        self.buffer = b""
        self.serve(start.split(" "), headers, body)

    def serve(self, start: list[str], headers: dict[str, str], body: bytes) -> None:
        path, _, query = start[1].partition("?")
        if path.startswith("/hanging/"):
            self.forge.asked["hanging"] += 1
            return
        forge = self.forge
        forge.in_flight += 1
        forge.most_in_flight = max(forge.most_in_flight, forge.in_flight)
        answer = forge.answer(path, body)
        loop = asyncio.get_running_loop()
        if answer is not None:
            loop.call_later(LATENCY_SECONDS, self.reply, answer)
        else:
            task = loop.create_task(self.by_git(start[0], path, query, headers, body))
            forge.running.add(task)
            task.add_done_callback(forge.running.discard)

    async def by_git(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> None:
        await asyncio.sleep(LATENCY_SECONDS)
        output = await run(
            ["git", "http-backend"],
            body,
            GIT_PROJECT_ROOT=str(self.forge.folder),
            GIT_HTTP_EXPORT_ALL="1",
            REQUEST_METHOD=method,
            PATH_INFO=path,
            QUERY_STRING=query,
            CONTENT_TYPE=headers.get("content-type", ""),
            CONTENT_LENGTH=str(len(body)),
            GIT_PROTOCOL=headers.get("git-protocol", ""),
            HTTP_CONTENT_ENCODING=headers.get("content-encoding", ""),
            REMOTE_ADDR="127.0.0.1",
        )
        head, _, content = output.partition(b"\r\n\r\n")
        status = b"200 OK"
        if head.startswith(b"Status: "):
            status, _, head = head.removeprefix(b"Status: ").partition(b"\r\n")
        start = b"HTTP/1.1 " + status + b"\r\n" + head
        self.reply(start + b"\r\ncontent-length: %d\r\n\r\n" % len(content) + content)

    def reply(self, answer: bytes) -> None:
        self.forge.in_flight -= 1
        if not self.transport.is_closing():
            self.transport.write(answer)


def unchunked(data: bytes) -> bytes:
    parts = []
    while (size := int(data.split(b"\r\n", 1)[0], 16)) > 0:
        data = data.split(b"\r\n", 1)[1]
        parts.append(data[:size])
        data = data[size + 2 :]
    return b"".join(parts)


async def serve_forge(folder: Path, links: int, port: int) -> None:
    """Serve, and obey lines on standard input: `push NUMBER`, `stats`."""
    changing = [number for number in range(links) if kind_of(number) == "changing"]
    forge = Forge(folder, changing)
    loop = asyncio.get_running_loop()
    for number in changing:
        await forge.push(number)
    for host in [*HOSTS, LIMITED]:
        await loop.create_server(lambda: Connection(forge), host, port, backlog=1024)
    print(json.dumps(forge.heads), flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while words := (await reader.readline()).split():
        if words[0] == b"push":
            print(await forge.push(int(words[1])), time.time(), flush=True)
        else:
            print(json.dumps({**forge.asked, "most_in_flight": forge.most_in_flight}), flush=True)


class ForgeProcess:
    """The forge from outside."""

    def __init__(self, folder: Path, links: int, port: int) -> None:
        template = folder / "template.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(template)], check=True)
        subprocess.run(["rm", "-rf", str(template / "hooks")], check=True)
        for setting in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
            subprocess.run(
                ["git", "--git-dir", str(template), "config", setting, "true"], check=True
            )
        (folder / "changing").mkdir()
        for number in filter(lambda n: kind_of(n) == "changing", range(links)):
            target = folder / "changing" / f"{number}.git"
            subprocess.run(["cp", "-r", str(template), str(target)], check=True)
        command = [sys.executable, __file__, "--forge", str(folder)]
        self.process = subprocess.Popen(
            [*command, "--links", str(links), "--port", str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        self.heads = {int(number): head for number, head in json.loads(self._line()).items()}

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def _ask(self, words: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(words + "\n")
        return self._line()

    def push(self, number: int) -> tuple[str, float]:
        commit, at = self._ask(f"push {number}").split()
        return commit, float(at)

    def stats(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self._ask("stats"))
        return found


# --- the fleet -----------------------------------------------------------------------------------


def seed(links: int, interval: int, port: int, heads: dict[int, str]) -> None:
    """Link every repository, as if its last poll had found it synced."""
    from django.core.management import call_command
    from django.db import connection

    from gitrepos.credentials import sealed_webhook_secret
    from gitrepos.models import GitRepo, Remote
    from gitrepos.turns import next_turn
    from kt.policy.verify import VERIFY_VERSION

    call_command("migrate", verbosity=0)
    now = datetime.now(UTC)
    remote = Remote.objects.create(url="template", interval_seconds=interval)
    GitRepo.objects.create(
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
        copy(cursor, GitRepo, "gitrepos_remote", None, {
            "id": "gen_random_uuid()", "remote_id": "source.id", "url": "source.url",
            "last_commit": "left(encode(sha256("
            "substring(source.url from '[0-9]+.git$')::bytea), 'hex'), 40)",
        })  # fmt: skip
        GitRepo.objects.filter(url="template").delete()
        Remote.objects.filter(url="template").delete()
        for number, head in heads.items():
            row = GitRepo.objects.get(url=url_of(number, port))
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


def start_stack(folder: Path, port: int) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "KEEPTRUSTS_LISTEN": f"127.0.0.1:{port}",
        "KEEPTRUSTS_BOOTSTRAP_TOKEN": TOKEN,
        "KEEPTRUSTS_DATA_DIR": str(folder / "data"),
    }
    log = (folder / "stack.log").open("wb")
    command = [sys.executable, str(ROOT / "manage.py"), "up"]
    stack = subprocess.Popen(
        command, env=environment, stdout=log, stderr=log, start_new_session=True
    )
    for _ in range(600):
        with contextlib.suppress(OSError):
            request("GET", "/healthz", port)
            return stack
        time.sleep(0.1)
    raise SystemExit((folder / "stack.log").read_text())


# --- what is measured ----------------------------------------------------------------------------


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def cpu_seconds(pid: int) -> float:
    """Of a tree, with the children that it has waited for."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> float:
    """Of a tree; what several share is divided among them."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def parts(stack: int, forge: int) -> dict[str, int]:
    """Process ids by name: the stack's children, the servers', the forge's."""
    found = {"parent": stack}
    for child in tree(stack)[1:]:
        line = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        parent = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1]
        if parent == str(stack):
            words = {"--queues tick": "poller", "--queues sync": "syncer", " beat": "beat"}
            name = next((name for word, name in words.items() if word in line), "web")
            found[name] = child
    for child in tree(os.getpid())[1:]:
        line = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0].decode()
        if line.endswith("/postgres"):
            found.setdefault("postgres", child)
        elif "redis" in line:
            found.setdefault("redis", child)
    return found | {"forge": forge}


@dataclass(frozen=True)
class Moment:
    """Everything that only grows, read at one time."""

    at: float
    cpu: dict[str, float]
    asked: dict[str, int]
    buckets: dict[float, float]
    polls: dict[str, float]


def look(found: dict[str, int], forge: ForgeProcess, port: int) -> Moment:
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
        name: own_seconds(pid) if name == "parent" else cpu_seconds(pid)
        for name, pid in found.items()
    }
    return Moment(time.time(), cpu, forge.stats(), buckets, polls)


def own_seconds(pid: int) -> float:
    """Of one process without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quantile(before: dict[float, float], after: dict[float, float], share: float) -> float:
    """Of a histogram's growth, interpolated."""
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
    from gitrepos.models import GitRepo

    numbers = [number for number in range(links) if kind_of(number) == "changing"]
    ids = {row.url: row.pk for row in GitRepo.objects.filter(url__contains="/changing/")}
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
    """How long each push took until its version was in force, by how it became known."""
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
    """How many links a second are synced for the first time, once all of them are new."""
    from django.utils import timezone

    from gitrepos.models import GitRepo, Remote

    changing = GitRepo.objects.filter(url__contains="/changing/")[:count]
    rows = dict(changing.values_list("pk", "remote_id"))
    links = GitRepo.objects.filter(pk__in=rows)
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
    parser.add_argument("--first-syncs", type=int, default=0)
    parser.add_argument("--listen", type=int, default=18_480)
    parser.add_argument("--forge", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.forge:
        asyncio.run(serve_forge(options.forge, options.links, options.port))
        return
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
    stack = None
    try:
        seed(options.links, options.interval, _forge_port, forge.heads)
        stack = start_stack(folder, options.listen)
        found = parts(stack.pid, forge.process.pid)
        time.sleep(options.warm_up)
        first = look(found, forge, options.listen)
        until = time.time() + options.seconds
        pushes = list(keep_pushing(forge, options.links, options.interval, options.listen, until))
        last = look(found, forge, options.listen)
        memory = {name: memory_mib(pid) for name, pid in found.items() if name != "parent"}
        report(options, first, last, memory | {"parent": 0.0}, pushes)
        print(f"one `git ls-remote`: {floor(50, forge):.1f} ms of CPU")
        if options.first_syncs:
            first_syncs(options.first_syncs, 600)
    finally:
        forge.process.kill()
        if stack is not None:
            stack.send_signal(signal.SIGTERM)
            stack.wait(60)
        connections.close_all()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
