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
class Managed:
    """A control plane that says what to enforce. One of the two tokens may be empty.

    `state_dir` keeps what outlives the process, of that at most `spool_bytes` of decisions that
    wait to be sent.
    """

    api_url: str
    gateway_id: str
    gateway_token: str = field(repr=False)
    enrolment_token: str = field(repr=False)
    state_dir: str
    spool_bytes: int
    insecure_http: bool


@dataclass(frozen=True, slots=True)
class Options:
    """One gateway. Keys are kept as they are compared: SHA-256 digests.

    The policy comes from `managed`, or from the file `policy_path` when that is None.
    `secret_globs` are the names of variables that a policy may send to a target.
    `decision_log` is "-" for stdout, "" for none, else a file that rotates.
    """

    policy_path: str = ""
    managed: Managed | None = None
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
