"""A simulated forge with all repositories in memory: ten hosts of the real protocol on loopback.

Listings and packs are answered 20 ms after they were asked for, and cost the forge so little that
a bench on the same machine measures who asks. Each repository has one policy, and its number is in
its url.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from simulated.forge import POLICY, pkt, unchunked  # noqa: E402

from tests.support.packs import BLOB, COMMIT, TREE, name, packed, whole_object  # noqa: E402

LATENCY_SECONDS = 0.02
HOSTS = [f"127.0.4.{number}" for number in range(1, 11)]
_OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-git-upload-pack-result\r\n"
_PIECE_BYTES = 60_000


def url_of(number: int, port: int) -> str:
    return f"http://{HOSTS[number % len(HOSTS)]}:{port}/{number}.git"


class State(NamedTuple):
    """A repository at a commit: its id, and the packs that bring it here."""

    head: str
    commit: bytes
    blob: bytes


def state(number: int, version: int, parent: str = "") -> State:
    """The state of a repository once its policy has a version; `parent` is the commit before."""
    text = POLICY.format(id=f"policy-{number}", number=version).encode()
    blob = name(BLOB, text)
    tree = b"100644 policy-config.yaml\0" + blob
    who = f"Bench <bench@keeptrusts.example> {1_700_000_000 + version} +0000"
    lines = [f"tree {name(TREE, tree).hex()}", *([f"parent {parent}"] if parent else [])]
    commit = "\n".join([*lines, f"author {who}", f"committer {who}", "", "push", ""]).encode()
    return State(
        name(COMMIT, commit).hex(),
        packed([whole_object(COMMIT, commit), whole_object(TREE, tree)]),
        packed([whole_object(BLOB, text)]),
    )


class Forge:
    """Repositories by number, and counts of requests."""

    def __init__(self, count: int) -> None:
        self.asked: Counter[str] = Counter()
        self._version = 1
        self._states = [state(number, 1) for number in range(count)]
        self.in_flight = self.most_in_flight = 0

    def push(self) -> None:
        """Push a new version of each policy."""
        self._version += 1
        self._states = [
            state(number, self._version, before.head) for number, before in enumerate(self._states)
        ]

    def answer(self, path: str, body: bytes) -> bytes:
        repository = self._states[int(path.split(".git/")[0].lstrip("/"))]
        if b"command=ls-refs" in body:
            self.asked["listings"] += 1
            return pkt(f"{repository.head} refs/heads/main\n") + b"0000"
        if b"filter blob:none" in body:
            self.asked["commits"] += 1
            shallow = pkt("shallow-info\n") + pkt(f"shallow {repository.head}\n") + b"0001"
            return shallow + _packfile(repository.commit)
        self.asked["blobs"] += 1
        return _packfile(repository.blob)


def _packfile(content: bytes) -> bytes:
    pieces = [content[at : at + _PIECE_BYTES] for at in range(0, len(content), _PIECE_BYTES)]
    framed = [b"%04x\x01%s" % (len(piece) + 5, piece) for piece in pieces]
    return b"".join([pkt("packfile\n"), *framed, b"0000"])


class Connection(asyncio.Protocol):
    """One client's connection; requests follow one another on it."""

    def __init__(self, forge: Forge) -> None:
        self.forge = forge
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        start, *lines = head.decode().lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        if headers.get("transfer-encoding") == "chunked":
            if not body.endswith(b"0\r\n\r\n"):
                return
            body = unchunked(body)
        elif len(body) < int(headers.get("content-length", 0)):
            return
        self.buffer = b""
        forge = self.forge
        forge.in_flight += 1
        forge.most_in_flight = max(forge.most_in_flight, forge.in_flight)
        answer = forge.answer(start.split(" ")[1], body)
        asyncio.get_running_loop().call_later(LATENCY_SECONDS, self.reply, answer)

    def reply(self, answer: bytes) -> None:
        self.forge.in_flight -= 1
        if not self.transport.is_closing():
            self.transport.write(_OK + b"content-length: %d\r\n\r\n" % len(answer) + answer)


async def serve(count: int, port: int) -> None:
    """Serve, and take commands as lines of standard input: `push`, `stats`."""
    forge = Forge(count)
    loop = asyncio.get_running_loop()
    for host in HOSTS:
        await loop.create_server(lambda: Connection(forge), host, port, backlog=1024)
    print("ready", flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        if line == b"push\n":
            forge.push()
        told = {**forge.asked, "most_in_flight": forge.most_in_flight, "at": time.time()}
        print(json.dumps(told), flush=True)


class PackedForge:
    """Such a forge in a process of its own, and its commands."""

    def __init__(self, count: int, port: int) -> None:
        command = [sys.executable, __file__, str(count), str(port)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def push(self) -> dict[str, float]:
        """Push to every repository; what was asked until then."""
        return self._ask("push\n")

    def stats(self) -> dict[str, float]:
        """What was asked until now."""
        return self._ask("stats\n")

    def _ask(self, words: str) -> dict[str, float]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(words)
        stats: dict[str, float] = json.loads(self.process.stdout.readline())
        return stats


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
