"""One id from a push to the gateways that took it, in logs of JSON and in what is stored."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kt.tracing import context
from tests.kt.gateway.support import Running, chat
from tests.support.collector import Collector, collecting
from tests.support.hooks import SECRET, github
from tests.support.managed import OPEN, STRICT, becomes, contact, fleet, harmful, register
from tests.support.repo import Repo
from tests.support.stack import Stack, wait_for

FILE = "policies/bot/policy-config.yaml"
PUSH, CALL = context.new(), context.new()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector of traces on loopback."""
    with collecting() as found:
        yield found


def test_a_push_is_found_by_one_id_all_the_way(
    embedded_stack: Stack, make_repo: Callable[[], Repo], tmp_path: Path, collector: Collector
) -> None:
    """The delivery, its sync, the version, the audit log, the gateway that enforces it.

    Polls are an hour apart: nothing but the delivery leads to it.
    """
    embedded_stack.environment |= {
        "KEEPTRUSTS_LOG_FORMAT": "json", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
    }  # fmt: skip
    stack, repo = embedded_stack.start(), make_repo()
    repo.commit({FILE: OPEN})
    link = stack.link(repo.url, path="policies/", poll_interval_seconds=3600, webhook_secret=SECRET)
    wait_for(lambda: stack.request("GET", "/v1/configurations/bot").status == 200)
    with fleet(stack, tmp_path / "gateways") as gateways:
        token = register(stack, "edge-1", "bot")
        gateway = gateways.start("edge-1", token, "--log-format", "json")
        becomes(lambda: harmful(gateway), 200)
        wait_for(lambda: contact(gateway)["streaming"])
        repo.commit({FILE: STRICT})
        _deliver(stack, link["id"], repo)
        becomes(lambda: harmful(gateway), 409)
        gateway.post(chat(), traceparent=CALL.header())
        decisions = wait_for(lambda: _traced(stack, "/v1/decisions", CALL))
        enforced = wait_for(lambda: _events(stack, "enforced"))
        own = _lines(gateway.stop()[2])

    assert _traced(stack, "/v1/configurations/bot/versions", PUSH)[0]["number"] == 2
    assert _traced(stack, f"/v1/git-repos/{link['id']}/syncs", PUSH)[0]["trigger"] == "webhook"
    [entry] = _traced(stack, "/v1/audit-log", PUSH)
    assert (entry["action"], entry["target"]) == ("configuration.published", "bot")
    parts = [line["part"] for line in _log(stack) if line.get("trace_id") == PUSH.trace_id]
    assert {"web", "poller", "syncer"} <= set(parts)
    assert enforced == [{"gateway": "edge-1", "version": 2}]
    told = {(line["level"], line["event"][:17]) for line in own
            if line.get("trace_id") == PUSH.trace_id}  # fmt: skip
    assert ("info", "now enforcing bot") in told
    assert decisions[0]["verdict"] == "allow"
    spans = wait_for(lambda: _spans(collector, "rollout"))
    assert spans["POST /v1/git-repos/{link_id}/webhook"]["parentSpanId"] == PUSH.span_id
    assert spans["publish"]["parentSpanId"] == spans["sync"]["spanId"]
    assert spans["fetch"]["parentSpanId"] == spans["sync"]["spanId"]
    assert spans["rollout"]["attributes"]["keeptrusts.gateway"] == "edge-1"
    assert b"name: Strict" not in b"".join(collector.bodies)


def _spans(collector: Collector, awaited: str) -> dict[str, Any]:
    """The spans of the push by name, once one has come that is told last."""
    found = {one["name"]: one for one in collector.spans if one["traceId"] == PUSH.trace_id}
    return found if awaited in found and "sync" in found else {}


def _deliver(stack: Stack, link_id: str, repo: Repo) -> None:
    body = {
        "ref": "refs/heads/main", "after": repo.git("rev-parse", "HEAD"),
        "repository": {"default_branch": "main"},
    }  # fmt: skip
    headers = {
        name.replace("-", "_"): value for name, value in github(json.dumps(body).encode()).items()
    }
    path = f"/v1/git-repos/{link_id}/webhook"
    reply = stack.request("POST", path, body, traceparent=PUSH.header(), **headers)
    assert reply.status // 100 == 2, reply.body


def _traced(stack: Stack, path: str, trace: context.Trace) -> list[dict[str, Any]]:
    """The rows of a list that have a trace's id."""
    rows = stack.request("GET", path).data
    return [row for row in rows if row.get("trace_id") == trace.trace_id]


def _lines(text: str) -> list[dict[str, Any]]:
    """The objects of a log, each line of which is one."""
    return [json.loads(line) for line in text.splitlines()]


def _log(stack: Stack) -> list[dict[str, Any]]:
    # The last line may be half written.
    return _lines(stack.log.read_text().rpartition("\n")[0])


def _events(stack: Stack, event: str) -> list[dict[str, Any]]:
    """Gateways and versions of the push that the log tells of."""
    return [
        {"gateway": line["gateway"], "version": line["version"]}
        for line in _log(stack)
        if line["event"] == event and line.get("trace_id") == PUSH.trace_id
    ]


def test_a_gateway_without_json_names_the_trace_too(tmp_path: Path) -> None:
    """A call's id is in its decision, and one that is made where the client sent none."""
    log = tmp_path / "decisions.log"
    policy = tmp_path / "policy-config.yaml"
    policy.write_text(OPEN)
    with Running(policy, "--mock-upstream", "--decision-log", str(log)) as gateway:
        for header in (CALL.header(), "no trace"):
            gateway.post(chat(), traceparent=header)
        wait_for(lambda: len(log.read_text().splitlines()) == 2)
    first, second = (json.loads(line)["trace_id"] for line in log.read_text().splitlines())

    assert first == CALL.trace_id
    assert context.is_id(second)
    assert second != CALL.trace_id
