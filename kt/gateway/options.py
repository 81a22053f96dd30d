"""What an operator says about one gateway, as opposed to what a policy says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

FailMode = Literal["block", "allow"]

DEFAULT_HOST = "0.0.0.0"  # noqa: S104  The contract's default: containers are reached from outside.
DEFAULT_PORT = 41002
DEFAULT_SECRETS = ("*_API_KEY",)
MOCK_VARIABLE = "KEEPTRUSTS_MOCK_UPSTREAM"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a target may take, in seconds: to connect, to begin answering, between chunks."""

    connect_seconds: float = 5.0
    first_byte_seconds: float = 300.0
    idle_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """One gateway. Keys are kept as they are compared: SHA-256 digests.

    `secret_globs` are the names of variables that a policy may send to a target.
    `decision_log` is "-" for stdout, "" for none, else a file that rotates.
    """

    policy_path: str
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    fail_mode: FailMode = "block"
    mock_upstream: bool = False
    mock_script: str = ""
    secret_globs: tuple[str, ...] = DEFAULT_SECRETS
    workers: int = 1
    max_concurrency: int = 1000
    decision_log: str = "-"
    decision_log_bytes: int = 64 << 20
    client_keys: frozenset[bytes] = frozenset()
    admin_keys: frozenset[bytes] = frozenset()
    timeouts: Timeouts = field(default_factory=Timeouts)
