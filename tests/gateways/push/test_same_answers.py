"""What gateways ask is answered alike by the web and by the process of event streams."""

import http.client
import json
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from rest_framework.test import APIClient

from gateways.models import Decision, State
from tests.gateways.api.test_machine_bodies import REPORT
from tests.gateways.conftest import Register
from tests.support.api import send
from tests.support.events import Pusher
from tests.support.gateways import Machine, running

pytestmark = pytest.mark.django_db(transaction=True)
BATCH = {"batch": 1, "events": [{"id": "e-1", "time": "2026-01-31T12:00:00Z"}], "dropped": 0}
SAID = (
    "content-type", "etag", "www-authenticate", "keeptrusts-statement", "keeptrusts-signature",
    "keeptrusts-key", "keeptrusts-key-chain", "keeptrusts-events", "keeptrusts-gateway-url",
)  # fmt: skip
_BODIES: dict[str, tuple[str, str, bytes]] = {
    "pull": ("GET", "configuration", b""),
    "report": ("POST", "report", json.dumps(REPORT).encode()),
    "report without a problem": (
        "POST", "report", json.dumps({**REPORT, "problem": None, "counters": {}}).encode(),
    ),
    "no report": ("POST", "report", b"{}"),
    "no JSON": ("POST", "report", b"{"),
    "no object": ("POST", "report", b"[]"),
    "a key twice": ("POST", "report", b'{"running": null, "running": null}'),
    "unknown field": ("POST", "report", json.dumps({**REPORT, "mood": "good"}).encode()),
    "a number for a text": ("POST", "report", json.dumps({**REPORT, "health": 5}).encode()),
    "no body": ("POST", "report", b""),
    "nothing but blanks": ("POST", "report", b" "),
    "batch": ("POST", "decisions", json.dumps(BATCH).encode()),
    "no batch": ("POST", "decisions", b'{"events": 5}'),
    "a bad event": ("POST", "decisions", json.dumps({**BATCH, "events": [{}]}).encode()),
}  # fmt: skip


def _there(
    pusher: Pusher, method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, dict[str, str], Any]:
    """The answer of the process of event streams."""
    connection = http.client.HTTPConnection("127.0.0.1", pusher.port, timeout=60)
    connection.request(method, path, body or None, dict(headers))
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    named = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, {name: named[name] for name in SAID if name in named}, _json(content)


def _here(
    method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, dict[str, str], Any]:
    """The answer of the web."""
    answer = send(APIClient(), method, path, body, **headers)
    named = {name.lower(): value for name, value in answer.headers.items()}
    said = {name: named[name] for name in SAID if name in named}
    if answer.status_code == 304:
        said.pop("content-type", None)
    return answer.status_code, said, _json(answer.content)


def _json(content: bytes) -> Any:
    return json.loads(content) if content[:1] == b"{" else content


@pytest.mark.parametrize("name", _BODIES)
def test_a_request_has_one_answer(gateway: Machine, pusher: Pusher, name: str) -> None:
    """Status, what it says, and the headers that gateways read."""
    method, what, body = _BODIES[name]
    asked = method, f"{gateway.path}/{what}", body
    headers = {"Authorization": f"Bearer {gateway.token}", "Content-Type": "application/json"}
    headers["X-Request-Id"] = "the-same"
    _there(pusher, "GET", f"{gateway.path}/configuration", b"", headers)  # It knows the gateway.

    here, there = _here(*asked, headers), _there(pusher, *asked, headers)

    for said in (here[1], there[1]):
        for url in ("keeptrusts-events", "keeptrusts-gateway-url"):
            said.pop(url, None)  # Each process has settings of its own here.
    _leave_out_the_time(here[2])
    _leave_out_the_time(there[2])
    assert there == here


def _leave_out_the_time(body: Any) -> None:
    """Of a report's answer, which has the moment of each process' last look at the database."""
    if isinstance(body, dict) and "data" in body and "confirmation" in body["data"]:
        assert set(body["data"].pop("confirmation")) == {"statement", "signature", "key", "chain"}


def test_a_known_statement_is_not_sent_again(gateway: Machine, pusher: Pusher) -> None:
    """Compared weakly, and in a list."""
    path = f"{gateway.path}/configuration"
    bearer = {"Authorization": f"Bearer {gateway.token}"}
    etag = _there(pusher, "GET", path, b"", bearer)[1]["etag"]

    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        status, said, body = _there(pusher, "GET", path, b"", {**bearer, "If-None-Match": known})
        assert (status, said["etag"], body) == (304, etag, b"")
    assert _there(pusher, "GET", path, b"", {**bearer, "If-None-Match": '"x"'})[0] == 200


