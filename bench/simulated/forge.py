"""A simulated forge in a process of its own: twenty hosts of the real protocol on loopback.

Listings of refs are answered here, after 50 ms; all else by `git http-backend`. Of each hundred
repositories one changes, one is on a host that is down, one hangs, and one is on a host that
answers 429.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

LATENCY_SECONDS = 0.05
HOSTS = [f"127.0.1.{number}" for number in range(1, 21)]
DOWN = [f"127.0.2.{number}" for number in range(1, 251)]
LIMITED = "127.0.3.1"
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
    """The behaviour of a repository by its number: of each hundred four are not quiet."""
    return {0: "changing", 1: "down", 2: "hanging", 3: "limited"}.get(number % 100, "quiet")


def url_of(number: int, port: int) -> str:
    kind = kind_of(number)
    many = DOWN if kind == "down" else [LIMITED] if kind == "limited" else HOSTS
    return f"http://{many[number // 100 % len(many)]}:{port}/{kind}/{number}.git"


def head_of(number: int) -> str:
    """The commit of a repository that never changes."""
    return hashlib.sha256(url_of(number, 0).rpartition("/")[2].encode()).hexdigest()[:40]


def pkt(line: str) -> bytes:
    return f"{len(line) + 4:04x}{line}".encode()


class Forge:
    """Repositories, counts of requests, and pushes: (number, commit, time)."""

    def __init__(self, folder: Path, changing: list[int]) -> None:
        self.folder = folder
        self.heads = dict.fromkeys(changing, "")
        self.versions: Counter[int] = Counter()
        self.asked: Counter[str] = Counter()
        self.in_flight = self.most_in_flight = 0
        self.running: set[asyncio.Task[None]] = set()

    def answer(self, path: str, body: bytes) -> bytes | None:
        """The answer to a listing of refs; None for a request that git itself must answer."""
        _, kind, name, *rest = path.split("/")
        number = int(name.removesuffix(".git"))
        if kind == "limited":
            self.asked["limited"] += 1
            return b"HTTP/1.1 429 Slow\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n"
        if rest != ["git-upload-pack"] or b"command=ls-refs" not in body:
            self.asked["advertised" if rest == ["info", "refs"] else "git"] += 1
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
        head, separator, rest = self.buffer.partition(b"\r\n\r\n")
        if not separator:
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
    """Serve, and take commands as lines of standard input: `push NUMBER`, `stats`."""
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
    """A forge in a process of its own, and its commands."""

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
        command = [sys.executable, __file__, str(folder), str(links), str(port)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
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
        stats: dict[str, int] = json.loads(self._ask("stats"))
        return stats


if __name__ == "__main__":
    asyncio.run(serve_forge(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
