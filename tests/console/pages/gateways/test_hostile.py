"""Script in whatever gateways and people can fill: pages show it, and no browser runs it."""

import re
from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from gateways.models import Gateway
from tests.console.browser import Browser
from tests.gateways.conftest import Register
from tests.gateways.reports.test_decisions import event, send

EVIL = "\"'><img src=x onerror=alert(1)><script>alert(1)</script>"
_RUNS = re.compile(r"<img src=x|<script>")


def _harmless(page: str) -> str:
    assert _RUNS.findall(page) == [], page
    return page


@pytest.mark.untrue_rows
def test_what_a_gateway_tells(browser: Browser, register: Register, bot: str) -> None:
    """Its problem, and every member of its decisions."""
    one = register("edge-1", configuration=bot)
    one.run(health="degraded", problem={"code": "x", "message": EVIL})
    told = dict.fromkeys(
        ("verdict", "policy", "reason_code", "model", "client", "status", "gateway_ms"), EVIL
    )
    send(one, event(1, **told, config={"id": EVIL, "content_hash": EVIL}))

    for path in ("/gateways", "/gateways/edge-1", "/gateways/edge-1/decisions"):
        page = _harmless(browser.shows(path))
    assert "&lt;img" in page


def test_what_people_fill(
    browser: Browser, admin: APIClient, register: Register, bind: Callable[..., str], bot: str
) -> None:
    """Names and labels of gateways, enrolment tokens, bindings."""
    register("edge-1", name=EVIL, configuration=bot)
    Gateway.objects.update(labels={EVIL: EVIL})
    bind(bot, ring=EVIL)
    body = {"name": EVIL, "labels": {"ring": EVIL}}
    made = admin.post("/v1/enrolment-tokens", body, format="json").json()["data"]

    pages = ("/gateways/edge-1", "/gateway-bindings", "/gateways/enrol")
    for path in (*pages, f"/gateways/enrol/{made['id']}"):
        assert "&lt;img src=x" in _harmless(browser.shows(path)), path


def test_what_is_written_into_forms(browser: Browser) -> None:
    """It comes back as what it is."""
    answer = browser.send("/gateways/enrol", "register", id=EVIL, name=EVIL, labels=EVIL)

    assert answer.status_code == 400
    assert "&lt;img src=x" in _harmless(answer.content.decode())
