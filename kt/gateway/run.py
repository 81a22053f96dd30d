"""Starting a gateway from its options, in one process or several."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Mapping, Sequence

from kt.addresses import redis_warnings
from kt.gateway.gateway import Gateway, timestamp
from kt.gateway.options import DEFAULT_HOST, LogFormat, Options
from kt.gateway.policy.loading import load
from kt.gateway.policy.source import FileSource
from kt.gateway.process.lines import FORMATS
from kt.gateway.process.log import LogLines
from kt.gateway.process.server import serve
from kt.gateway.process.workers import supervise
from kt.gateway.upstream.mockscript import Line, parse_script

_LOG = logging.getLogger("kt.gateway")


def run(
    options: Options, environment: Mapping[str, str], listeners: Sequence[socket.socket]
) -> int:
    """Serve until told to stop, with a process for each listener; the exit status.

    Raises:
        OSError: the policy, the client keys, or the state folder of a managed gateway cannot be
            read.
        PolicyError: the policy cannot be served.
        SettingError: the file of client keys, or the url of limits, is not as it should be.
        SourceError: a managed gateway has no token.
        ScriptError: the mock's script is not valid.
    """
    _log_to_stderr(options.log_format)
    gateway = _gateway(options, environment)
    _greet(gateway)
    if len(listeners) > 1:
        return supervise(gateway, listeners)
    serve(gateway, listeners[0], lambda: None)
    return 0


def _gateway(options: Options, environment: Mapping[str, str]) -> Gateway:
    if options.managed is not None:
        from kt.gateway.managed.start import prepare

        return prepare(options, options.managed, environment, _script(options))
    source = FileSource(options.policy_path)
    loaded = load(source.read(), options, environment, source=source.name, now=timestamp())
    return Gateway(options, source, loaded, environment, _script(options))


def _script(options: Options) -> tuple[Line, ...]:
    if options.mock_script:
        with open(options.mock_script, "rb") as file:
            return parse_script(file.read())
    return ()


def _greet(gateway: Gateway) -> None:
    """Say at once that it is up: whoever started it may wait for that line."""
    what, *warnings = _greeting(gateway)
    if gateway.options.log_format == "text":
        lines = [f"kt: {what}", *(f"kt: warning: {one}" for one in warnings)]
        print("\n".join(lines), file=sys.stderr, flush=True)
        return
    _LOG.info("%s", what)
    for warning in warnings:
        _LOG.warning("%s", warning)


def _greeting(gateway: Gateway) -> list[str]:
    """What it enforces and where, and warnings."""
    options, loaded = gateway.options, gateway.loaded
    what = f"enforcing {loaded.id} {loaded.pack.version}"
    if not loaded.is_configured:
        what = f"{gateway.problem}; refusing every call"
    limits = [f"KEEPTRUSTS_LIMITS_URL: {line}" for line in redis_warnings(options.limits_url)]
    where = f"{what} on {options.host}:{options.port}"
    return [where, *_open_to_all(gateway), *limits, *loaded.warnings]


def _open_to_all(gateway: Gateway) -> list[str]:
    """The warning of a gateway that anybody may use, since it was told neither where nor whom."""
    host, port = gateway.options.host, gateway.options.port
    if host != DEFAULT_HOST or gateway.callers.are_demanded:
        return []
    fix = f"give --listen 127.0.0.1:{port}, or --client-keys F"
    return [f"no client key is asked for, and whoever reaches {host}:{port} may call; {fix}"]


def _log_to_stderr(form: LogFormat) -> None:
    handler = LogLines()
    handler.setFormatter(FORMATS[form]())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    _LOG.setLevel(logging.WARNING if form == "text" else logging.INFO)
    for news in ("kt.gateway.policy", "kt.tracing"):
        logging.getLogger(news).setLevel(logging.INFO)
    # Malformed requests are not worth a line each.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
