"""`kt gateway run`, and `kt run`: enforce a policy in front of any model.

Exit codes: 0 stopped by SIGTERM or SIGINT, 1 a worker died, 2 it could not start.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping
from errno import EADDRINUSE
from importlib.util import find_spec
from typing import TYPE_CHECKING, get_args

from kt.cli.errors import CommandError
from kt.cli.gateway.managed import add_managed, read_managed
from kt.cli.models.named import add_models, read_models
from kt.cli.numbers import positive
from kt.gateway.options import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    DEFAULT_SECRETS,
    MOCK_VARIABLE,
    LogFormat,
    Options,
    Timeouts,
)
from kt.policy.files import FILE_NAME

if TYPE_CHECKING:
    from socket import socket

_CLIENT_KEYS = "KEEPTRUSTS_GATEWAY_CLIENT_KEYS"
_ADMIN_KEYS = "KEEPTRUSTS_GATEWAY_ADMIN_TOKEN"
_LIMITS_URL = "KEEPTRUSTS_LIMITS_URL"
_CORS_ORIGINS = "KEEPTRUSTS_GATEWAY_CORS_ORIGINS"
_LOG_FORMAT = "KEEPTRUSTS_LOG_FORMAT"
_LOG_FORMATS: tuple[LogFormat, ...] = get_args(LogFormat)
_TRUE = ("1", "true", "yes", "on")
_MOST_PORTS = 65_535
_DEFAULT_TIMEOUTS = Timeouts()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("--policy-config", "--config", dest="policy", metavar="F",
        help="the policy file; without it the gateway is managed, see below")  # fmt: skip
    add("--listen", metavar="HOST:PORT", help=f"default: {DEFAULT_HOST}:{DEFAULT_PORT}")
    add("--port", type=int, metavar="N", help="the port alone, on every address")
    add("--fail-mode", choices=("block", "allow"), default="block",
        help="of a call when the policy cannot be evaluated; default: block")  # fmt: skip
    add("--mock-upstream", action="store_true", help=f"call no model; also {MOCK_VARIABLE}=1")
    add("--mock-script", default="", metavar="F", help="a JSON file with the mock's answers")
    add("--secret-env", action="append", metavar="GLOB", help="for keys; default: *_API_KEY")
    add("--workers", type=positive, default=1, metavar="N",
        help="processes on the port; default: 1")  # fmt: skip
    add("--max-concurrency", type=positive, default=1000, metavar="N",
        help="calls at once, in each process; default: 1000")  # fmt: skip
    add("--decision-log", default="-", metavar="F",
        help="a file, - for stdout, none for none; default: -")  # fmt: skip
    add("--decision-log-bytes", type=positive, default=64 << 20, metavar="N",
        help="size at which the file rotates; default: 64 MiB")  # fmt: skip
    add(
        "--client-keys",
        metavar="F",
        help=f"a file: a key a line, or names in YAML; also {_CLIENT_KEYS}",
    )
    add("--cors-origin", action="append", metavar="URL",
        help=f"whose pages may call; also {_CORS_ORIGINS}, comma-separated")  # fmt: skip
    add("--log-format", choices=_LOG_FORMATS, metavar="FORM",
        help=f"of lines on stderr, text or json; default: text; also {_LOG_FORMAT}")  # fmt: skip
    add_models(add)
    _add_timeouts(parser)
    add_managed(parser)


def _add_timeouts(parser: argparse.ArgumentParser) -> None:
    for name in ("connect", "first-byte", "idle"):
        default = getattr(_DEFAULT_TIMEOUTS, f"{name.replace('-', '_')}_seconds")
        parser.add_argument(
            f"--{name}-timeout", type=_seconds, default=default, metavar="S",
            help=f"of a target; default: {default:g}",
        )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Start the gateway and serve until told to stop.

    What it writes is its own: policies, client keys, decisions.
    """
    os.umask(0o077)
    settings = _options(options, os.environ)
    listeners = _listen(settings)
    try:
        from kt.gateway.run import run as serve
    except ImportError as exc:
        from kt.cli.models.extra import command

        message = f"the gateway needs {exc.name}, which kt was installed without: {command()}"
        raise CommandError(message) from exc
    from kt.gateway.errors import SettingError
    from kt.gateway.policy.loading import PolicyError
    from kt.gateway.policy.source import SourceError
    from kt.gateway.upstream.mockscript import ScriptError
    from kt.tracing.errors import SettingsError

    try:
        return serve(settings, os.environ, listeners)
    except PolicyError as exc:
        lines = ["the policy cannot be served"]
        for problem, fix in zip(exc.problems, exc.fixes, strict=True):
            lines += [f"{options.policy}:{problem}", *([f"  help: {fix}"] if fix else [])]
        raise CommandError("\n".join(lines)) from exc
    except OSError as exc:
        raise CommandError(_unread(exc)) from exc
    except (ScriptError, SettingError, SettingsError, SourceError) as exc:
        raise CommandError(f"{exc}") from exc


