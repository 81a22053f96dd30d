"""What the API acknowledged while everything failed, and whether all of it is there."""

import hashlib
import http.client
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.repo import policy
from tests.support.stack import Reply, Stack

_PAUSE_SECONDS = 0.3
# Whoever was killed, or is not yet up, answers nothing.
NO_ANSWER = (OSError, http.client.HTTPException)
_HONEST = {(503, "unavailable"), (503, "busy"), (429, "busy")}


@dataclass
class Kept:
    """A field that one writer sets: its last acknowledged value, and those after it in doubt."""

    acknowledged: Any
    doubtful: list[Any] = field(default_factory=list)
    count: int = 0


class Ledger:
    """Writers, and what they were told.

    Each content is written once in the world. `written` are, by configuration, all that were
    sent; `acknowledged` those that were, in the order of each writer; `numbers` the versions that
    answers named. `kept` are fields, by path and name. `odd` are answers that are neither done
    nor an honest refusal.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.written: dict[str, set[str]] = defaultdict(set)
        self.acknowledged: dict[tuple[str, int], list[str]] = defaultdict(list)
        self.numbers: dict[str, set[tuple[int, str]]] = defaultdict(set)
        self.kept: dict[tuple[str, str], Kept] = {}
        self.odd: list[str] = []
        self.refused = 0

    @property
    def count(self) -> int:
        """The number of acknowledged writes."""
        contents = sum(map(len, self.acknowledged.values()))
        return contents + sum(kept.count for kept in self.kept.values())

    def write(self, configuration: str, writer: int) -> None:
        """Give a configuration a content of its own, and make it when it is not there."""
        content = policy(f"{configuration} {os.urandom(6).hex()}")
        digest = hashlib.sha256(content.encode()).hexdigest()
        self.written[configuration].add(digest)
        path = f"/v1/configurations/{configuration}"
        reply = self._ask("PATCH", path, {"content": content})
        if reply is not None and reply.status == 404:
            body = {"id": configuration, "content": content}
            reply = self._ask("POST", "/v1/configurations", body)
        if reply is not None and reply.status < 300:
            self.acknowledged[configuration, writer].append(digest)
            # It may name the version of another writer that came between.
            named = reply.data["version"], reply.data["content_hash"]
            self.numbers[configuration].add(named)

    def keep(self, path: str, name: str, value: Any) -> None:
        """Begin with a field, which has this value now."""
        self.kept[path, name] = Kept(value)

    def set(self, path: str, name: str, value: Any) -> None:
        """Set a field that nobody else sets."""
        kept = self.kept[path, name]
        kept.doubtful.append(value)
        reply = self._ask("PATCH", path, {name: value})
        if reply is not None and reply.status < 300:
            kept.acknowledged, kept.doubtful = value, []
            kept.count += 1

    def _ask(self, method: str, path: str, body: Any) -> Reply | None:
        """The answer; None without any."""
        try:
            reply = self._stack.request(method, path, body)
        except NO_ANSWER:
            return None
        code = reply.json["error"]["code"] if reply.status >= 300 else ""
        if (reply.status, code) in _HONEST:
            self.refused += 1
        # Two writers, or one whose first answer was lost, make a configuration at once.
        elif code and (reply.status, code) not in {(404, "not_found"), (409, "id_taken")}:
            self.odd.append(f"{method} {path}: {reply.status} {reply.body[:300]!r}")
        return reply

    def lost(self) -> Iterator[str]:
        """Whatever is not as it was acknowledged."""
        for configuration in self.written:
            yield from self._lost_of(configuration)
        for (path, name), kept in self.kept.items():
            found = self._stack.get(path)[name]
            if found not in (kept.acknowledged, *kept.doubtful):
                yield f"{path}: {name} is {found!r}, not {kept}"

    def _lost_of(self, configuration: str) -> Iterator[str]:
        path = f"/v1/configurations/{configuration}"
        rows = self._stack.get(f"{path}/versions")[::-1]
        numbers = [row["number"] for row in rows]
        digests = [row["content_hash"] for row in rows]
        if numbers != list(range(1, len(rows) + 1)):
            yield f"{configuration}: its versions are {numbers}"
        if self._stack.get(path)["content_hash"] != digests[-1]:
            yield f"{configuration}: its last version is not in force"
        if len(set(digests)) != len(digests) or set(digests) - self.written[configuration]:
            yield f"{configuration}: a version is doubled, or nobody's"
        if missing := self.numbers[configuration] - set(zip(numbers, digests, strict=True)):
            yield f"{configuration}: these were answered, and are not there: {missing}"
        for (name, writer), told in self.acknowledged.items():
            if name == configuration and [one for one in digests if one in set(told)] != told:
                yield f"{configuration}: writer {writer} was told of others, or in another order"


@contextmanager
def repeating(acts: Sequence[Callable[[], None]]) -> Iterator[None]:
    """Do each of these again and again, in a thread of its own, until the end of the block."""
    over, failed = threading.Event(), list[BaseException]()

    def repeat(act: Callable[[], None]) -> None:
        try:
            while not over.wait(_PAUSE_SECONDS):
                act()
        except BaseException as exc:
            failed.append(exc)
            raise

    threads = [threading.Thread(target=repeat, args=(act,), daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(timeout=120)
    assert not any(thread.is_alive() for thread in threads), "a writer waits for an answer"
    assert failed == []
