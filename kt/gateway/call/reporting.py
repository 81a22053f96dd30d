"""The record of a finished call: a line of the decision log, and metrics."""

from __future__ import annotations

import time
import uuid
from dataclasses import fields
from typing import Any

from kt.gateway.call.exchange import Exchange
from kt.gateway.gateway import Gateway, timestamp
from kt.policy.decision import Decision, Detection

# The status of a call whose client did not wait for its answer; nginx's number for it.
CLIENT_GONE = 499

_DETECTED = tuple(field.name for field in fields(Detection))


def report(gateway: Gateway, exchange: Exchange) -> None:
    """Count a call and log it, without text of the request or the answer."""
    total = time.perf_counter() - exchange.started
    own = max(0.0, total - exchange.upstream_seconds)
    _count(gateway, exchange)
    gateway.metrics.observe("keeptrusts_request_duration_seconds", total)
    gateway.metrics.observe("keeptrusts_gateway_duration_seconds", own)
    gateway.metrics.observe("keeptrusts_upstream_duration_seconds", exchange.upstream_seconds)
    if gateway.spans is not None and gateway.spans.takes(exchange.trace.trace_id):
        from kt.gateway.call.spans import spans

        for span in spans(exchange):
            gateway.spans.put(span)
    if gateway.options.decision_log or gateway.spool:
        entry = _entry(exchange, own)
        gateway.journal.write(entry)
        if gateway.spool:
            gateway.spool.write(entry)


def _count(gateway: Gateway, exchange: Exchange) -> None:
    metrics, decision = gateway.metrics, exchange.decision
    metrics.count(
        "keeptrusts_requests_total",
        route=exchange.path,
        verdict=decision.verdict if decision else "none",
        status=str(exchange.status or CLIENT_GONE),
    )
    client = _client(exchange)
    if client:
        status = str(exchange.status or CLIENT_GONE)
        metrics.count("keeptrusts_client_requests_total", client=client, status=status)
    if decision and decision.verdict != "allow":
        metrics.count(
            "keeptrusts_policy_decisions_total",
            policy=decision.policy,
            verdict=decision.verdict,
            reason_code=decision.reason_code,
        )
    usage = exchange.usage
    if exchange.target is not None:
        metrics.count("keeptrusts_tokens_total", usage.prompt, direction="prompt")
        metrics.count("keeptrusts_tokens_total", usage.completion, direction="completion")
        if client:
            metrics.count("keeptrusts_client_tokens_total", usage.total, client=client)


def _client(exchange: Exchange) -> str | None:
    """The name of the client's key, None for a key without one."""
    return (exchange.caller.name or None) if exchange.caller else None


def _entry(exchange: Exchange, own: float) -> dict[str, Any]:
    loaded, decision = exchange.loaded, exchange.decision
    return {
        "time": timestamp(),
        # Clients may repeat a request's id, and this is the decision's.
        "id": uuid.uuid4().hex,
        "request_id": exchange.id,
        "trace_id": exchange.trace.trace_id,
        "config": {
            "id": loaded.id,
            "version": loaded.pack.version,
            "content_hash": loaded.content_hash,
        },
        "client": _client(exchange),
        "route": exchange.path,
        "model": exchange.model,
        "target": exchange.target.id if exchange.target else None,
        "status": exchange.status or CLIENT_GONE,
        "stream": exchange.streamed,
        "verdict": decision.verdict if decision else None,
        "policy": decision.policy if decision else None,
        "reason_code": decision.reason_code if decision else None,
        "unjudged": exchange.unjudged,
        "remembered": exchange.remembered,
        "scores": [score._asdict() for score in exchange.scores],
        "gateway_ms": round(own * 1000, 3),
        "upstream_ms": round(exchange.upstream_seconds * 1000, 3),
        "prompt_tokens": exchange.usage.prompt,
        "completion_tokens": exchange.usage.completion,
        "tokens_reported": exchange.usage.reported,
        "audit": _audit(decision),
    }


def _audit(decision: Decision | None) -> dict[str, Any] | None:
    """The fields that `audit-logger` records; None without it."""
    record = decision.record if decision else None
    if record is None:
        return None
    return record._asdict() | {"detections": [_detection(one) for one in record.detections]}


def _detection(detection: Detection) -> dict[str, str]:
    return {name: getattr(detection, name) for name in _DETECTED}
