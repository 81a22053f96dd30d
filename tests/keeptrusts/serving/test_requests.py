"""Requests to the web, from their heads to their answers."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.conf import settings

from keeptrusts.api.views import AUTHENTICATED
from keeptrusts.serving import doors
from keeptrusts.serving.attempts import Attempts
from keeptrusts.serving.bridge import Bridge
from keeptrusts.serving.limits import Limits
from keeptrusts.serving.places import Places
from keeptrusts.serving.requests import Application
from tests.keeptrusts.serving.asking import Sending

_OWN = "/v1/whoami"


def _app(request: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """`good` is a token; `/` and unknown paths ask for none, and `/bug` has one."""
    path, who = request["PATH_INFO"], request.get("HTTP_AUTHORIZATION", "")
    if path == "/bug":
        raise RuntimeError("a bug")
    if path == "/slow":
        time.sleep(0.3)
    status = "200 OK"
    if path in settings.SIGN_IN_PATHS:
        status = "401 Unauthorized"
    if path == _OWN:
        request[AUTHENTICATED] = who == "Bearer good"
        status = status if request[AUTHENTICATED] else "401 Unauthorized"
    start_response(status, [("Content-Length", "2")])
    return [b"{}"]


class Web:
    """The application, asked from one address."""

    def __init__(self, *, most_in_a_minute: int = 0) -> None:
        shares = {door.name: door.places for door in doors.sharing()}
        health = Places(1, {doors.HEALTH.name: 1})
        self.attempts = Attempts()
        self.app = Application(
            Bridge(_app, threads=4),
            Places(4, shares),
            health_places=health,
            attempts=self.attempts,
            limits=Limits(most_in_a_minute),
        )
        self.is_gone = False
        self.waits: list[float] = []
        self.headers: dict[bytes, bytes] = {}

    async def ask(
        self, path: str, token: str = "", *, method: str = "GET", twice: bool = False, **head: str
    ) -> Any:
        """Status and body; None when there is no answer."""
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        headers = {"authorization": f"Bearer {token}"} if token else {}
        headers |= {name.replace("_", "-"): value for name, value in head.items()}
        pairs = [(k.encode(), v.encode()) for k, v in headers.items()]
        if twice:
            pairs.append((b"authorization", b""))
        scope = {
            "path": path, "method": method, "query_string": b"", "http_version": "1.1",
            "scheme": "http", "client": ("10.0.0.1", 9), "server": ("10.0.0.2", 80),
            "headers": pairs,
            "state": {"admit": lambda: None, "is_gone": lambda: self.is_gone},
        }  # fmt: skip
        began = asyncio.get_running_loop().time()
        with contextlib.suppress(asyncio.CancelledError):
            await self.app(scope, Sending([(0, b"")]), send)
        self.waits.append(asyncio.get_running_loop().time() - began)
        self.headers = dict(sent[0]["headers"]) if sent else {}
        return (sent[0]["status"], orjson.loads(sent[1]["body"])) if sent else None


@pytest.mark.parametrize("path", ["/", "/nothing", "/healthz"])
def test_an_open_path_makes_no_token_good(path: str) -> None:
    """Else a guess that is sent there first would not be slowed."""

    async def work() -> tuple[list[int], float]:
        web, statuses = Web(), []
        web.attempts._seconds_each = 0.005
        for number in range(20):
            await web.ask(path, f"guess {number}")
            statuses.append((await web.ask(_OWN, f"guess {number}"))[0])
        return statuses, sum(web.waits)

    statuses, waited = asyncio.run(work())
    assert (set(statuses), waited > 0.2) == ({401}, True)


@pytest.mark.parametrize("path", settings.SIGN_IN_PATHS)
def test_who_fails_to_sign_in_is_slowed_by_address(path: str) -> None:
    """A form has its token in the body; nobody else's requests wait for it."""

    async def work() -> tuple[float, float]:
        web = Web()
        web.attempts._seconds_each = 0.005
        for _ in range(20):
            assert (await web.ask(path, method="POST"))[0] == 401
        slowed = sum(web.waits)
        await web.ask("/nothing")
        return slowed, web.waits[-1]

    slowed, other = asyncio.run(work())
    assert (slowed > 0.2, other < 0.1) == (True, True)


