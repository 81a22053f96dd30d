"""Reloading, logging, keys and several processes."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kt.gateway.inside import Inside
from tests.kt.gateway.support import (
    HARMFUL,
    RELOAD,
    ModelServer,
    Running,
    Starter,
    chat,
    pack,
    put,
    starter,
    targets,
    until,
)

OPEN = pack("[audit-logger]", "{}")


@pytest.fixture(scope="module")
def _mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with starter(tmp_path_factory.mktemp("mock")) as found:
        yield found(OPEN, "--mock-upstream", "--decision-log", "none")


@pytest.fixture
def gateway(_mock: Running) -> Running:
    """On the mock, under a policy that blocks nothing until the test writes another."""
    return put(_mock, OPEN)


def status_of(gateway: Running) -> int:
    """Whether a harmful request is blocked."""
    return gateway.post(chat(HARMFUL)).status


def test_a_changed_file_takes_over_by_itself(gateway: Running) -> None:
    """Written over, or replaced by another."""
    before = status_of(gateway)
    gateway.policy.write_text(pack())
    until(lambda: status_of(gateway) == 409)
    other = gateway.policy.with_suffix(".new")
    other.write_text(OPEN)
    other.replace(gateway.policy)
    until(lambda: status_of(gateway) == 200)

    assert before == 200


def test_a_hangup_reloads(gateway: Running) -> None:
    """As operators are used to."""
    gateway.policy.write_text(pack())
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: status_of(gateway) == 409)


def test_a_reload_by_request_answers_when_it_is_done(gateway: Running) -> None:
    """With what is now enforced, in the answer and in every header."""
    gateway.policy.write_text(pack())
    answer = gateway.post(b"", RELOAD)
    digest = hashlib.sha256(pack().encode()).hexdigest()

    assert (answer.status, answer.json["data"]["content_hash"]) == (200, digest)
    assert gateway.post(chat()).headers["x-keeptrusts-config-hash"] == digest


def test_a_reload_from_elsewhere_needs_the_admin_token(start: Starter) -> None:
    """Behind a proxy every client comes from loopback."""
    gateway = start(pack(), "--mock-upstream", KEEPTRUSTS_GATEWAY_ADMIN_TOKEN="s3cret")
    through = {"x_forwarded_for": "203.0.113.9"}

    assert gateway.post(b"", RELOAD, **through).status == 403
    assert gateway.post(b"", RELOAD, authorization="Bearer s3cret", **through).status == 200
    assert gateway.post(b"", RELOAD, origin="https://example.com").status == 403


def test_a_bad_policy_leaves_the_old_one_in_force(gateway: Running) -> None:
    """Health says so and why, until a good one comes."""
    put(gateway, pack())
    gateway.policy.write_text(pack(more="chian: []"))
    answer = gateway.post(b"", RELOAD)
    health = gateway.get("/health").json
    blocked = status_of(gateway)
    gateway.policy.unlink()
    gateway.post(b"", RELOAD)
    gone = gateway.get("/health").json
    gateway.policy.write_text(pack())
    gateway.post(b"", RELOAD)

    assert (answer.status, answer.error["code"]) == (422, "policy_invalid")
    assert health["status"] == "degraded"
    assert "E002" in health["reasons"][0]
    assert blocked == 409
    assert "No such file" in gone["reasons"][0]
    assert gateway.get("/health").json["status"] == "healthy"


def test_a_disabled_pack_lets_everything_through_and_says_so(start: Starter) -> None:
    """In health and on stderr."""
    gateway = start(pack().replace("enabled: true", "enabled: false"), "--mock-upstream")
    status, health = status_of(gateway), gateway.get("/health").json
    _, _, stderr = gateway.stop()

    assert (status, health["status"], health["enforcing"]) == (200, "degraded", False)
    assert "pack.enabled is false" in stderr


def test_each_call_is_a_line_without_its_text(start: Starter, model: ModelServer) -> None:
    """With the decision, the configuration, the times and the tokens."""
    gateway = start(
        pack(
            "[safety-filter, audit-logger]", "{safety-filter: {}, audit-logger: {}}", targets(model)
        )
    )
    gateway.post(chat(), x_user_id="ann")
    gateway.post(chat(HARMFUL))
    _, stdout, _ = gateway.stop()
    allowed, blocked = (json.loads(line) for line in stdout.splitlines())

    assert (allowed["verdict"], allowed["target"], allowed["status"]) == ("allow", "t0", 200)
    assert (allowed["prompt_tokens"], allowed["completion_tokens"]) == (7, 11)
    assert allowed["gateway_ms"] > 0 < allowed["upstream_ms"]
    assert allowed["audit"]["user"] == "ann"
    assert allowed["config"]["id"] == "test"
    assert (blocked["verdict"], blocked["policy"]) == ("block", "safety-filter")
    assert blocked["reason_code"] == "safety_filter.detected"
    assert (blocked["target"], blocked["status"]) == (None, 409)
    assert "illegal" not in stdout
    assert "quarterly" not in stdout


def test_the_log_rotates(start: Starter, tmp_path: Path) -> None:
    """A file of its size, and the older ones beside it."""
    log = tmp_path / "decisions.log"
    gateway = start(
        pack(), "--mock-upstream", "--decision-log", str(log), "--decision-log-bytes", "1500"
    )
    for number in range(1, 7):
        gateway.post(chat())
        until(lambda number=number: len(_lines(tmp_path)) == number)  # type: ignore[misc]

    assert log.stat().st_size <= 1500
    assert log.with_suffix(".log.1").exists()
    assert log.stat().st_mode & 0o777 == 0o600


def _lines(folder: Path) -> list[str]:
    return [line for path in folder.glob("*.log*") for line in path.read_text().splitlines()]


def test_metrics_count_what_happened() -> None:
    """In Prometheus' format."""
    gateway = Inside()
    gateway.post(chat())
    gateway.post(chat(HARMFUL))
    page = gateway.get("/metrics").body.decode()
    labels = 'route="/v1/chat/completions",verdict="block",status="409"'

    assert f"keeptrusts_requests_total{{{labels}}} 1\n" in page
    assert "keeptrusts_request_duration_seconds_count 2\n" in page
    assert 'keeptrusts_policy_decisions_total{policy="safety-filter",verdict="block"' in page


