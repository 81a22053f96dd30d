"""Traces of messages, and what tasks know of them."""

from typing import Any

import pytest
from celery import shared_task

from keeptrusts import celery
from keeptrusts.messaging import traced
from keeptrusts.observed import traces
from kt.tracing import context

SENT = context.new()


@shared_task(name="tests.traced")
def _task() -> str:
    return traces.current_id()


def _headers() -> dict[str, Any]:
    """The headers of a message, as Celery makes them and the signal sees them."""
    message = celery.app.amqp.as_task_v2("id", "tests.traced", (), {})
    headers: dict[str, Any] = message.headers
    traced.tell(headers=headers, sender="tests.traced")
    return headers


def _run(headers: dict[str, Any]) -> Any:
    """What the task returns when a worker gets a message with these headers."""
    from celery.app.trace import build_tracer

    tracer = build_tracer("tests.traced", celery.app.tasks["tests.traced"], app=celery.app)
    return tracer("id", (), {}, {**headers, "is_eager": False}).retval


@pytest.fixture(autouse=True)
def _known() -> None:
    celery.app.finalize()


def test_a_task_works_in_the_trace_of_who_sent_it() -> None:
    """And leaves nothing of it in the thread."""
    with traces.bound(SENT):
        headers = _headers()

    assert context.heard(headers["traceparent"]) == SENT
    assert _run(headers) == SENT.trace_id
    assert traces.current() is None
    assert traced._running == {}


@pytest.mark.parametrize("sent", [None, "", "no trace", 7, f"00-{'0' * 32}-{'0' * 16}-01"])
def test_a_message_without_one_begins_a_trace(sent: object) -> None:
    """As those of beat, and of a release before."""
    headers = _headers()
    assert "traceparent" not in headers
    if sent is not None:
        headers["traceparent"] = sent

    first, second = _run(headers), _run(headers)

    assert context.is_id(first) and context.is_id(second) and first != second


def test_what_a_task_does_has_a_parent_that_is_told() -> None:
    """The span of whoever sent the message; none where beat did, which has no span."""
    of_request, of_beat = traces.taken(SENT.header()), traces.taken(None)

    assert of_request.child().parent_id == SENT.span_id
    assert of_beat.child().parent_id == ""
    assert of_beat.child().child().parent_id != ""
