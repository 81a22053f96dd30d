"""Spans of a call: what the client asked of the gateway, and the gateway of a target.

Names are of OpenTelemetry's conventions 1.41.0, those of generative models among them. No text of a
request or an answer is in them: numbers, ids of the policy, and a model's name while it is of the
form of one.

Source: OpenTelemetry semantic conventions 1.41.0, "HTTP server", "Generative client AI spans".
"""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

from kt.gateway.call.exchange import Exchange
from kt.gateway.policy.targets import UpstreamTarget
from kt.tracing.otlp import CLIENT, SERVER, Span, Value

_OPERATIONS = {
    "/v1/chat/completions": "chat",
    "/v1/responses": "chat",
    "/v1/messages": "chat",
    "/v1/completions": "text_completion",
    "/v1/embeddings": "embeddings",
}
# Of a policy's providers those that the conventions call otherwise.
_PROVIDERS = {"azure": "azure.ai.openai", "google": "gcp.gemini"}
_MODEL = re.compile(r"[A-Za-z0-9._:/@+-]{1,100}", re.ASCII)
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_GONE = "client_gone"
_PORTS = {"http": 80, "https": 443}


def spans(exchange: Exchange) -> list[Span]:
    """The spans of a call that ended now, the client's own first."""
    end_ns, ended = time.time_ns(), time.perf_counter()

    def at(moment: float) -> int:
        return end_ns - int((ended - moment) * 1e9)

    trace, path = exchange.trace, exchange.path
    whole = Span(
        trace.trace_id, trace.span_id, trace.parent_id, f"POST {path}", SERVER,
        at(exchange.started), end_ns, _of_call(exchange), _error(exchange, _SERVER_ERROR),
    )  # fmt: skip
    if exchange.target is None:
        return [whole]
    inner = trace.child()
    attributes = _of_model(exchange, exchange.target)
    name = f"{attributes['gen_ai.operation.name']} {attributes.get('gen_ai.request.model', '')}"
    asked = Span(
        trace.trace_id, inner.span_id, trace.span_id, name.rstrip(), CLIENT,
        at(exchange.asked or exchange.started), end_ns, attributes,
        _error(exchange, _CLIENT_ERROR) if exchange.is_targets else "",
    )  # fmt: skip
    return [whole, asked]


def _of_call(exchange: Exchange) -> dict[str, Value]:
    found: dict[str, Value] = {
        "http.request.method": "POST",
        "http.route": exchange.path,
        "url.path": exchange.path,
        "url.scheme": "http",
        "keeptrusts.configuration": exchange.loaded.id,
        "keeptrusts.content_hash": exchange.loaded.content_hash,
    }
    if exchange.status:
        found["http.response.status_code"] = exchange.status
    decision = exchange.decision
    if decision is not None:
        found["keeptrusts.verdict"] = decision.verdict
        if decision.verdict != "allow":
            found["keeptrusts.policy"] = decision.policy
            found["keeptrusts.reason_code"] = decision.reason_code
    return found


def _of_model(exchange: Exchange, target: UpstreamTarget) -> dict[str, Value]:
    model = target.asked_for(exchange.model)
    found: dict[str, Value] = {
        "gen_ai.operation.name": _OPERATIONS.get(exchange.path, exchange.path.rpartition("/")[2]),
        "gen_ai.provider.name": _PROVIDERS.get(target.provider, target.provider),
        "keeptrusts.target": target.id,
    }
    if _MODEL.fullmatch(model):
        found["gen_ai.request.model"] = model
    if exchange.usage.reported:
        found["gen_ai.usage.input_tokens"] = exchange.usage.prompt
        found["gen_ai.usage.output_tokens"] = exchange.usage.completion
    url = urlsplit(target.base_url)
    if url.hostname:
        found["server.address"] = url.hostname
        found["server.port"] = url.port or _PORTS.get(url.scheme, 0)
    return found


def _error(exchange: Exchange, least: int) -> str:
    """The class of an error: its status, from `least` on; empty for none."""
    if not exchange.status:
        return _GONE
    return str(exchange.status) if exchange.status >= least else ""
