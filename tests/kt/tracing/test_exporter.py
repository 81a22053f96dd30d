"""Spans on their way to a collector: one that takes them, hangs, refuses, or is not there."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kt.tracing import context
from kt.tracing import exporter as exporting
from kt.tracing.exporter import Exporter
from kt.tracing.otlp import CLIENT, Span
from kt.tracing.settings import Settings
from tests.support.collector import Collector, collecting
from tests.support.stack import free_port, wait_for
from tests.support.tls import Authority


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on loopback."""
    with collecting() as found:
        yield found


def _exporter(
    url: str, *, most: int = 100, timeout: float = 5, ratio: float = 1, authorities: str = "",
    counted: Callable[[str, int], None] = lambda _outcome, _spans: None,
) -> Exporter:  # fmt: skip
    resource, headers = {"host.name": "here"}, {"api-key": "k"}
    found = Settings(f"{url}/v1/traces", headers, timeout, authorities, "s", resource, ratio)
    return Exporter(found, most=most, counted=counted)


def _span(name: str = "chat m", error: str = "") -> Span:
    trace = context.new().child()
    values = {"text": "a" * 300, "number": 3, "share": 0.5, "yes": True}
    return Span(trace.trace_id, trace.span_id, trace.parent_id, name, CLIENT, 1, 2, values, error)


def test_a_collector_gets_what_was_put(collector: Collector) -> None:
    """In OTLP's JSON, with whose spans they are, and the headers that are set."""
    exporter, span = _exporter(collector.url), _span(error="500")
    exporter.put(span)
    exporter.put(_span("second"))
    exporter.finish()

    first, second = collector.spans
    assert (collector.paths, collector.headers[0]["api-key"]) == (["/v1/traces"], "k")
    assert collector.headers[0]["content-type"] == "application/json"
    assert collector.resources[0]["service.name"] == "s"
    assert collector.resources[0]["host.name"] == "here"
    assert (first["traceId"], first["spanId"], first["parentSpanId"]) == span[:3]
    assert (first["name"], first["kind"], first["status"]) == ("chat m", CLIENT, {"code": 2})
    assert first["attributes"] == {
        "text": "a" * 200, "number": 3, "share": 0.5, "yes": True, "error.type": "500",
    }  # fmt: skip
    assert (second["name"], second["status"]) == ("second", {})
    assert (exporter.sent, exporter.dropped) == (2, 0)


def test_a_collector_that_hangs_holds_up_nobody(collector: Collector) -> None:
    """What does not fit is dropped and counted; the end does not wait for it."""
    collector.hangs.set()
    exporter = _exporter(collector.url, most=10, timeout=0.5)
    began = time.monotonic()
    for _ in range(2000):
        exporter.put(_span())
    took = time.monotonic() - began
    exporter.finish()

    assert took < 0.5 * 3  # One request alone takes half a second.
    assert exporter.dropped >= 1900
    assert exporter.sent == 0


