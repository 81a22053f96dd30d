"""A gateway and a control plane of different releases, and what a fresh gateway asks for first."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from kt.gateway.managed.client import Client
from kt.gateway.managed.follower import Follower
from kt.gateway.managed.identity import Identity
from kt.gateway.managed.reporter import Reporter
from kt.gateway.managed.statement import Signed, encode, render, verify
from tests.kt.gateway.managed.keys.signing import key_list, signed_keys
from tests.kt.gateway.managed.keys.test_keyring import Keyed
from tests.kt.gateway.managed.test_enforcer import FIRST, KEY
from tests.kt.gateway.signing import GATEWAY, new_key, pin, raw, signed, vouched
from tests.support.httpserver import HTTPServer

LIST = key_list("team")
WHO = Identity("ktg_token", pin(KEY))


class ControlPlane:
    """A control plane; `knows_keys` in a release that has client keys. `keys` may be away."""

    def __init__(self) -> None:
        self.knows_keys = True
        self.policy = signed(KEY, FIRST)
        self.keys: Signed | None = None
        self.list_status = 200
        self.asked: list[str] = []
        self.reports: list[dict[str, Any]] = []

    def answer(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        name = path.rpartition("/")[2]
        self.asked.append(name)
        news = {"Keeptrusts-Client-Keys": self.keys.etag} if self.keys and self.knows_keys else {}
        if name == "configuration":
            return 200, {**_headers(self.policy), **news}, FIRST
        if name == "client-keys":
            assert self.keys is not None
            return self.list_status, _headers(self.keys), LIST
        return self._report(json.loads(body))

    def _report(self, told: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if "client_keys" in told and not self.knows_keys:
            return 400, {}, b'{"error": {"code": "invalid", "message": "", "details": []}}'
        self.reports.append(told)
        data: dict[str, Any] = {"report_interval_seconds": 3, "etag": self.policy.etag}
        if self.knows_keys:
            data["client_keys"] = self.keys.etag if self.keys else None
        return 200, {}, json.dumps({"data": data}).encode()


def _headers(one: Signed) -> dict[str, str]:
    shown = render(one)
    return {
        "Keeptrusts-Statement": shown["statement"],
        "Keeptrusts-Signature": shown["signature"],
        "Keeptrusts-Key": shown["key"],
        "Keeptrusts-Key-Chain": encode(json.dumps(shown["chain"]).encode()),
    }


@pytest.fixture
def plane() -> ControlPlane:
    """A control plane of this release, with a policy and without client keys."""
    return ControlPlane()


@pytest.fixture
def url(plane: ControlPlane) -> Iterator[str]:
    """Its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(*plane.answer(self.path, b""))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self._send(*plane.answer(self.path, body))

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


