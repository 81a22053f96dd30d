"""Gateways as their operators start them, bound to a running control plane."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from kt.gateway.managed.state import COPIES
from tests.kt.gateway.support import HARMFUL, SAFE, Running, chat
from tests.support.repo import policy
from tests.support.stack import Stack, wait_for

OPEN = policy("Open").replace("- safety-filter", "- audit-logger")
STRICT = policy("Strict")
ALLOWED, BLOCKED, UNCONFIGURED = 200, 409, 503


def register(stack: Stack, gateway: str, configuration: str | None = None) -> str:
    """Register a gateway; its token."""
    body = {"id": gateway, **({"configuration": configuration} if configuration else {})}
    reply = stack.request("POST", "/v1/gateways", body)
    assert reply.status == 201, reply.body
    token: str = reply.data["token"]
    return token


class Fleet:
    """Starts gateways, each with a state folder of its own that outlives it."""

    def __init__(self, stack: Stack, folder: Path, running: ExitStack) -> None:
        self._stack, self._folder, self._running = stack, folder, running

    def state(self, gateway: str) -> Path:
        """A gateway's state folder."""
        return self._folder / gateway

    def start(
        self, gateway: str, token: str, *arguments: str, url: str = "", **environment: str
    ) -> Running:
        """Start a gateway on the mock; `url` is that of a proxy in front of the control plane."""
        settings = {
            "KEEPTRUSTS_API_URL": url or self._stack.url,
            "KEEPTRUSTS_GATEWAY_ID": gateway,
            "KEEPTRUSTS_STATE_DIR": str(self.state(gateway)),
            **({"KEEPTRUSTS_GATEWAY_TOKEN": token} if token else {}),
            **environment,
        }
        own = ("--mock-upstream", "--decision-log", "none", *arguments)
        return self._running.enter_context(Running(None, *own, **settings))


@contextmanager
def fleet(stack: Stack, folder: Path) -> Iterator[Fleet]:
    """Gateways that end with the block."""
    with ExitStack() as running:
        yield Fleet(stack, folder, running)


def harmful(gateway: Running) -> int:
    """What becomes of a request that a strict policy stops."""
    return gateway.post(chat(HARMFUL)).status


def ordinary(gateway: Running) -> int:
    """What becomes of a request that nothing stops."""
    return gateway.post(chat(SAFE)).status


def contact(gateway: Running) -> dict[str, Any]:
    """How a gateway says that it stands with its control plane."""
    found: dict[str, Any] = gateway.get("/health").json["control_plane"]
    return found


def problem(gateway: Running) -> str | None:
    """The code of the problem that a gateway shows."""
    found = contact(gateway).get("problem")
    return found and found["code"]


def seen(stack: Stack, gateway: str) -> dict[str, Any]:
    """A gateway's row of `/v1/drift`."""
    reply = stack.request("GET", f"/v1/drift?gateway={gateway}")
    assert reply.status == 200, reply.body
    (row,) = reply.data
    assert isinstance(row, dict)
    return row


def becomes(probe: Callable[[], Any], value: Any, *, seconds: float = 60) -> None:
    """Wait until a probe gives a value."""
    last: list[Any] = []
    try:
        wait_for(lambda: last.append(probe()) or last[-1] == value, seconds=seconds)
    except AssertionError as exc:
        raise AssertionError(f"{last[-1]!r}, not {value!r}, after {seconds} s") from exc


def is_stored(folder: Path, content: str) -> bool:
    """Whether a state folder holds a policy, which it does a moment after it is in force."""
    copies = [folder / name for name in COPIES]
    return all(one.exists() and one.read_bytes().endswith(content.encode()) for one in copies)


def spooled(folder: Path) -> list[dict[str, Any]]:
    """The decisions that wait in a state folder."""
    return [
        json.loads(line)
        for path in sorted((folder / "spool").glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
