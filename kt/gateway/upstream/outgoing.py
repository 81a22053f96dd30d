"""Requests to a target as bytes: the head is prepared once, and completed for each call."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from yarl import URL

from kt import __version__
from kt.gateway.policy.targets import UpstreamTarget
from kt.gateway.upstream.connection import Endpoint
from kt.gateway.upstream.reply import Call

# The only headers of a client that reach a target; none is a credential.
_FORWARDED = frozenset(
    {"accept", "user-agent", "openai-beta", "anthropic-beta", "anthropic-version"}
    | {"idempotency-key", "openai-organization", "openai-project", "traceparent", "tracestate"}
)
_FORWARDED_PREFIX = "x-stainless-"
_ANTHROPIC_VERSION = "2023-06-01"
# Characters that would end a header too early.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Outlet:
    """One route of a target.

    Header names are in lower case. A client's headers replace `defaults`; nothing replaces `fixed`.
    """

    endpoint: Endpoint
    line: str
    defaults: Mapping[str, str]
    fixed: Mapping[str, str]

    def head(self, call: Call) -> bytes:
        """The head of a request with this call's body."""
        headers = {**self.defaults, **_forwarded(call.headers), **self.fixed}
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        return f"{self.line}{lines}content-length: {len(call.data)}\r\n\r\n".encode("latin-1")


def outlet(target: UpstreamTarget, path: str, method: str = "POST") -> Outlet:
    """Prepare a route of a target.

    Raises:
        ValueError: its address is no url.
    """
    base, mark, query = target.base_url.partition("?")
    url = URL(f"{base}{path.removeprefix('/v1')}{mark}{query}")
    if not url.raw_host or not url.port:
        message = "the address has no host"
        raise ValueError(message)
    defaults = {"accept": "*/*", "user-agent": f"keeptrusts-gateway/{__version__}"}
    if url.user is not None:
        pair = f"{url.user}:{url.password or ''}".encode("latin-1")
        defaults["authorization"] = f"Basic {b64encode(pair).decode()}"
    if target.format == "anthropic":
        defaults["anthropic-version"] = _ANTHROPIC_VERSION
    # A compressed answer could not be judged while it arrives.
    fixed = {"content-type": "application/json", "accept-encoding": "identity"}
    own = {name.lower(): value for name, value in target.headers}
    endpoint = Endpoint(url.raw_host, url.port, url.scheme == "https")
    line = f"{method} {url.raw_path_qs} HTTP/1.1\r\n"
    host = url.host_port_subcomponent or ""
    return Outlet(endpoint, line, defaults, {"host": host, **fixed, **own})


def _forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if (name in _FORWARDED or name.startswith(_FORWARDED_PREFIX)) and not _CONTROL.search(value)
    }
