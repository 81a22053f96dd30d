"""Settings from the environment, read once and typed. A bad value stops the start."""

import contextlib
import ipaddress
import os
import re
import secrets
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keeptrusts import outbound, private

if TYPE_CHECKING:
    from kt.evidence.witnessing import Witness
    from kt.tracing.settings import Settings as Traces

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_READERS = ("own", "git")
_LOG_FORMATS = ("text", "json")
_SCHEMES = ("https", "ssh", "http", "file")
_DATABASES = ("postgres", "postgresql", "sqlite")
_BROKERS = ("redis", "rediss", "unix")
_MIN_SECRET_LENGTH = 32
_HIGHEST = 86_400
SQLITE = "keeptrusts.sqlite3"
# The second is what a file system puts into the root of a volume.
_IN_DATA_DIR = ("work", "lost+found")
_WITH_ISSUER = (
    "KEEPTRUSTS_OIDC_CLIENT_ID", "KEEPTRUSTS_OIDC_SCOPES", "KEEPTRUSTS_OIDC_NAME",
)  # fmt: skip
_OF_MAIL = (
    "KEEPTRUSTS_SMTP_HOST", "KEEPTRUSTS_SMTP_PORT", "KEEPTRUSTS_SMTP_STARTTLS",
    "KEEPTRUSTS_SMTP_USER", "KEEPTRUSTS_SMTP_FROM",
)  # fmt: skip
# By the variable that names a file which has the value of another.
FILES = {
    "DATABASE_URL_FILE": "DATABASE_URL",
    "REDIS_URL_FILE": "REDIS_URL",
    "KEEPTRUSTS_SECRET_KEY_FILE": "KEEPTRUSTS_SECRET_KEY",
    "KEEPTRUSTS_BOOTSTRAP_TOKEN_FILE": "KEEPTRUSTS_BOOTSTRAP_TOKEN",
    "KEEPTRUSTS_OIDC_CLIENT_SECRET_FILE": "KEEPTRUSTS_OIDC_CLIENT_SECRET",
    "KEEPTRUSTS_SMTP_PASSWORD_FILE": "KEEPTRUSTS_SMTP_PASSWORD",
}
_LONGEST_SECRET = 4096
_THIS_MACHINE = ("127.0.0.1", "[::1]", "localhost")
_PATH = r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?"
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")


class EnvError(ValueError):
    """A variable's value cannot be used; the message names the variable and a valid form."""


