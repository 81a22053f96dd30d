"""Spans, and OTLP's JSON of them. Pure.

Source: OpenTelemetry, "OTLP Specification", "JSON Protobuf Encoding"; opentelemetry-proto,
`trace.proto`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

INTERNAL, SERVER, CLIENT = 1, 2, 3
# That of the GenAI conventions, before these moved to a repository of their own.
SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"

_ERROR = 2
_LONGEST = 200
_MOST_INT = (1 << 63) - 1

Value = str | int | float | bool


class Span(NamedTuple):
    """A span that ended. Times are in nanoseconds since 1970; `parent_id` is empty for a first one.

    `error` is the class of what went wrong, empty where nothing did. Attributes are names, numbers
    and ids, and never a text that somebody wrote to a model or got from one.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Value]
    error: str = ""


def encoded(spans: Iterable[Span], *, resource: Mapping[str, str], scope: tuple[str, str]) -> bytes:
    """A request that exports spans; `scope` is the name and version of what made them."""
    name, version = scope
    made = {
        "scope": {"name": name, "version": version},
        "spans": [_span(one) for one in spans],
        "schemaUrl": SCHEMA_URL,
    }
    whole = {"resource": {"attributes": _attributes(resource)}, "scopeSpans": [made]}
    return json.dumps({"resourceSpans": [whole]}, separators=(",", ":")).encode()


def _span(span: Span) -> dict[str, Any]:
    attributes = dict(span.attributes)
    if span.error:
        attributes["error.type"] = span.error
    found = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name[:_LONGEST],
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": _attributes(attributes),
        "status": {"code": _ERROR} if span.error else {},
    }
    return {**found, "parentSpanId": span.parent_id} if span.parent_id else found


def _attributes(values: Mapping[str, Value]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in values.items()]


def _value(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        # What a target counts may be any number: one too large has a collector refuse all spans.
        return {"intValue": str(max(-_MOST_INT, min(value, _MOST_INT)))}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value[:_LONGEST]}
