"""OpenTelemetry's own variables, as far as they are about sending spans.

Source: OpenTelemetry, "OTLP Exporter Configuration" and "Environment Variable Specification".
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from kt.tracing.errors import SettingsError

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_SAMPLER = "OTEL_TRACES_SAMPLER"
_RATIO = "OTEL_TRACES_SAMPLER_ARG"
_PROTOCOLS = ("http/json", "http/protobuf")
_SAMPLERS = ("always_on", "always_off", "traceidratio")
_MOST_MS = 600_000
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where spans go, and as whose.

    `ratio` is the share of traces that is sent. `certificate` is a file of authorities, "" for
    the system's.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    timeout_seconds: float
    certificate: str
    service: str
    resource: Mapping[str, str]
    ratio: float


def read(environ: Mapping[str, str], *, service: str) -> Settings | None:
    """The settings of a process that is called `service` unless they say otherwise.

    None where nobody said where spans go, or that they go nowhere. A caller's flag that its trace
    is not sampled is not listened to: who calls does not decide what is seen of it.

    Raises:
        SettingsError: one cannot be used.
    """
    url = _url(environ)
    is_off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if not url or is_off or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    _check_protocol(environ)
    resource = _pairs("OTEL_RESOURCE_ATTRIBUTES", environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    named = environ.get("OTEL_SERVICE_NAME") or resource.pop("service.name", "") or service
    return Settings(
        url=url,
        headers=_headers(environ),
        timeout_seconds=_timeout(environ),
        certificate=_certificate(_own(environ, "CERTIFICATE")),
        service=named,
        resource=resource,
        ratio=_ratio(environ),
    )


def _own(environ: Mapping[str, str], name: str) -> str:
    """A setting of the exporter; that of traces alone goes before that of all signals."""
    of_traces = environ.get(f"OTEL_EXPORTER_OTLP_TRACES_{name}")
    return of_traces or environ.get(f"OTEL_EXPORTER_OTLP_{name}") or ""


def _url(environ: Mapping[str, str]) -> str:
    url = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
    if not url and environ.get(_ENDPOINT):
        url = environ[_ENDPOINT].rstrip("/") + "/v1/traces"
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if url and (not is_usable or parts.username or not url.isascii() or not url.isprintable()):
        raise SettingsError(f"{_ENDPOINT}: write a url such as http://127.0.0.1:4318")
    return url


def _check_protocol(environ: Mapping[str, str]) -> None:
    # A collector takes both forms at one address, by the content's type.
    protocol = _own(environ, "PROTOCOL")
    if protocol and protocol not in _PROTOCOLS:
        raise SettingsError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol!r}: spans are sent as http/json, which a"
            " collector takes on port 4318"
        )


def _headers(environ: Mapping[str, str]) -> dict[str, str]:
    found = _pairs("OTEL_EXPORTER_OTLP_HEADERS", _own(environ, "HEADERS"))
    for name, value in found.items():
        if not _NAME.fullmatch(name) or not value.isprintable() or not value.isascii():
            raise SettingsError("OTEL_EXPORTER_OTLP_HEADERS: write name=value, commas between")
    return found


def _pairs(name: str, text: str) -> dict[str, str]:
    found = {}
    for pair in filter(None, (one.strip() for one in text.split(","))):
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise SettingsError(f"{name}: write name=value, commas between")
        found[key.strip()] = unquote(value.strip())
    return found


def _certificate(path: str) -> str:
    try:
        ssl.create_default_context(cafile=path or None)
    except OSError as exc:
        why = "it holds no certificate in PEM" if isinstance(exc, ssl.SSLError) else exc.strerror
        raise SettingsError(f"OTEL_EXPORTER_OTLP_CERTIFICATE={path!r}: {why}") from exc
    return path


def _timeout(environ: Mapping[str, str]) -> float:
    text = _own(environ, "TIMEOUT") or "10000"
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
    if not 0 < number <= _MOST_MS:
        raise SettingsError(
            f"OTEL_EXPORTER_OTLP_TIMEOUT={text!r}: write milliseconds from 1 to {_MOST_MS}"
        )
    return number / 1000


def _ratio(environ: Mapping[str, str]) -> float:
    sampler = (environ.get(_SAMPLER) or "always_on").removeprefix("parentbased_")
    if sampler not in _SAMPLERS:
        raise SettingsError(f"{_SAMPLER}: write one of {', '.join(_SAMPLERS)}")
    if sampler != "traceidratio":
        return float(sampler == "always_on")
    text = environ.get(_RATIO) or "1"
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio <= 1:
        raise SettingsError(f"{_RATIO}={text!r}: write a number from 0 to 1")
    return ratio
