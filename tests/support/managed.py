"""Gateways bound to a running control plane, started as operators do."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from kt.gateway.managed.state import COPIES
from tests.kt.gateway.support import HARMFUL, SAFE, Running, chat
from tests.support.repo import policy
from tests.support.stack import PATIENCE_SECONDS, Stack, wait_for

OPEN = policy("Open").replace("- safety-filter", "- audit-logger")
STRICT = policy("Strict")
ALLOWED, BLOCKED, UNCONFIGURED = 200, 409, 503


def register(stack: Stack, gateway: str, configuration: str | None = None) -> str:
    """Register a gateway; returns its token."""
    body = {"id": gateway, **({"configuration": configuration} if configuration else {})}
    reply = stack.request("POST", "/v1/gateways", body)
    assert reply.status == 201, reply.body
    token: str = reply.data["token"]
    return token


class Fleet:
    """Gateways to start, each with a state folder that outlives it."""

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
    """The status of a request that a strict policy stops."""
    return gateway.post(chat(HARMFUL)).status


def ordinary(gateway: Running) -> int:
    """The status of a request that no policy stops."""
    return gateway.post(chat(SAFE)).status


def contact(gateway: Running) -> dict[str, Any]:
    """The state of a gateway's contact with its control plane, from its `/health`."""
    state: dict[str, Any] = gateway.get("/health").json["control_plane"]
    return state


def problem(gateway: Running) -> str | None:
    """The code of the problem that a gateway shows."""
    fault = contact(gateway).get("problem")
    return fault and fault["code"]


def seen(stack: Stack, gateway: str) -> dict[str, Any]:
    """A gateway's row of `/v1/drift`."""
    reply = stack.request("GET", f"/v1/drift?gateway={gateway}")
    assert reply.status == 200, reply.body
    (row,) = reply.data
    assert isinstance(row, dict)
    return row


def becomes(probe: Callable[[], Any], value: Any, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until a probe gives a value."""
    last: list[Any] = []
    try:
        wait_for(lambda: last.append(probe()) or last[-1] == value, seconds=seconds)
    except AssertionError as exc:
        raise AssertionError(f"{last[-1]!r}, not {value!r}, after {seconds} s") from exc


def is_stored(folder: Path, content: str) -> bool:
    """True when a state folder holds a policy, which is stored a moment after it is in force."""
    copies = [folder / name for name in COPIES]
    return all(one.exists() and one.read_bytes().endswith(content.encode()) for one in copies)


def spooled(folder: Path) -> list[dict[str, Any]]:
    """The decisions that wait in a state folder to be sent."""
    return [
        json.loads(line)
        for path in sorted((folder / "spool").glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
