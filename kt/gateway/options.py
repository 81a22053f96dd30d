"""The options of a gateway, which its operator sets and no policy does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

FailMode = Literal["block", "allow"]
LogFormat = Literal["text", "json"]

DEFAULT_HOST = "0.0.0.0"  # noqa: S104  The contract's default: containers are reached from outside.
DEFAULT_PORT = 41002
DEFAULT_SECRETS = ("*_API_KEY",)
MOCK_VARIABLE = "KEEPTRUSTS_MOCK_UPSTREAM"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The seconds that a target may take: to connect, to begin its answer, between chunks."""

    connect_seconds: float = 5.0
    first_byte_seconds: float = 300.0
    idle_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Managed:
    """The control plane that a gateway is bound to. One of the two tokens may be empty.

    `state_dir` holds what outlives the process; in it at most `spool_bytes` of decisions wait to
    be sent. Calls are refused when the policy was not confirmed for `max_policy_age_seconds`, 0 for
    never.
    """

    api_url: str
    gateway_id: str
    gateway_token: str = field(repr=False)
    enrolment_token: str = field(repr=False)
    state_dir: str
    spool_bytes: int
    insecure_http: bool
    max_policy_age_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model that policies may ask by `name`: a `file`, or the `url` of a moderation endpoint.

    `key` is the endpoint's credential, "" where it asks for none.
    """

    name: str
    file: str = ""
    url: str = ""
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one gateway. Keys are SHA-256 digests.

    `limits_url` is that of the Redis that counts for all processes, "" where each counts alone.
    The keys of clients are in the file `client_keys_path`, or are `client_keys` when that is "".

    The policy comes from `managed`, or from the file `policy_path` when that is None.
    `secret_globs` are the names of variables that a policy may send to a target.
    `decision_log` is "-" for stdout, "" for none, else a file that rotates. `cors_origins` are
    the origins, in lower case, whose pages may call the gateway. `models` are those that a policy
    may ask, none of a name twice.
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
    client_keys_path: str = ""
    limits_url: str = field(default="", repr=False)
    admin_keys: frozenset[bytes] = frozenset()
    cors_origins: frozenset[str] = frozenset()
    models: tuple[ModelSource, ...] = ()
    log_format: LogFormat = "text"
    timeouts: Timeouts = field(default_factory=Timeouts)