def test_with_keys_only_their_holders_are_served(start: Starter, tmp_path: Path) -> None:
    """However their SDK sends a key; health needs none."""
    keys = tmp_path / "keys"
    keys.write_text("# clients\nalpha-key\nbeta-key\n")
    gateway = start(pack(), "--mock-upstream", "--client-keys", str(keys))
    accepted = [
        gateway.post(chat(), authorization="Bearer alpha-key").status,
        gateway.post(chat(), x_api_key="beta-key").status,
    ]
    refused = [gateway.post(chat()), gateway.post(chat(), authorization="Bearer gamma-key")]

    assert accepted == [200, 200]
    assert [one.status for one in refused] == [401, 401]
    assert refused[0].error["type"] == "authentication_error"
    assert gateway.get("/v1/models").status == 401
    assert gateway.get("/health").status == 200


def test_a_decision_log_that_cannot_be_written_is_no_start(start: Starter, tmp_path: Path) -> None:
    """Every decision would be dropped."""
    with pytest.raises(AssertionError, match=r"--decision-log .*/gone/log: No such file"):
        start(pack(), "--mock-upstream", "--decision-log", str(tmp_path / "gone" / "log"))


def test_a_killed_parent_takes_its_workers_along(start: Starter) -> None:
    """Nobody would pass them a signal any more, and the port would stay taken."""
    gateway = start(pack(), "--mock-upstream", "--workers", "2")
    gateway.process.kill()

    def refused() -> bool:
        try:
            gateway.get("/healthz")
        except OSError:
            return True
        return False

    until(refused)


def test_the_config_page_shows_no_terms(gateway: Running) -> None:
    """What is looked for tells how to get around it."""
    put(gateway, pack(policy="{safety-filter: {block_if: [project falcon]}}"))
    page = gateway.get("/keeptrusts/config")

    assert page.json["chain"] == ["safety-filter"]
    assert b"falcon" not in page.body


def test_several_processes_serve_one_port(start: Starter) -> None:
    """A reload asked of one reaches all, and SIGTERM ends all with status 0."""
    gateway = start(OPEN, "--mock-upstream", "--workers", "2")
    children = Path(f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children")
    workers = until(lambda: len(children.read_text().split()) == 2 and children.read_text().split())
    gateway.policy.write_text(pack())
    gateway.post(b"", RELOAD)
    until(lambda: all(status_of(gateway) == 409 for _ in range(20)))
    status, _, _ = gateway.stop()

    assert status == 0
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def test_a_worker_that_dies_ends_the_gateway(start: Starter) -> None:
    """Whoever started it learns of it by the status."""
    gateway = start(pack(), "--mock-upstream", "--workers", "2")
    children = Path(f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children")
    worker = until(lambda: children.read_text().split())[0]
    os.kill(int(worker), signal.SIGKILL)

    assert gateway.process.wait(300) == 1