class Following(Keyed):
    """A gateway that does not serve, and what asks its control plane and reports to it."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder)
        self.client = Client(url, GATEWAY)
        self.follower = Follower(
            self.client, self.enforcer, self.keyring, self.contact,
            may_send=lambda _: False, pace=lambda: 3.0,
        )  # fmt: skip
        self.reporter = Reporter(self.gateway, self.client, self.enforcer, self.contact)

    async def report(self) -> None:
        """Report once, and ask for what the answer says should be here."""
        await self.follower.catch_up(WHO, *(await self.reporter.send(WHO))[:2])

    @property
    def is_open(self) -> bool:
        """Whether a call without a key would be served."""
        return self.gateway.loaded.is_configured and not self.gateway.callers.are_demanded


Run = Callable[[Callable[[Following], Awaitable[None]]], Following]


@pytest.fixture
def run(tmp_path: Path, url: str) -> Run:
    """Do something with a gateway that has neither policy nor keys yet."""

    def go(work: Callable[[Following], Awaitable[None]]) -> Following:
        async def inside() -> Following:
            one = Following(tmp_path / "state", url)
            try:
                await work(one)
            finally:
                await one.client.close()
                one.stored.state.close()
            return one

        return asyncio.run(inside())

    return go


def test_a_control_plane_without_client_keys_hears_nothing_of_them(
    plane: ControlPlane, run: Run
) -> None:
    """Neither of another path nor in a report; the gateway is as open as it was."""
    plane.knows_keys = False

    async def work(one: Following) -> None:
        await one.follower.pull(WHO)
        await one.report()
        await one.report()

    one = run(work)
    assert plane.asked == ["configuration", "report", "report"]
    assert ["client_keys" in told for told in plane.reports] == [False, False]
    assert (one.is_open, one.problem) == (True, None)


def test_a_control_plane_that_went_back_a_release_changes_no_keys(
    plane: ControlPlane, run: Run
) -> None:
    """Its refusal of one report is followed by reports that it takes."""
    plane.keys = signed_keys(KEY, LIST)

    async def work(one: Following) -> None:
        await one.follower.pull(WHO)
        await one.report()
        await one.report()
        plane.knows_keys = False
        reporting = one.reporter.run(WHO, lambda etags: one.follower.catch_up(WHO, *etags[:2]))
        task = asyncio.create_task(reporting)
        async with asyncio.timeout(60):
            while len(plane.reports) < 3:
                await asyncio.sleep(0.01)
        task.cancel()

    one = run(work)
    told = [report.get("client_keys", "nothing") for report in plane.reports[:3]]
    assert told[0] == told[2] == "nothing"
    assert told[1]["keys_seq"] == 7
    assert one.opens("team") == [True]


def test_the_list_that_runs_is_told_from_the_second_report_on(
    plane: ControlPlane, run: Run
) -> None:
    """At once: the first answer says that it may be told."""
    plane.keys = signed_keys(KEY, LIST)

    async def work(one: Following) -> None:
        await one.follower.pull(WHO)
        one.contact.changed.clear()
        await one.report()
        assert one.contact.changed.is_set()
        await one.report()

    run(work)
    assert "client_keys" not in plane.reports[0]
    assert plane.reports[1]["client_keys"]["keys_seq"] == 7


def test_a_fresh_gateway_has_its_keys_before_its_policy(plane: ControlPlane, run: Run) -> None:
    """It is never open, not even while the list cannot be had."""
    plane.keys, plane.list_status = signed_keys(KEY, LIST), 503
    seen: list[object] = []

    async def work(one: Following) -> None:
        assert not await one.follower.pull(WHO)
        seen.extend([one.gateway.loaded.is_configured, one.problem])
        plane.list_status = 200
        assert await one.follower.pull(WHO)

    one = run(work)
    assert seen == [False, "keys_unreachable"]
    assert (one.gateway.loaded.is_configured, one.is_open, one.problem) == (True, False, None)
    assert plane.asked == ["configuration", "client-keys"] * 2


def test_keys_come_to_a_gateway_that_runs(plane: ControlPlane, run: Run) -> None:
    """By the answer to a report alone, without another look at the policy."""

    async def work(one: Following) -> None:
        await one.follower.pull(WHO)
        assert one.is_open
        plane.keys = signed_keys(KEY, LIST)
        await one.report()

    one = run(work)
    assert (one.is_open, one.opens("team")) == (False, [True])
    assert plane.asked == ["configuration", "report", "client-keys"]


def test_a_list_that_cannot_be_had_leaves_the_policy_alone(plane: ControlPlane, run: Run) -> None:
    """A gateway that runs takes the newest policy whatever becomes of its keys."""

    async def work(one: Following) -> None:
        await one.follower.pull(WHO)
        plane.keys, plane.list_status = signed_keys(KEY, LIST), 503
        plane.policy = signed(KEY, FIRST, publish_seq=8)
        assert await one.follower.pull(WHO)

    one = run(work)
    assert one.contact.publish_seq == 8
    assert one.problem == "keys_unreachable"


def test_what_is_in_force_is_asked_for_anew_under_a_newer_key(
    plane: ControlPlane, run: Run
) -> None:
    """Once: from then on its copies are signed by that key, also without another policy."""
    newer = new_key()
    chain = (vouched(KEY, newer),)
    plane.keys = signed_keys(KEY, LIST)

    async def work(one: Following) -> None:
        await one.follower.pull(WHO)
        await one.report()
        plane.policy, plane.keys = (
            signed(newer, FIRST, chain=chain), signed_keys(newer, LIST, chain=chain),
        )  # fmt: skip
        one.stored.trust.believe(verify, plane.policy, GATEWAY)
        for _ in range(3):
            await one.follower.renew(WHO)

    one = run(work)
    assert plane.asked == ["configuration", "client-keys", "report", "client-keys", "configuration"]
    for kept in (one.enforcer.kept, one.keyring.kept):
        assert kept is not None
        assert kept.signed.key == raw(newer)
    assert (one.problem, one.opens("team")) == (None, [True])
