"""The search for a secret in files, a broker and processes, in every encoding."""

import base64
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import redis

from tests.support.stack import descendants

Place = tuple[str, bytes]


def spellings(secret: str) -> dict[str, bytes]:
    """The encodings of a secret: plain, url-encoded, hex, and base64 at every offset."""
    raw = secret.encode()
    forms = {
        "plain": raw,
        "url": quote(secret, safe="").encode(),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
    }
    for shift in range(3):
        # The characters that no byte before or after the secret has a part in.
        first, end = (shift * 8 + 5) // 6, (shift + len(raw)) * 8 // 6
        for name, encode in (("base64", base64.b64encode), ("b64url", base64.urlsafe_b64encode)):
            forms[f"{name}+{shift}"] = encode(b"\0" * shift + raw)[first:end]
    return forms


def search(secrets: Iterable[str], places: Iterable[Place]) -> list[tuple[str, str, str]]:
    """The places of secrets: (place, the secret's first characters, encoding)."""
    wanted = [
        (secret[:8], name, text) for secret in secrets for name, text in spellings(secret).items()
    ]
    return [
        (place, secret, name)
        for place, content in places
        for secret, name, text in wanted
        if text in content
    ]


def files(folder: Path) -> Iterator[Place]:
    """Every file below a folder, by its path, and its name."""
    for path in sorted(folder.rglob("*")):
        yield f"name of {path}", str(path).encode()
        if path.is_file():
            yield str(path), path.read_bytes()


def broker(url: str) -> Iterator[Place]:
    """Every value that a broker holds."""
    client = redis.Redis.from_url(url)
    for key in client.scan_iter():
        yield f"broker {key!r}", key + b" " + (client.dump(key) or b"")  # type: ignore[operator]
    client.close()


class Watch:
    """A watch of the processes below one: their command lines and environments.

    `seen` has each that differs, once.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.seen: set[bytes] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def places(self) -> Iterator[Place]:
        """The command lines and environments that were seen."""
        for content in sorted(self.seen):
            yield f"process {content[:60]!r}", content

    def _look(self) -> None:
        parents: dict[int, int] = {}
        while not self._ended.wait(0.02):
            for pid in [self.pid, *descendants(self.pid, parents)]:
                for name in ("cmdline", "environ"):
                    if content := _read(f"/proc/{pid}/{name}"):
                        self.seen.add(content)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