def _unread(exc: OSError) -> str:
    """What cannot be read, and why; of a directory also what to give instead."""
    name = exc.filename or "the policy"
    if isinstance(exc, IsADirectoryError):
        inside = os.path.join(name, FILE_NAME)
        fix = f"give {inside}" if os.path.isfile(inside) else "give the file in it"
        return f"{name} is a directory; {fix}"
    return f"{name}: {exc.strerror}"


def _listen(settings: Options) -> list[socket]:
    """Take the port before the imports that serving needs, which are most of a start."""
    from kt.gateway.process.listen import listen

    try:
        return listen(settings.host, settings.port, count=settings.workers)
    except OSError as exc:
        fix = "; end what uses it, or give another --listen" if exc.errno == EADDRINUSE else ""
        raise CommandError(f"{settings.host}:{settings.port}: {exc.strerror}{fix}") from exc


def _options(given: argparse.Namespace, environment: Mapping[str, str]) -> Options:
    managed = read_managed(given, environment)
    host, port = _address(given)
    keys_path: str | None = given.client_keys
    if keys_path == "":
        # As from a variable that is not set: without keys everybody could call.
        raise CommandError("--client-keys needs the name of a file")
    from kt.gateway.clients.keys import digests

    return Options(
        policy_path=given.policy or "",
        managed=managed,
        host=host,
        port=port,
        fail_mode=given.fail_mode,
        mock_upstream=given.mock_upstream or environment.get(MOCK_VARIABLE, "").lower() in _TRUE,
        mock_script=given.mock_script,
        secret_globs=tuple(given.secret_env or DEFAULT_SECRETS),
        workers=given.workers,
        max_concurrency=given.max_concurrency,
        decision_log=_decision_log(given.decision_log),
        decision_log_bytes=given.decision_log_bytes,
        client_keys=digests(environment.get(_CLIENT_KEYS, "") if keys_path is None else ""),
        client_keys_path=keys_path or "",
        limits_url=_limits_url(environment),
        admin_keys=digests(environment.get(_ADMIN_KEYS, "")),
        cors_origins=read_origins(
            given.cors_origin or environment.get(_CORS_ORIGINS, "").split(",")
        ),
        models=read_models(given, environment),
        log_format=_log_format(given, environment),
        timeouts=Timeouts(given.connect_timeout, given.first_byte_timeout, given.idle_timeout),
    )


def _decision_log(path: str) -> str:
    """The path of the decision log, "" for none; refused when it cannot be written."""
    if path in ("none", "-"):
        return "" if path == "none" else path
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK, 0o600))
    except OSError as exc:
        raise CommandError(f"--decision-log {path}: {exc.strerror}") from exc
    return path


def _log_format(given: argparse.Namespace, environment: Mapping[str, str]) -> LogFormat:
    chosen = given.log_format or environment.get(_LOG_FORMAT) or "text"
    for form in _LOG_FORMATS:
        if chosen == form:
            return form
    raise CommandError(f"{_LOG_FORMAT}={chosen!r}: write {' or '.join(_LOG_FORMATS)}")


def _limits_url(environment: Mapping[str, str]) -> str:
    """The address of the Redis that counts limits; no option, since it may hold a password."""
    url = environment.get(_LIMITS_URL, "").strip()
    if url and find_spec("redis") is None:
        from kt.cli.models.extra import command

        message = f"{_LIMITS_URL} needs redis, which kt was installed without: {command()}"
        raise CommandError(message)
    return url


def read_origins(texts: Iterable[str]) -> frozenset[str]:
    """The origins whose pages may call. Each is named: `*` would be every page of the web.

    Raises:
        CommandError: one is no origin.
    """
    found = frozenset(one.strip().lower().removesuffix("/") for one in texts if one.strip())
    for origin in sorted(found):
        scheme, _, host = origin.partition("://")
        plain = host.isascii() and host.isprintable() and not set("/?#@*, ") & set(host)
        if scheme not in ("http", "https") or not host or not plain:
            raise CommandError(f"--cors-origin takes SCHEME://HOST[:PORT], not {origin!r}")
    return found


def _address(given: argparse.Namespace) -> tuple[str, int]:
    if given.listen is None:
        return DEFAULT_HOST, _port(DEFAULT_PORT if given.port is None else given.port)
    if given.port is not None:
        raise CommandError("give --listen or --port, not both")
    host, colon, port = given.listen.rpartition(":")
    if not colon or not port.isdigit():
        raise CommandError(f"--listen takes HOST:PORT, not {given.listen!r}")
    return host.strip("[]") or DEFAULT_HOST, _port(int(port))


def _port(number: int) -> int:
    if not 0 < number <= _MOST_PORTS:
        raise CommandError(f"a port is a number from 1 to {_MOST_PORTS}, not {number}")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("must be a number of seconds above 0")
    return number
