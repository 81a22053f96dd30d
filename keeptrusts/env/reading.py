"""Settings of a process, read once from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keeptrusts.env import addresses, forges, secret_values, values
from keeptrusts.env.errors import EnvError
from keeptrusts.env.forges import Network
from keeptrusts.env.mailer import Mailer, mailer
from keeptrusts.env.provider import Provider, provider

if TYPE_CHECKING:
    from kt.evidence.witnessing import Witness
    from kt.tracing.settings import Settings as Traces

_LOG_FORMATS = ("text", "json")


@dataclass(frozen=True, slots=True)
class Env:
    """The settings of a process.

    The first of `secret_keys` seals, and each of them opens, so that keys can be rotated.
    `database_url` and `redis_url` are empty in the embedded default.
    `git_reader` is `own`, or `git` where git reads all that forges send.
    `git_ca_file` is empty where only the system's authorities are trusted, `git_proxy` where forges
    are called directly. `git_allowed_refs` are patterns such as `refs/pull/*`.
    `token_max_days` is None where a token may last for ever.
    `git_host_calls_per_minute` is None where a host's calls are not limited, `requests_per_minute`,
    those of a token, is 0 there.
    `public_url` is empty where nobody said by which address people reach the console, `provider`
    None where they sign in with tokens alone, `mailer` where no mail is sent. `ready_port` is 0
    where the parent answers no probes.
    """

    listen_host: str
    listen_port: int
    data_dir: Path
    secret_keys: tuple[str, ...]
    bootstrap_token: str
    database_url: str
    redis_url: str
    git_schemes: frozenset[str]
    git_allowed_networks: tuple[Network, ...]
    git_ca_file: str
    git_allowed_refs: tuple[str, ...]
    git_reader: str
    git_proxy: str
    git_no_proxy: tuple[str, ...]
    git_host_concurrency: int
    git_host_calls_per_minute: int | None
    min_poll_interval_seconds: int
    credential_warning_days: int
    event_retention_days: int
    cors_origins: tuple[str, ...]
    events_host: str
    events_port: int
    events_url: str
    events_connections: int
    gateway_offline_seconds: int
    decision_retention_days: int
    decision_hourly_mebibytes: int
    token_max_days: int | None
    requests_per_minute: int
    public_url: str
    provider: Provider | None
    mailer: Mailer | None
    ready_host: str
    ready_port: int
    witnesses: "tuple[Witness, ...]"
    log_format: str
    traces: "Traces | None"


def read(environ: Mapping[str, str]) -> Env:
    """Read every `KEEPTRUSTS_*` variable, `DATABASE_URL` and `REDIS_URL`.

    Makes the data folder and, in the embedded default, a secret key in it.

    Raises:
        EnvError: a value cannot be used; the first one is named.
    """
    environ = secret_values.with_files(environ)
    host, port = addresses.listen(environ, "KEEPTRUSTS_LISTEN", "127.0.0.1:8080")
    events_host, events_port = addresses.listen(
        environ, "KEEPTRUSTS_EVENTS_LISTEN", "127.0.0.1:8081"
    )
    ready_host, ready_port = "", 0
    if environ.get("KEEPTRUSTS_READY_LISTEN"):
        ready_host, ready_port = addresses.listen(
            environ, "KEEPTRUSTS_READY_LISTEN", "127.0.0.1:8082"
        )
    data_dir = secret_values.data_dir(environ.get("KEEPTRUSTS_DATA_DIR") or "var")
    database_url = addresses.server(environ, "DATABASE_URL", addresses.DATABASES)
    return Env(
        listen_host=host,
        listen_port=port,
        data_dir=data_dir,
        secret_keys=secret_values.secret_keys(environ, data_dir, embedded=not database_url),
        bootstrap_token=secret_values.bootstrap_token(
            environ.get("KEEPTRUSTS_BOOTSTRAP_TOKEN", "")
        ),
        database_url=database_url,
        redis_url=addresses.server(environ, "REDIS_URL", addresses.BROKERS),
        git_schemes=forges.schemes(environ.get("KEEPTRUSTS_GIT_SCHEMES") or "https,ssh"),
        git_allowed_networks=forges.networks(environ.get("KEEPTRUSTS_GIT_ALLOWED_NETWORKS", "")),
        git_ca_file=forges.ca_file(environ.get("KEEPTRUSTS_GIT_CA_FILE", "")),
        git_allowed_refs=forges.refs(environ.get("KEEPTRUSTS_GIT_ALLOWED_REFS", "")),
        git_reader=forges.reader(environ.get("KEEPTRUSTS_GIT_READER") or "own"),
        git_proxy=forges.proxy(environ.get("KEEPTRUSTS_GIT_PROXY", "")),
        git_no_proxy=forges.no_proxy(environ.get("KEEPTRUSTS_GIT_NO_PROXY", "")),
        git_host_concurrency=values.limit(environ, "KEEPTRUSTS_GIT_HOST_CONCURRENCY") or 32,
        git_host_calls_per_minute=values.limit(environ, "KEEPTRUSTS_GIT_HOST_CALLS_PER_MINUTE"),
        min_poll_interval_seconds=values.positive(
            environ, "KEEPTRUSTS_MIN_POLL_INTERVAL_SECONDS", 10
        ),
        credential_warning_days=values.days(environ, "KEEPTRUSTS_CREDENTIAL_WARNING_DAYS", 14),
        event_retention_days=values.positive(environ, "KEEPTRUSTS_EVENT_RETENTION_DAYS", 90),
        cors_origins=addresses.origins(environ.get("KEEPTRUSTS_CORS_ORIGINS", "")),
        events_host=events_host,
        events_port=events_port,
        events_url=addresses.events_url(environ, addresses.web_url(host, port)),
        events_connections=values.limit(environ, "KEEPTRUSTS_EVENTS_CONNECTIONS") or 20_000,
        gateway_offline_seconds=values.positive(environ, "KEEPTRUSTS_GATEWAY_OFFLINE_SECONDS", 300),
        decision_retention_days=values.days(environ, "KEEPTRUSTS_DECISION_RETENTION_DAYS", 30),
        decision_hourly_mebibytes=values.positive(
            environ, "KEEPTRUSTS_DECISION_HOURLY_MEBIBYTES", 256
        ),
        token_max_days=values.most_days(environ, "KEEPTRUSTS_TOKEN_MAX_DAYS"),
        requests_per_minute=values.rate(environ, "KEEPTRUSTS_REQUESTS_PER_MINUTE", 6000),
        public_url=addresses.public_url(environ.get("KEEPTRUSTS_PUBLIC_URL", "")),
        provider=provider(environ),
        mailer=mailer(environ),
        ready_host=ready_host,
        ready_port=ready_port,
        witnesses=_witnesses(environ.get("KEEPTRUSTS_WITNESSES", "")),
        log_format=_log_format(environ.get("KEEPTRUSTS_LOG_FORMAT") or "text"),
        traces=_traces(environ),
    )


def _log_format(value: str) -> str:
    if value not in _LOG_FORMATS:
        raise EnvError(f"KEEPTRUSTS_LOG_FORMAT={value!r}: write {' or '.join(_LOG_FORMATS)}")
    return value


def _traces(environ: Mapping[str, str]) -> "Traces | None":
    """Where spans go, by OpenTelemetry's own variables."""
    if not any(name.startswith("OTEL_EXPORTER_OTLP_") for name in environ):
        return None
    from kt.tracing import settings
    from kt.tracing.errors import SettingsError

    try:
        return settings.read(environ, service="keeptrusts")
    except SettingsError as exc:
        raise EnvError(str(exc)) from exc


def _witnesses(value: str) -> "tuple[Witness, ...]":
    if not value:
        return ()
    # Cryptography is a fifth of the parent's memory, which reads this, too.
    from kt.evidence import witnessing
    from kt.evidence.notes import NoteError

    try:
        return tuple(witnessing.named(word) for word in values.words(value))
    except NoteError as exc:
        raise EnvError(f"KEEPTRUSTS_WITNESSES: {exc}") from exc
