"""The environment, read once and typed. A bad value stops the start and names itself."""

import contextlib
import ipaddress
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SCHEMES = ("https", "ssh", "http", "file")
_DATABASES = ("postgres", "postgresql", "sqlite")
_BROKERS = ("redis", "rediss", "unix")
_MIN_SECRET_LENGTH = 32


class EnvError(ValueError):
    """A variable has a value that cannot be used; the message names it and says what can."""


@dataclass(frozen=True, slots=True)
class Env:
    """What the operator asked for.

    `secret_keys` seals with its first entry and opens with any, so that keys rotate.
    `database_url` and `redis_url` are empty in the embedded default.
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
    min_poll_interval_seconds: int
    credential_warning_days: int
    cors_origins: tuple[str, ...]


def read(environ: Mapping[str, str]) -> Env:
    """Read every `KEEPTRUSTS_*` variable, `DATABASE_URL` and `REDIS_URL`.

    Makes the data folder and, in the embedded default, a secret key in it.

    Raises: `EnvError` for the first value that cannot be used.
    """
    host, port = _listen(environ.get("KEEPTRUSTS_LISTEN") or "127.0.0.1:8080")
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
        min_poll_interval_seconds=_positive(environ, "KEEPTRUSTS_MIN_POLL_INTERVAL_SECONDS", 10),
        credential_warning_days=_days(environ, "KEEPTRUSTS_CREDENTIAL_WARNING_DAYS", 14),
        cors_origins=_origins(environ.get("KEEPTRUSTS_CORS_ORIGINS", "")),
    )


def _listen(value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    number = _whole(port, 65_535)
    if number is None or not re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", host):
        raise EnvError(
            f"KEEPTRUSTS_LISTEN={value!r}: write HOST:PORT, such as 127.0.0.1:8080; the port is"
            " a number from 1 to 65535"
        )
    return host.strip("[]"), number


def _data_dir(value: str) -> Path:
    path = Path(value).absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise EnvError(f"KEEPTRUSTS_DATA_DIR={value!r}: {exc.strerror}") from exc
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
    try:
        secret = secret_file(path)
    except OSError as exc:
        raise EnvError(f"KEEPTRUSTS_DATA_DIR: {path} cannot be kept: {exc.strerror}") from exc
    if len(secret) < _MIN_SECRET_LENGTH:
        raise EnvError(
            f"KEEPTRUSTS_DATA_DIR: {path} holds no secret of {_MIN_SECRET_LENGTH} or more"
            " characters; restore it, or delete it and send every access token again"
        )
    return secret


def secret_file(path: Path) -> str:
    """The secret kept in `path`; made on the first call, readable by its owner alone.

    Two processes that start together read the same one: whoever links the file first owns it.
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
    value = environ.get(name) or str(default)
    seconds = _whole(value, 86_400)
    if seconds is None:
        raise EnvError(f"{name}={value!r}: write whole seconds from 1 to 86400")
    return seconds


def _days(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name) or str(default)
    days = _whole(value, 366)
    if days is None:
        raise EnvError(f"{name}={value!r}: write whole days from 1 to 366")
    return days


def _origins(value: str) -> tuple[str, ...]:
    origins = _words(value)
    for origin in origins:
        # As a browser sends it: lower case, no path.
        if not re.fullmatch(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", origin):
            raise EnvError(
                f"KEEPTRUSTS_CORS_ORIGINS: {origin!r} is no origin; write https://console.example"
            )
    return origins


def _whole(text: str, highest: int) -> int | None:
    """The number from 1 to `highest` that `text` is, else None."""
    number = int(text) if re.fullmatch("[0-9]{1,5}", text) else 0
    return number if 0 < number <= highest else None


def _words(value: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(",") if word.strip())