def test_a_token_that_passed_is_not_slowed() -> None:
    """Neither by the failures of others nor by a path that asks for none."""

    async def work() -> tuple[int, float]:
        web = Web()
        await web.ask(_OWN, "good")
        for number in range(11):
            await web.ask(_OWN, f"guess {number}")
        await web.ask("/nothing", "good")
        status = (await web.ask(_OWN, "good"))[0]
        return status, web.waits[-1]

    status, waited = asyncio.run(work())
    assert (status, waited < 0.1) == (200, True)


def test_a_bug_is_told_in_the_envelope() -> None:
    """And logged."""
    status, body = asyncio.run(Web().ask("/bug"))

    assert (status, body["error"]["code"]) == (500, "internal")


def test_whoever_left_is_not_worked_for() -> None:
    """Who waited for a place and hung up takes none."""
    web = Web()
    web.is_gone = True

    assert asyncio.run(web.ask("/bug")) is None


_SIGNATURE = "0" * 64


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ({}, 401),
        ({"x_hub_signature_256": ""}, 401),
        ({"x_hub_signature_256": "sha256=" + "0" * 63}, 401),
        ({"x_hub_signature": "sha1=" + "0" * 40}, 401),
        ({"x_keeptrusts_signature": _SIGNATURE}, 401),
        ({"webhook_signature": "x"}, 401),
        ({"x_hub_signature_256": f"sha256={_SIGNATURE}"}, 200),
        ({"x_gitea_signature": _SIGNATURE}, 200),
        ({"x_gitlab_token": "x"}, 200),
        ({"webhook_signature": "v1,x"}, 200),
        ({"authorization": "Basic eDp4"}, 200),
        ({"x_keeptrusts_signature": f"t=1,v1={_SIGNATURE}"}, 200),
    ],
)
def test_a_delivery_is_looked_at_before_its_body(head: dict[str, str], status: int) -> None:
    """One without a signature in the form of a forge comes no further."""
    path = "/v1/git-repos/x/webhook"

    assert asyncio.run(Web().ask(path, method="POST", **head))[0] == status


def test_two_credentials_are_none() -> None:
    """Whoever counts failures would take one, and whoever checks it the other."""
    status, body = asyncio.run(Web().ask(_OWN, "good", twice=True))

    assert (status, body["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize(("path", "status"), [("report", 413), ("decisions", 200)])
def test_a_large_report_is_refused_by_its_head(path: str, status: int) -> None:
    """Reports are of a few hundred bytes; batches of decisions are large."""
    asked = Web().ask(f"/v1/gateways/x/{path}", method="POST", content_length="100000")

    assert asyncio.run(asked)[0] == status


def test_a_token_that_asks_too_much_is_told_when_to_go_on() -> None:
    """By people's paths alone: gateways and forges have bounds of their own."""

    async def work() -> None:
        web, told = Web(most_in_a_minute=2), []
        for path in (_OWN, "/nothing", _OWN, "/healthz", "/v1/gateways/x/report", _OWN):
            status, body = await web.ask(path, "good")
            told.append((status, web.headers.get(b"ratelimit", b"")[:11]))
        assert told == [
            (200, b'"token";r=1'), (200, b'"token";r=0'), (429, b'"token";r=0'),
            (200, b""), (200, b""), (429, b'"token";r=0'),
        ]  # fmt: skip
        assert body["error"]["code"] == "rate_limited"
        assert 1 <= int(web.headers[b"retry-after"]) <= 60
        assert (await web.ask(_OWN, "another"))[0] == 401

    asyncio.run(work())


@pytest.mark.parametrize("path", [_OWN, "/bug"])
def test_every_answer_has_what_all_have(path: str) -> None:
    """Whoever made it; an error names the request."""
    web = Web()
    head = {"x_request_id": "mine", "origin": "https://console.example"}
    _, body = asyncio.run(web.ask(path, "good", **head))

    assert web.headers[b"x-request-id"] == b"mine"
    assert web.headers[b"access-control-allow-origin"] == b"https://console.example"
    assert web.headers[b"vary"] == b"Accept-Encoding, Origin"
    assert body.get("error", {}).get("request_id", "mine") == "mine"


def test_what_is_cut_off_by_the_end_of_the_process_is_told_so() -> None:
    """It may be done or not."""

    async def work() -> Any:
        asking = asyncio.create_task(Web().ask("/slow"))
        await asyncio.sleep(0.1)
        asking.cancel()
        return await asking

    status, body = asyncio.run(work())

    assert (status, body["error"]["code"]) == (503, "unavailable")