@dataclass(frozen=True, slots=True)
class Provider:
    """The OpenID provider that people sign in by.

    `client_secret` is empty for a client that has none. `name` is on the button.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Mailer:
    """The SMTP host that notifications are mailed by; `user` is empty where it wants none."""

    host: str
    port: int
    starttls: bool
    user: str
    password: str = field(repr=False)
    sender: str


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
    environ = _with_files(environ)
    host, port = _listen(environ, "KEEPTRUSTS_LISTEN", "127.0.0.1:8080")
    events_host, events_port = _listen(environ, "KEEPTRUSTS_EVENTS_LISTEN", "127.0.0.1:8081")
    ready_host, ready_port = "", 0
    if environ.get("KEEPTRUSTS_READY_LISTEN"):
        ready_host, ready_port = _listen(environ, "KEEPTRUSTS_READY_LISTEN", "127.0.0.1:8082")
    data_dir = _data_dir(environ.get("KEEPTRUSTS_DATA_DIR") or "var")
    database_url = _server("DATABASE_URL", environ.get("DATABASE_URL", ""), _DATABASES)
    return Env(
        listen_host=host,
        listen_port=port,
        data_dir=data_dir,
        secret_keys=_secret_keys(environ, data_dir, embedded=not database_url),
        bootstrap_token=_bootstrap_token(environ.get("KEEPTRUSTS_BOOTSTRAP_TOKEN", "")),
        database_url=database_url,
        redis_url=_server("REDIS_URL", environ.get("REDIS_URL", ""), _BROKERS),
        git_schemes=_schemes(environ.get("KEEPTRUSTS_GIT_SCHEMES") or "https,ssh"),
        git_allowed_networks=_networks(environ.get("KEEPTRUSTS_GIT_ALLOWED_NETWORKS", "")),
        git_ca_file=_ca_file(environ.get("KEEPTRUSTS_GIT_CA_FILE", "")),
        git_allowed_refs=_refs(environ.get("KEEPTRUSTS_GIT_ALLOWED_REFS", "")),
        git_reader=_reader(environ.get("KEEPTRUSTS_GIT_READER") or "own"),
        git_proxy=_proxy(environ.get("KEEPTRUSTS_GIT_PROXY", "")),
        git_no_proxy=_no_proxy(environ.get("KEEPTRUSTS_GIT_NO_PROXY", "")),
        git_host_concurrency=_limit(environ, "KEEPTRUSTS_GIT_HOST_CONCURRENCY") or 32,
        git_host_calls_per_minute=_limit(environ, "KEEPTRUSTS_GIT_HOST_CALLS_PER_MINUTE"),
        min_poll_interval_seconds=_positive(environ, "KEEPTRUSTS_MIN_POLL_INTERVAL_SECONDS", 10),
        credential_warning_days=_days(environ, "KEEPTRUSTS_CREDENTIAL_WARNING_DAYS", 14),
        event_retention_days=_positive(environ, "KEEPTRUSTS_EVENT_RETENTION_DAYS", 90),
        cors_origins=_origins(environ.get("KEEPTRUSTS_CORS_ORIGINS", "")),
        events_host=events_host,
        events_port=events_port,
        events_url=_base(environ.get("KEEPTRUSTS_EVENTS_URL") or web_url(host, port)),
        events_connections=_limit(environ, "KEEPTRUSTS_EVENTS_CONNECTIONS") or 20_000,
        gateway_offline_seconds=_positive(environ, "KEEPTRUSTS_GATEWAY_OFFLINE_SECONDS", 300),
        decision_retention_days=_days(environ, "KEEPTRUSTS_DECISION_RETENTION_DAYS", 30),
        decision_hourly_mebibytes=_positive(environ, "KEEPTRUSTS_DECISION_HOURLY_MEBIBYTES", 256),
        token_max_days=_most_days(environ, "KEEPTRUSTS_TOKEN_MAX_DAYS"),
        requests_per_minute=_rate(environ, "KEEPTRUSTS_REQUESTS_PER_MINUTE", 6000),
        public_url=_public_url(environ.get("KEEPTRUSTS_PUBLIC_URL", "")),
        provider=_provider(environ),
        mailer=_mailer(environ),
        ready_host=ready_host,
        ready_port=ready_port,
        witnesses=_witnesses(environ.get("KEEPTRUSTS_WITNESSES", "")),
        log_format=_log_format(environ.get("KEEPTRUSTS_LOG_FORMAT") or "text"),
        traces=_traces(environ),
    )


def _with_files(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The variables, with those of which a file has the value. No error repeats one."""
    given = {name: path for name in FILES if (path := environ.get(name))}
    read_from = {}
    for name, path in given.items():
        meant = FILES[name]
        if environ.get(meant):
            raise EnvError(f"{meant}: set it or {name}, not both")
        read_from[meant] = _in_file(name, path)
    return {**environ, **read_from}


