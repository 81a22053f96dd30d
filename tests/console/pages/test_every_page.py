"""Every page, for every role: what it shows, and that nothing in it is taken for markup."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from access import roles, tokens
from events.models import Event
from keeptrusts.processes import heartbeat
from tests.console.browser import Browser
from tests.support.repo import policy

NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
PAGES = {
    "/": "drift.read",
    "/configurations": "configurations.read",
    "/repositories": "links.read",
    "/events": "events.read",
    "/audit": "audit.read",
    "/requests": "requests.read",
    "/access": "tokens.manage",
}


@pytest.mark.parametrize("role", [*roles.ROLES])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_for_whoever_may_read_what_it_shows(
    path: str, role: str, sign_in: Callable[[str], Browser]
) -> None:
    """By the API's table; others are told which role they need."""
    answer = sign_in(role).get(path)

    shown = 200 if roles.may(role, PAGES[path]) else 403
    if path == "/" and shown == 200 and not roles.may(role, "configurations.read"):
        shown = 403
    assert answer.status_code == shown, answer.content
    bar = f'<a href="{path}" aria-current="page">'
    assert (bar in answer.content.decode()) == (shown == 200)


def test_nothing_is_taken_for_markup(browser: Browser, admin: APIClient) -> None:
    """Of what people and gateways may write."""
    body = {"id": "chat", "name": NASTY, "content": policy("One"), "labels": {"team": "x"}}
    assert admin.post("/v1/configurations", body, format="json").status_code == 201
    tokens.create(NASTY, note=NASTY)
    Event.objects.create(
        kind="failed", message=NASTY, configuration="chat", created_at=timezone.now()
    )
    for path in [*PAGES, "/configurations/chat"]:
        page = browser.get(path).content.decode()
        assert "<script>alert" not in page and "<img src=x" not in page, path
    assert "&lt;script&gt;alert(1)" in browser.get("/access").content.decode()


def test_the_number_of_queries_is_that_of_one_row(browser: Browser, admin: APIClient) -> None:
    """Whatever there is of each."""

    def asked(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(path).status_code == 200
        for q in queries:
            print(path, q["sql"][:150])
        return len(queries)

    def more(numbers: range) -> None:
        for number in numbers:
            body = {"id": f"c{number}", "content": policy(f"Policy {number}")}
            assert admin.post("/v1/configurations", body, format="json").status_code == 201
            body = {"id": f"g{number}", "configuration": f"c{number}"}
            assert admin.post("/v1/gateways", body, format="json").status_code == 201
            tokens.create(f"t{number}")

    more(range(1))
    few = {path: asked(path) for path in PAGES}
    more(range(1, 12))
    many = {path: asked(path) for path in PAGES}

    assert many == few
    assert max(many.values()) <= 36


def test_the_overview_counts_gateways_alone(browser: Browser, admin: APIClient) -> None:
    """As many as their list has, whatever is there without one."""
    for name in ("one", "two", "three"):
        body = {"id": name, "content": policy(name)}
        assert admin.post("/v1/configurations", body, format="json").status_code == 201
    body = {"id": "edge-1", "configuration": "one"}
    assert admin.post("/v1/gateways", body, format="json").status_code == 201

    page = browser.shows("/")

    assert re.findall(r'"/gateways\?state=(\w+)">.*? <strong>(\d+)', page) == [("offline", "1")]


def test_a_part_that_is_down_is_told(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the overview, with what is wrong: what is merged waits for a worker that is gone."""
    told = "<strong>worker and beat</strong>: No tick ran in the last ten seconds."
    monkeypatch.setattr(heartbeat, "is_alive", lambda: False)
    assert told in browser.shows("/")

    monkeypatch.setattr(heartbeat, "is_alive", lambda: True)
    assert "does not work" not in browser.shows("/")


def test_a_token_is_made_and_shown_once(browser: Browser) -> None:
    """With a role and an end; then it is good for a session of its own."""
    answer = browser.send("/access", "create", name="auditors", role="auditor", expires_at="30")

    page = answer.content.decode()
    text = page.partition('<code id="secret">')[2].partition("<")[0]
    assert (answer.status_code, text[:3]) == (200, "kt_")
    assert text not in browser.get("/access").content.decode()
    token = tokens.find(text)
    assert token is not None and (token.role, token.name) == ("auditor", "auditors")


def test_a_wrong_field_is_told_beside_the_form(browser: Browser) -> None:
    """And what was filled in is there still."""
    answer = browser.send("/access", "create", name="auditors", expires_at="for ever")

    page = answer.content.decode()
    assert answer.status_code == 400
    assert "must be a number of days" in page and 'value="auditors"' in page
