"""The trace in which a thread works, and its spans in a real collector."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from keeptrusts.observed import traces
from kt.tracing import context
from kt.tracing.settings import Settings
from tests.support.collector import Collector, collecting

CALLER = context.new()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on loopback that this process sends to."""
    counts: list[tuple[str, int]] = []
    with collecting() as found:
        url = f"{found.url}/v1/traces"
        traces.use(
            Settings(url, {}, 5, "", "keeptrusts", {}, 1), lambda *count: counts.append(count)
        )
        yield found
        traces.use(None, lambda *_: None)
    assert sum(spans for outcome, spans in counts if outcome == "sent") == len(found.spans)


def _sent(collector: Collector) -> list[dict[str, object]]:
    assert traces._exporter is not None
    traces._exporter.finish()
    return collector.spans


def test_a_block_works_in_its_trace_and_leaves_it() -> None:
    """Also without a collector."""
    assert traces.current() is None and traces.current_id() == ""
    with traces.span("outer") as opened, traces.span("inner"):
        assert opened.error == ""
        assert context.is_id(traces.current_id())
    assert traces.current() is None


def test_spans_lie_within_each_other(collector: Collector) -> None:
    """An exception is told by its class: its words may be a secret."""

    def fails() -> None:
        with traces.span("outer", at=CALLER.child()):
            with traces.span("inner") as inner:
                inner.attributes["number"] = 3
            raise ValueError("secret")

    with pytest.raises(ValueError, match="secret"):
        fails()

    first, second = _sent(collector)
    assert (first["name"], first["attributes"]) == ("inner", {"number": 3})
    assert first["parentSpanId"] == second["spanId"]
    assert (second["parentSpanId"], second["traceId"]) == (CALLER.span_id, CALLER.trace_id)
    assert second["attributes"] == {"error.type": "ValueError"}
    assert b"secret" not in b"".join(collector.bodies)


def test_what_began_elsewhere_is_told_at_its_end(collector: Collector) -> None:
    """Of a trace that is known, and of no other."""
    since = timezone.now() - timedelta(seconds=9)
    traces.told("rollout", CALLER.trace_id, since, {"keeptrusts.gateway": "edge-1"})
    traces.told("rollout", "", since, {})

    [span] = _sent(collector)
    took = int(str(span["endTimeUnixNano"])) - int(str(span["startTimeUnixNano"]))
    assert span["traceId"] == CALLER.trace_id
    assert 9e9 <= took < 60e9


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "name", "status"),
    [
        ("/v1/configurations/nobodys", "GET /v1/configurations/{configuration_id}", 404),
        ("/nothing/here?token=secret", "GET", 404),
        ("/v1/whoami", "GET /v1/whoami", 200),
    ],
)
def test_a_request_is_named_by_its_route(
    admin: APIClient, collector: Collector, path: str, name: str, status: int
) -> None:
    """Which has no id in it, and nothing of a query."""
    admin.get(path, headers={"traceparent": CALLER.header()})

    [span] = _sent(collector)
    assert (span["name"], span["kind"], span["parentSpanId"]) == (name, 2, CALLER.span_id)
    assert span["attributes"]["http.response.status_code"] == status  # type: ignore[index]
    body = b"".join(collector.bodies)
    assert b"nobodys" not in body and b"secret" not in body