def _in_file(name: str, path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_LONGEST_SECRET + 1)
    except (OSError, UnicodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is no UTF-8"
        raise EnvError(f"{name}={path!r}: {reason}") from exc
    if not text.strip() or len(text) > _LONGEST_SECRET:
        raise EnvError(f"{name}={path!r}: write 1 to {_LONGEST_SECRET} characters into it")
    return text.strip()


def web_url(host: str, port: int) -> str:
    """The url on this machine of a server that listens on `host`."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://{f'[{reached}]' if ':' in reached else reached}:{port}"


def _listen(environ: Mapping[str, str], name: str, default: str) -> tuple[str, int]:
    value = environ.get(name) or default
    host, _, port = value.rpartition(":")
    number = _whole(port, 65_535)
    if number is None or not re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", host):
        raise EnvError(
            f"{name}={value!r}: write HOST:PORT, such as {default}; the port is a number from 1"
            " to 65535"
        )
    return host.strip("[]"), number


def _data_dir(value: str) -> Path:
    path = Path(value).absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        private.close(str(path), folders=_IN_DATA_DIR)
    except OSError as exc:
        raise EnvError(f"KEEPTRUSTS_DATA_DIR={value!r}: {exc.filename}: {exc.strerror}") from exc
    return path


def _secret_keys(environ: Mapping[str, str], data_dir: Path, *, embedded: bool) -> tuple[str, ...]:
    keys = _words(environ.get("KEEPTRUSTS_SECRET_KEY", ""))
    if any(len(key) < _MIN_SECRET_LENGTH for key in keys):
        raise EnvError(
            f"KEEPTRUSTS_SECRET_KEY: each key needs {_MIN_SECRET_LENGTH} or more characters;"
            " make one with `openssl rand -hex 32`"
        )
    if keys:
        return keys
    if not embedded:
        raise EnvError(
            "KEEPTRUSTS_SECRET_KEY is not set: with DATABASE_URL every process must share one;"
            " make it with `openssl rand -hex 32`"
        )
    return (_own_secret(data_dir / "secret-key"),)


def _own_secret(path: Path) -> str:
    if not path.exists() and (path.parent / SQLITE).exists():
        raise EnvError(
            f"KEEPTRUSTS_DATA_DIR: {path} is gone, and {SQLITE} is sealed with it; restore it. If"
            " it is lost for good, put another secret there (openssl rand -hex 32), and run"
            " manage.py rotate_signing_key --lost"
        )
    try:
        secret = secret_file(path)
    except OSError as exc:
        raise EnvError(f"KEEPTRUSTS_DATA_DIR: {path} cannot be used: {exc.strerror}") from exc
    if len(secret) < _MIN_SECRET_LENGTH:
        raise EnvError(
            f"KEEPTRUSTS_DATA_DIR: {path} holds no secret of {_MIN_SECRET_LENGTH} or more"
            " characters; restore it, or delete it and send every access token again"
        )
    return secret


def secret_file(path: Path) -> str:
    """The secret in `path`; made on the first call, readable by its owner alone.

    Two processes that start together get the same one: the first to link the file wins.
    """
    if not path.exists():
        # A draft's name is its own: process ids repeat among containers that share a volume.
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as draft:
            draft.write(secrets.token_urlsafe(48) + "\n")
            draft.flush()
            # The other process's secret is as good, and both must use one.
            with contextlib.suppress(FileExistsError):
                os.link(draft.name, path)
    return path.read_text().strip()


def _bootstrap_token(value: str) -> str:
    if value and len(value) < _MIN_SECRET_LENGTH:
        raise EnvError(f"KEEPTRUSTS_BOOTSTRAP_TOKEN: use {_MIN_SECRET_LENGTH} or more characters")
    if not re.fullmatch(r"[\x21-\x7e]*", value):
        raise EnvError("KEEPTRUSTS_BOOTSTRAP_TOKEN: use printable ASCII without spaces")
    return value


def _server(name: str, value: str, schemes: tuple[str, ...]) -> str:
    """A server's url or empty. The error does not repeat the value: it may hold a password."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in schemes and "://" in value and parts.port != 0
    except ValueError:
        usable = False
    if value and not usable:
        raise EnvError(f"{name}: write a url with a valid port and one of {', '.join(schemes)}")
    return value


def _schemes(value: str) -> frozenset[str]:
    schemes = frozenset(_words(value))
    if unknown := sorted(schemes.difference(_SCHEMES)):
        raise EnvError(
            f"KEEPTRUSTS_GIT_SCHEMES: {unknown[0]!r} is not one of {', '.join(_SCHEMES)}"
        )
    if not schemes:
        raise EnvError(f"KEEPTRUSTS_GIT_SCHEMES: name some of {', '.join(_SCHEMES)}")
    return schemes


def _networks(value: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(word) for word in _words(value))
    except ValueError as exc:
        raise EnvError(
            f"KEEPTRUSTS_GIT_ALLOWED_NETWORKS: {exc}; write CIDRs such as 10.0.0.0/8"
        ) from exc


def _positive(environ: Mapping[str, str], name: str, default: int) -> int:
    """A number in the unit that ends the name."""
    value = environ.get(name) or str(default)
    number = _whole(value, _HIGHEST)
    if number is None:
        unit = name.rpartition("_")[2].lower()
        raise EnvError(f"{name}={value!r}: write whole {unit} from 1 to {_HIGHEST}")
    return number


def _ca_file(value: str) -> str:
    """The file's absolute path, since git runs in other folders; empty when none is set."""
    if not value:
        return ""
    path = str(Path(value).absolute())
    try:
        ssl.create_default_context(cafile=path)
    except OSError as exc:
        reason = "it holds no certificate in PEM" if isinstance(exc, ssl.SSLError) else exc.strerror
        raise EnvError(f"KEEPTRUSTS_GIT_CA_FILE={value!r}: {reason}") from exc
    return path


def _refs(value: str) -> tuple[str, ...]:
    patterns = tuple(_words(value))
    for pattern in patterns:
        if not re.fullmatch(r"refs/(?!heads/|tags/)[A-Za-z0-9._-]+/([A-Za-z0-9._-]+/)*\*", pattern):
            raise EnvError(
                f"KEEPTRUSTS_GIT_ALLOWED_REFS: {pattern!r} is no pattern of refs that are neither"
                " branches nor tags; write such as refs/pull/*"
            )
    return patterns


def _reader(value: str) -> str:
    if value not in _READERS:
        raise EnvError(f"KEEPTRUSTS_GIT_READER={value!r}: write {' or '.join(_READERS)}")
    return value


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


def _proxy(value: str) -> str:
    """A proxy's url or empty. The error does not repeat the value: it may hold a password."""
    if value and not outbound.is_proxy(value):
        raise EnvError(
            "KEEPTRUSTS_GIT_PROXY: write http://HOST:PORT or https://HOST:PORT, with"
            " USER:PASSWORD@ before the host if it wants them; percent-encode their signs other"
            " than letters, digits and -._~"
        )
    return value.rstrip("/")


def _no_proxy(value: str) -> tuple[str, ...]:
    exceptions = tuple(word.lower() for word in _words(value))
    for exception in exceptions:
        if not outbound.is_exception(exception):
            raise EnvError(
                f"KEEPTRUSTS_GIT_NO_PROXY: {exception!r} is no host; write names such as"
                " git.example or .example, addresses, CIDRs, each with :PORT if you want, or *"
            )
    return exceptions


def _limit(environ: Mapping[str, str], name: str) -> int | None:
    value = environ.get(name) or ""
    number = _whole(value, 99_999)
    if value and number is None:
        raise EnvError(f"{name}={value!r}: write a whole number from 1 to 99999")
    return number


def _rate(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name) or str(default)
    number = 0 if value == "0" else _whole(value, 99_999)
    if number is None:
        raise EnvError(f"{name}={value!r}: write a whole number from 1 to 99999, or 0 for no limit")
    return number


def _days(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name) or str(default)
    days = _whole(value, 3650)
    if days is None:
        raise EnvError(f"{name}={value!r}: write whole days from 1 to 3650")
    return days


def _most_days(environ: Mapping[str, str], name: str) -> int | None:
    return _days(environ, name, 0) if environ.get(name) else None


def _base(value: str) -> str:
    """A url without a slash at its end, to which paths are appended."""
    if not re.fullmatch(r"https?://[A-Za-z0-9._\[\]:-]+(/[A-Za-z0-9._~/-]*)?", value):
        raise EnvError(
            f"KEEPTRUSTS_EVENTS_URL={value!r}: write a url such as https://events.example"
        )
    return value.rstrip("/")


def _origins(value: str) -> tuple[str, ...]:
    origins = _words(value)
    for origin in origins:
        # As a browser sends it: lower case, no path.
        if not re.fullmatch(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", origin):
            raise EnvError(
                f"KEEPTRUSTS_CORS_ORIGINS: {origin!r} is no origin; write https://console.example"
            )
    return origins


def _witnesses(value: str) -> "tuple[Witness, ...]":
    if not value:
        return ()
    # Cryptography is a fifth of the parent's memory, which reads this, too.
    from kt.evidence import witnessing
    from kt.evidence.notes import NoteError

    try:
        return tuple(witnessing.named(word) for word in _words(value))
    except NoteError as exc:
        raise EnvError(f"KEEPTRUSTS_WITNESSES: {exc}") from exc


def _public_url(value: str) -> str:
    """The address of the console in a browser: an origin, without a slash at its end."""
    value = value.rstrip("/")
    if value and not _is_safe(value, rest=""):
        raise EnvError(
            f"KEEPTRUSTS_PUBLIC_URL={value!r}: write such as https://keeptrusts.example, without a"
            " path; http is for 127.0.0.1, [::1] and localhost alone"
        )
    return value


def _provider(environ: Mapping[str, str]) -> Provider | None:
    given = {name: environ.get(name, "") for name in ("KEEPTRUSTS_OIDC_ISSUER", *_WITH_ISSUER)}
    secret = _secret(environ, "KEEPTRUSTS_OIDC_CLIENT_SECRET")
    if not any(given.values()) and not secret:
        return None
    for name in ("KEEPTRUSTS_OIDC_ISSUER", "KEEPTRUSTS_OIDC_CLIENT_ID"):
        if not re.fullmatch(r"[\x21-\x7e]{1,500}", given[name]):
            raise EnvError(f"{name}: sign-in by OpenID Connect wants it, as the provider has it")
    if not environ.get("KEEPTRUSTS_PUBLIC_URL"):
        raise EnvError(
            "KEEPTRUSTS_PUBLIC_URL is not set: sign-in by OpenID Connect wants the address that"
            " browsers come back to, such as https://keeptrusts.example"
        )
    issuer = given["KEEPTRUSTS_OIDC_ISSUER"]
    if not _is_safe(issuer, rest=_PATH):
        raise EnvError(
            f"KEEPTRUSTS_OIDC_ISSUER={issuer!r}: write the issuer as its configuration has it, such"
            " as https://login.example/realms/org; http is for this machine alone"
        )
    scopes = tuple((given["KEEPTRUSTS_OIDC_SCOPES"] or "openid profile email").split())
    if "openid" not in scopes or not all(map(_SCOPE.fullmatch, scopes)):
        raise EnvError(
            "KEEPTRUSTS_OIDC_SCOPES: write scopes with blanks between them, openid among them"
        )
    name = given["KEEPTRUSTS_OIDC_NAME"] or urlsplit(issuer).hostname or issuer
    if not name.isprintable() or len(name) > 60:
        raise EnvError("KEEPTRUSTS_OIDC_NAME: use a line of at most 60 characters")
    return Provider(issuer, given["KEEPTRUSTS_OIDC_CLIENT_ID"], secret, scopes, name)


def _secret(environ: Mapping[str, str], name: str) -> str:
    """A secret that is sent to a server. No error repeats it."""
    text = environ.get(name, "")
    if not re.fullmatch(r"[\x21-\x7e]*", text):
        raise EnvError(f"{name}: it is no printable ASCII without spaces")
    return text


def _mailer(environ: Mapping[str, str]) -> Mailer | None:
    given = {name: environ.get(name, "") for name in _OF_MAIL}
    password = _secret(environ, "KEEPTRUSTS_SMTP_PASSWORD")
    if not any(given.values()) and not password:
        return None
    host, user = given["KEEPTRUSTS_SMTP_HOST"], given["KEEPTRUSTS_SMTP_USER"]
    if not re.fullmatch(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+", host):
        raise EnvError("KEEPTRUSTS_SMTP_HOST: write the name or address of the host that mails")
    port = _whole(given["KEEPTRUSTS_SMTP_PORT"] or "587", 65_535)
    if port is None:
        raise EnvError("KEEPTRUSTS_SMTP_PORT: write a number from 1 to 65535")
    starttls = given["KEEPTRUSTS_SMTP_STARTTLS"] or "true"
    if starttls not in ("true", "false"):
        raise EnvError("KEEPTRUSTS_SMTP_STARTTLS: write true or false")
    if not re.fullmatch(r"[^\s@<>,]{1,64}@[A-Za-z0-9.-]{1,253}", given["KEEPTRUSTS_SMTP_FROM"]):
        raise EnvError("KEEPTRUSTS_SMTP_FROM: write the address that mail comes from")
    if bool(user) != bool(password):
        raise EnvError("KEEPTRUSTS_SMTP_USER and KEEPTRUSTS_SMTP_PASSWORD: set both, or neither")
    if user and starttls == "false" and host not in ("127.0.0.1", "::1", "localhost"):
        raise EnvError("KEEPTRUSTS_SMTP_STARTTLS: without it a password goes to this machine alone")
    return Mailer(host, port, starttls == "true", user, password, given["KEEPTRUSTS_SMTP_FROM"])


def _is_safe(url: str, *, rest: str) -> bool:
    """Whether what goes to a url is read by nobody in between; `rest` is the form of its path."""
    host = r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])"
    found = re.fullmatch(rf"(https?)://(?P<host>{host})(:[1-9][0-9]{{0,4}})?{rest}", url)
    return found is not None and (found[1] == "https" or found["host"] in _THIS_MACHINE)


def _whole(text: str, highest: int) -> int | None:
    """`text` as a number from 1 to `highest`; None for anything else."""
    number = int(text) if re.fullmatch("[0-9]{1,5}", text) else 0
    return number if 0 < number <= highest else None


def _words(value: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(",") if word.strip())
