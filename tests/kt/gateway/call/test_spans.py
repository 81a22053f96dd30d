"""Spans of calls, as a real collector gets them from a real gateway."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from kt.tracing import context
from tests.kt.gateway.support import (
    HARMFUL,
    ModelServer,
    Running,
    Starter,
    chat,
    completion,
    pack,
    targets,
)
from tests.support.collector import Collector, collecting
from tests.support.stack import free_port, wait_for

# Of the conventions 1.41.0, by span; and of ours. A name more is a decision.
_OF_HTTP = {
    "http.request.method", "http.route", "url.path", "url.scheme", "http.response.status_code",
    "error.type",
}  # fmt: skip
_OF_MODELS = {
    "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model",
    "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "server.address", "server.port",
    "error.type",
}  # fmt: skip
_OURS = {
    "keeptrusts.configuration", "keeptrusts.content_hash", "keeptrusts.verdict",
    "keeptrusts.policy", "keeptrusts.reason_code", "keeptrusts.target",
}  # fmt: skip
SECRET = "zebra-crossing-4711"
SENT = context.new()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on loopback."""
    with collecting() as found:
        yield found


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A model that says the secret, and counts tokens."""
    server = ModelServer()
    server.says(completion(SECRET))
    yield server
    server.close()


def _gateway(start: Starter, url: str, *servers: ModelServer | str) -> Running:
    return start(
        pack(more=targets(*servers)), "--decision-log", "none",
        OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=t",
    )  # fmt: skip


def _spans(collector: Collector, count: int) -> list[dict[str, Any]]:
    wait_for(lambda: len(collector.spans) >= count)
    return collector.spans


def test_a_call_is_two_spans_without_a_word_of_it(
    start: Starter, collector: Collector, model: ModelServer
) -> None:
    """The gateway's own below the client's, the target's below that; by the conventions' names."""
    gateway = _gateway(start, collector.url, model)
    body = {**chat(f"My password is {SECRET}"), "model": "gpt-4o-mini", "user": SECRET}
    assert gateway.post(body, traceparent=SENT.header(), x_request_id=SECRET).status == 200
    blocked = gateway.post({**chat(HARMFUL), "model": SECRET + " and more"})
    assert blocked.status == 409

    whole, asked, stopped = _spans(collector, 3)

    assert (whole["traceId"], whole["parentSpanId"]) == (SENT.trace_id, SENT.span_id)
    assert (asked["traceId"], asked["parentSpanId"]) == (SENT.trace_id, whole["spanId"])
    assert (whole["name"], whole["kind"]) == ("POST /v1/chat/completions", 2)
    assert (asked["name"], asked["kind"]) == ("chat gpt-4o-mini", 3)
    assert asked["attributes"]["gen_ai.operation.name"] == "chat"
    assert asked["attributes"]["gen_ai.provider.name"] == "local"
    assert asked["attributes"]["server.port"] == model.port
    assert asked["attributes"]["gen_ai.usage.input_tokens"] == 7
    assert asked["attributes"]["gen_ai.usage.output_tokens"] == 11
    assert whole["attributes"]["keeptrusts.verdict"] == "allow"
    assert stopped["attributes"]["keeptrusts.policy"] == "safety-filter"
    assert stopped["attributes"]["http.response.status_code"] == 409
    assert "parentSpanId" not in stopped
    assert whole["attributes"].keys() | stopped["attributes"].keys() <= _OF_HTTP | _OURS
    assert asked["attributes"].keys() <= _OF_MODELS | _OURS
    assert SECRET.encode() not in b"".join(collector.bodies)
    assert collector.resources[0]["service.name"] == "keeptrusts-gateway"
    assert collector.resources[0]["deployment.environment.name"] == "t"
    page = gateway.get("/metrics").body.decode()
    assert "keeptrusts_spans_dropped 0\n" in page


def test_a_target_that_fails_is_an_error(start: Starter, collector: Collector) -> None:
    """Of both spans, by the status that the client got."""
    gateway = _gateway(start, collector.url, f"http://127.0.0.1:{free_port()}/v1")
    assert gateway.post(chat()).status == 502

    found = {span["kind"]: span for span in _spans(collector, 1)}

    assert found[2]["attributes"]["error.type"] == "502"
    assert found[2]["status"] == {"code": 2}


def test_a_collector_that_hangs_costs_no_call(start: Starter, collector: Collector) -> None:
    """It is told in the log, and the gateway ends without it."""
    collector.hangs.set()
    gateway = start(
        pack(), "--mock-upstream", "--decision-log", "none",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_EXPORTER_OTLP_TIMEOUT="200",
    )  # fmt: skip
    assert {gateway.post(chat()).status for _ in range(20)} == {200}

    wait_for(lambda: len(collector.bodies) > 1)
    assert "the collector takes no spans: timed out" in gateway.stop()[2]


def test_what_a_collector_refuses_is_counted(start: Starter, collector: Collector) -> None:
    """No later try would be taken either."""
    collector.status = 400
    gateway = start(
        pack(), "--mock-upstream", "--decision-log", "none",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
    )  # fmt: skip
    assert {gateway.post(chat()).status for _ in range(20)} == {200}

    wait_for(lambda: b"keeptrusts_spans_dropped 40\n" in gateway.get("/metrics").body)
    assert "the collector takes no spans: it answers 400" in gateway.stop()[2]


def test_a_wrong_setting_stops_the_start(start: Starter) -> None:
    """And names itself."""
    with pytest.raises(AssertionError, match="OTEL_EXPORTER_OTLP_PROTOCOL"):
        start(
            pack(), "--mock-upstream",
            OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1", OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
        )  # fmt: skip


def test_without_a_collector_nothing_of_it_is_imported() -> None:
    """Neither in a gateway nor in a process of the control plane."""
    told = (
        "import sys, kt.gateway.run, kt.gateway.call.reporting, kt.gateway.process.server;"
        "from kt.tracing.start import exporter; assert exporter({}, service='s') is None;"
        "print([name for name in ('kt.tracing.exporter', 'kt.tracing.settings',"
        " 'kt.gateway.call.spans', 'opentelemetry') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, timeout=60)

    assert done.stdout == "[]\n", done.stderr