@pytest.mark.parametrize("how", ["refuses", "is away", "redirects"])
def test_what_no_collector_takes_is_lost_and_told_once(
    collector: Collector, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is kept for it, and no other address is asked: the headers may be secret."""
    url = collector.url
    if how == "is away":
        url = f"http://127.0.0.1:{free_port()}"
    collector.status = {"refuses": 500, "redirects": 302}.get(how, 200)
    collector.location = f"{collector.url}/elsewhere" if how == "redirects" else ""
    exporter = _exporter(url)
    for _ in range(3):
        exporter.put(_span())
        exporter.finish()

    assert (exporter.sent, exporter.dropped) == (0, 3)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert set(collector.paths) <= {"/v1/traces"}

    if how == "refuses":
        collector.status = 200
        exporter.put(_span())
        exporter.finish()
        assert exporter.sent == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504, "is away"])
def test_a_collector_that_is_away_gets_all_when_it_is_back(
    status: int | str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each span once; it is told once that it is away, and once that it is back."""
    monkeypatch.setattr(exporting, "_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(exporting, "_FIRST_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(exporting, "_LONGEST_WAIT_SECONDS", 0.1)
    caplog.set_level(logging.INFO)
    port = free_port()
    exporter = _exporter(f"http://127.0.0.1:{port}")
    with ExitStack() as stack:
        if isinstance(status, int):
            collector = stack.enter_context(collecting(port=port))
            collector.status = status
        exporter.put(_span("first"))
        wait_for(lambda: bool(caplog.records))
        exporter.put(_span("second"))
        time.sleep(0.3)
        assert (exporter.sent, exporter.dropped) == (0, 0)
        if not isinstance(status, int):
            collector = stack.enter_context(collecting(port=port))
        collector.status = 200

        wait_for(lambda: exporter.sent == 2)

        assert sorted(span["name"] for span in collector.spans) == ["first", "second"]
        assert exporter.dropped == 0
        wait_for(lambda: len(caplog.records) == 2)
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
        assert caplog.messages[1] == "the collector takes spans again; 0 were lost"


def test_what_is_refused_for_good_is_not_sent_again(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that is malformed for the collector, or whose key is wrong."""
    monkeypatch.setattr(exporting, "_PAUSE_SECONDS", 0.05)
    collector.status = 401
    exporter = _exporter(collector.url)
    exporter.put(_span())

    wait_for(lambda: exporter.dropped == 1)
    assert len(collector.bodies) == 1


def test_a_collector_is_asked_as_late_as_it_wants(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `Retry-After`; the end of the process does not wait for that."""
    monkeypatch.setattr(exporting, "_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(exporting, "_FIRST_WAIT_SECONDS", 0.05)
    collector.status, collector.more = 503, {"Retry-After": "200"}
    exporter = _exporter(collector.url)
    exporter.put(_span())
    wait_for(lambda: len(collector.bodies) == 1)
    time.sleep(0.3)
    assert len(collector.bodies) == 1
    collector.status = 200
    began = time.monotonic()

    exporter.finish()

    assert (exporter.sent, time.monotonic() - began < 3) == (1, True)


def test_what_waits_for_long_is_lost_and_counted(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch is kept for so long, and the queue holds so many."""
    for name, seconds in (("_PAUSE_SECONDS", 0.05), ("_FIRST_WAIT_SECONDS", 0.05),
                          ("_KEPT_SECONDS", 0.4)):  # fmt: skip
        monkeypatch.setattr(exporting, name, seconds)
    collector.status = 503
    counted: dict[str, int] = {"sent": 0, "dropped": 0}

    def count(outcome: str, spans: int) -> None:
        counted[outcome] += spans

    exporter = _exporter(collector.url, most=5, counted=count)
    exporter.put(_span())
    wait_for(lambda: len(collector.bodies) >= 1)
    for _ in range(8):
        exporter.put(_span())
    assert exporter.dropped == 3  # Before the first is given up.

    wait_for(lambda: counted["dropped"] == 9)
    assert (counted["sent"], len(collector.bodies) > 3) == (0, True)


def test_a_collector_is_who_its_certificate_says(tmp_path: Path) -> None:
    """By an authority that is named; one that nobody trusts gets no span and no header."""
    authority = Authority(tmp_path)
    with collecting(authority.server) as collector:
        trusting = _exporter(collector.url, authorities=str(authority.ca_file))
        trusting.put(_span("trusted"))
        trusting.finish()
        other = _exporter(collector.url)
        other.put(_span("other"))
        other.finish()

        assert [span["name"] for span in collector.spans] == ["trusted"]
        assert (other.dropped, len(collector.headers)) == (1, 1)


def test_a_fork_sends_its_own_spans(collector: Collector) -> None:
    """And none of its parent's a second time."""
    exporter = _exporter(collector.url)
    exporter.put(_span("parent"))
    pid = os.fork()
    if pid == 0:
        exporter.put(_span("child"))
        exporter.finish()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    exporter.finish()

    wait_for(lambda: len(collector.spans) == 2)
    assert sorted(span["name"] for span in collector.spans) == ["child", "parent"]


def test_a_share_of_traces_is_the_same_everywhere() -> None:
    """So that a trace is whole or not there."""
    some, none = _exporter("http://x", ratio=0.25), _exporter("http://x", ratio=0)
    again = _exporter("http://y", ratio=0.25)
    ids = [context.new().trace_id for _ in range(2000)]
    taken = [name for name in ids if some.takes(name)]

    assert 300 < len(taken) < 700
    assert [name for name in ids if again.takes(name)] == taken
    assert not any(map(none.takes, ids))
    assert all(map(_exporter("http://x").takes, ids))