@pytest.mark.parametrize("what", ["configuration", "report", "decisions"])
@pytest.mark.parametrize("credential", ["", "Bearer x", "Bearer ktg_x.y", "Basic eDp4", "other's"])
def test_nobody_else_is_answered(
    gateway: Machine, register: Register, pusher: Pusher, what: str, credential: str
) -> None:
    """Before a body is read: one that never comes holds nothing."""
    if credential == "other's":
        credential = f"Bearer {register('other').token}"
    headers = {"Authorization": credential, "Content-Length": "1000"} if credential else {}
    method = "GET" if what == "configuration" else "POST"

    status = _there(pusher, method, f"{gateway.path}/{what}", b"", headers)[0]

    assert status == (403 if "ktg_" in credential and credential != "Bearer ktg_x.y" else 401)


def test_reports_of_many_are_recorded_together(
    gateway: Machine, register: Register, pusher: Pusher
) -> None:
    """Each by its own gateway, the later one of two."""
    others = [register(f"many-{number}") for number in range(5)]
    for one in [gateway, *others]:
        body = {**REPORT, "running": None, "problem": None, "kt_version": f"0.{one.id[-1:]}"}
        headers = {"Authorization": f"Bearer {one.token}", "Content-Type": "application/json"}
        path = f"{one.path}/report"
        assert _there(pusher, "POST", path, json.dumps(body).encode(), headers)[0] == 200

    states = dict(State.objects.values_list("pk", "kt_version"))
    assert states == {one.id: f"0.{one.id[-1:]}" for one in [gateway, *others]}


def test_what_runs_is_reported_there(gateway: Machine, pusher: Pusher) -> None:
    """As drift shows it."""
    body = {**REPORT, "problem": None, "running": running(gateway.statement())}
    headers = {"Authorization": f"Bearer {gateway.token}", "Content-Type": "application/json"}
    answer = _there(pusher, "POST", f"{gateway.path}/report", json.dumps(body).encode(), headers)

    assert (answer[0], answer[2]["data"]["report_interval_seconds"]) == (200, 3)
    assert State.objects.get(pk=gateway.id).running_hash == gateway.statement()["content_hash"]


def test_batches_go_on_after_their_process_was_killed(gateway: Machine, pusher: Pusher) -> None:
    """One is answered 503, and sent again; none is lost."""
    import os
    import signal
    from pathlib import Path

    from tests.support.stack import wait_for

    headers = {"Authorization": f"Bearer {gateway.token}", "Content-Type": "application/json"}

    def batch(number: int) -> int:
        event = {"id": f"e-{number}", "time": "2026-01-31T12:00:00Z"}
        body = json.dumps({"batch": number, "events": [event], "dropped": 0}).encode()
        return _there(pusher, "POST", f"{gateway.path}/decisions", body, headers)[0]

    assert batch(1) == 202
    assert pusher.process is not None
    children = Path(f"/proc/{pusher.process.pid}/task/{pusher.process.pid}/children")
    for child in children.read_text().split():
        if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text():
            os.kill(int(child), signal.SIGKILL)
    wait_for(lambda: batch(2) == 202)
    assert set(Decision.objects.values_list("event_id", flat=True)) == {"e-1", "e-2"}


def test_one_gateway_holds_no_place_of_another(
    gateway: Machine, register: Register, pusher: Pusher
) -> None:
    """Its unfinished batches are one at a time; those of others are stored meanwhile."""
    other = register("other")
    head = (
        f"POST {gateway.path}/decisions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
        f"Authorization: Bearer {gateway.token}\r\n\r\n"
    )
    with ExitStack() as held:
        for _ in range(6):
            raw = held.enter_context(socket.create_connection(("127.0.0.1", pusher.port)))
            raw.sendall(head.encode() + b"{")
        headers = {"Authorization": f"Bearer {other.token}", "Content-Type": "application/json"}
        body = json.dumps({**BATCH, "batch": 7}).encode()
        assert _there(pusher, "POST", f"{other.path}/decisions", body, headers)[0] == 202
        headers["Authorization"] = f"Bearer {gateway.token}"
        assert _there(pusher, "POST", f"{gateway.path}/decisions", body, headers)[0] == 429


def test_a_report_is_small(gateway: Machine, pusher: Pusher) -> None:
    """It is read where everybody's are."""
    headers = {"Authorization": f"Bearer {gateway.token}", "Content-Type": "application/json"}
    body = b" " * 70_000

    status, _, answer = _there(pusher, "POST", f"{gateway.path}/report", body, headers)

    assert (status, answer["error"]["code"]) == (413, "body_too_large")
