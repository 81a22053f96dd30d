"""A gateway's own pages: how it stands, what it decided, and what is done there."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from access import tokens
from gateways.models import Gateway
from tests.console.browser import Browser
from tests.gateways.conftest import Register
from tests.gateways.reports.test_decisions import event, send
from tests.support.gateways import Machine
from tests.support.repo import policy
from tests.support.syncing import make

HERE = "/gateways/edge-1"


def _row(admin: APIClient) -> dict[str, Any]:
    row: dict[str, Any] = admin.get("/v1/gateways/edge-1").json()["data"]
    return row


def test_it_says_how_it_stands(browser: Browser, gateway: Machine) -> None:
    """Before its first report, and after it."""
    page = browser.shows(HERE)
    assert "It has not said yet that it enforces" in page and "offline" in page
    gateway.run()
    page = browser.shows(HERE)
    assert "It enforces version 1 of" in page and "in sync" in page


def test_its_own_problem_is_told(browser: Browser, gateway: Machine) -> None:
    """As it reports it."""
    gateway.run(health="degraded", problem={"code": "statement_ahead", "message": "its clock"})

    page = browser.shows(HERE)

    assert "It says: its clock" in page and "statement_ahead" in page


def test_it_is_bound(browser: Browser, admin: APIClient, gateway: Machine) -> None:
    """To another configuration, or left to its labels."""
    make(admin, "other", policy("Other"))

    answer = browser.send(HERE, "bind", configuration="other")

    assert answer.headers["Location"] == f"{HERE}?done=bind"
    assert _row(admin)["configuration"] == "other"
    browser.send(HERE, "bind", configuration="")
    assert _row(admin)["configuration"] is None
    refused = browser.send(HERE, "bind", configuration="nowhere")
    assert refused.status_code == 400
    assert "there is no configuration" in refused.content.decode()


def test_it_is_edited(browser: Browser, admin: APIClient, gateway: Machine) -> None:
    """Name, labels, client keys; labels may be taken away."""
    browser.send(
        HERE, "edit", name="At the edge", labels="region=eu, ring=a", client_keys="demanded"
    )
    row = _row(admin)
    assert (row["name"], row["labels"]) == ("At the edge", {"region": "eu", "ring": "a"})
    assert row["client_keys"] == "demanded"
    assert "demanded: a call without one is refused" in browser.shows(HERE)
    browser.send(HERE, "edit", labels="")
    assert _row(admin)["labels"] == {}
    wrong = browser.send(HERE, "edit", labels="region")
    assert wrong.status_code == 400 and "write name=value" in wrong.content.decode()


def test_a_new_token_is_shown_once(browser: Browser, gateway: Machine) -> None:
    """In the answer, and on no page after it."""
    page = browser.send(HERE, "rotate").content.decode()

    token = page.split('<pre id="token">')[1].split("<")[0]
    assert token.startswith("ktg_") and token != gateway.token
    assert token not in browser.shows(HERE)


def test_a_deleted_one_leaves_an_id_that_is_released(
    browser: Browser, admin: APIClient, gateway: Machine
) -> None:
    """The list offers it, and then another may have it."""
    answer = browser.send(HERE, "delete")
    page = browser.shows(answer.headers["Location"])
    assert "Its id stays reserved until it is released." in page
    assert browser.get(HERE).status_code == 404

    form = browser.forms(answer.headers["Location"], "release")[0]
    assert form.fields["gateway_id"] == "edge-1"
    browser.post("/gateways", form.fields)
    body = {"id": "edge-1"}
    assert admin.post("/v1/gateways", body, format="json").status_code == 201


def test_what_is_not_ahead_is_not_said_again(browser: Browser, gateway: Machine) -> None:
    """It is said again where it is asked for."""
    answer = browser.send(HERE, "reissue")

    assert answer.headers["Location"] == f"{HERE}?done=reissue"


def test_client_keys_that_hold_there_are_listed(
    browser: Browser, admin: APIClient, gateway: Machine
) -> None:
    """With their limits, and without those of others or a key."""
    key = {"name": "search", "rate_limit": {"max_requests": 7, "window_seconds": 60}}
    made = admin.post("/v1/client-keys", key, format="json").json()["data"]["key"]
    admin.post("/v1/client-keys", {"name": "batch", "selector": {"a": "b"}}, format="json")

    page = browser.shows(HERE)

    assert "search" in page and "7 calls in 60 s" in page and "all gateways" in page
    assert "batch" not in page and made not in page


def test_decisions_are_listed_without_text(browser: Browser, gateway: Machine) -> None:
    """By verdict and policy, in pages."""
    audit = {"matched": "4111 1111 1111 1111"}
    blocked = event(1, verdict="block", policy="pii-detector", model="gpt-x", audit=audit)
    send(gateway, blocked, *(event(number) for number in range(2, 70)))

    page = browser.shows(f"{HERE}/decisions")
    assert "69 decisions" in page and "Next page" in page and page.count("<tr>") == 51
    page = browser.shows(f"{HERE}/decisions", verdict="block")
    assert "1 decision," in page and "pii-detector" in page and "gpt-x" in page
    assert "4111" not in page
    assert "None is like this." in browser.shows(f"{HERE}/decisions", policy="none-such")


def test_decisions_are_for_auditors(sign_in: Callable[[str], Browser], gateway: Machine) -> None:
    """An editor has neither the page nor the link to it."""
    editor = sign_in("editor")

    assert "Decisions</a>" not in editor.shows(HERE)
    assert editor.get(f"{HERE}/decisions").status_code == 403
    assert "Decisions</a>" in sign_in("auditor").shows(HERE)


@pytest.mark.parametrize(("role", "acts"), [
    ("viewer", set()), ("auditor", set()), ("editor", {"bind", "reissue"}),
    ("admin", {"bind", "reissue", "edit", "rotate", "delete"}),
])  # fmt: skip
def test_buttons_are_those_of_the_role(
    sign_in: Callable[[str], Browser], gateway: Machine, role: str, acts: set[str]
) -> None:
    """And no more, on the same page."""
    somebody = sign_in(role)

    known = ("bind", "reissue", "edit", "rotate", "delete")
    assert {act for act in known if somebody.forms(HERE, act)} == acts


def test_another_configuration_under_four_eyes_is_asked_for(
    browser: Browser, admin: APIClient, gateway: Machine
) -> None:
    """By the page that refused it; somebody else confirms it there."""
    make(admin, "other", policy("Other"))
    admin.patch("/v1/configurations/bot", {"four_eyes": True}, format="json")

    refused = browser.send(HERE, "bind", configuration="other")
    form = browser.forms_of(refused, "bind")[0]
    assert "alone" not in form.fields
    browser.post(HERE, {**form.fields, "asked": "a move"})

    assert _row(admin)["configuration"] == "bot"
    bob = Browser(Client(HTTP_HOST="localhost"))
    bob.sign_in(tokens.create("bob", role="editor", emails=["bob@keeptrusts.example"])[1])
    page = bob.shows(HERE)
    assert "a move" in page and "<li>edge-1: bot → other</li>" in page
    answer = bob.send(HERE, "confirm_request")
    assert answer.status_code == 303, answer.content.decode()
    assert _row(admin)["configuration"] == "other"


def test_it_costs_the_same_in_a_fleet(
    browser: Browser, register: Register, gateway: Machine
) -> None:
    """By a fixed number of queries, below 100 KB."""
    gateway.run()
    counts = []
    for size in (1, 20):
        for number in range(size):
            register(f"gate-{size}-{number}")
        with CaptureQueriesContext(connection) as made:
            page = browser.shows(HERE)
        counts.append(len(made))

    assert Gateway.objects.count() == 22
    assert counts[0] == counts[1] <= 17
    assert len(page.encode()) < 100_000
