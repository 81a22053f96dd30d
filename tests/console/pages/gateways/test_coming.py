"""How gateways come: registered, enrolled, bound by their labels."""

from collections.abc import Callable
from typing import Any

from django.test import Client
from rest_framework.test import APIClient

from access import tokens
from tests.console.browser import Browser
from tests.gateways.conftest import Register
from tests.support.repo import policy
from tests.support.syncing import make

ADD = "/gateways/enrol"


def _token(page: str) -> str:
    return page.split('<pre id="token">')[1].split("<")[0]


def test_one_is_registered(browser: Browser, admin: APIClient, bot: str) -> None:
    """Its token is shown once, with commands that start it, and its first report is waited for."""
    answer = browser.send(ADD, "register", id="edge-7", configuration=bot, labels="a=b")

    page = answer.content.decode()
    assert answer.status_code == 200 and _token(page).startswith("ktg_")
    assert "export KEEPTRUSTS_API_URL=http://localhost\n" in page
    assert "export KEEPTRUSTS_GATEWAY_ID=edge-7\n" in page
    assert "kt gateway run --gateway-token-file gateway-token" in page
    assert 'hx-get="/gateways/edge-7"' in page
    row = admin.get("/v1/gateways/edge-7").json()["data"]
    assert (row["configuration"], row["labels"]) == ("bot", {"a": "b"})
    assert _token(page) not in browser.shows("/gateways/edge-7")


def test_sent_twice_it_is_one(browser: Browser, admin: APIClient) -> None:
    """The second answer says that its token was shown."""
    form = browser.forms(ADD, "register")[0]
    answers = [browser.post(ADD, {**form.fields, "id": "edge-7"}) for _ in range(2)]

    assert [one.status_code for one in answers] == [200, 409]
    assert "already_done" in answers[1].content.decode()


def test_many_come_with_an_enrolment_token(
    browser: Browser, admin: APIClient, client: APIClient
) -> None:
    """It is shown once; the page waits for those that come, and names them."""
    answer = browser.send(ADD, "enrol", name="edge, eu", labels="ring=canary", max_uses="20")
    page = answer.content.decode()
    [row] = admin.get("/v1/enrolment-tokens").json()["data"]
    here = f"{ADD}/{row['id']}"
    assert (row["labels"], row["max_uses"]) == ({"ring": "canary"}, 20)
    assert f'hx-get="{here}"' in page and "kt gateway run --managed" in page
    assert "None came yet." in browser.shows(here)

    client.credentials(HTTP_AUTHORIZATION=f"Bearer {_token(page)}")
    assert client.post("/v1/gateways/enrol", {"id": "edge-9"}, format="json").status_code == 201

    shown = browser.shows(here)
    assert '<a href="/gateways/edge-9">' in shown and "offline" in shown
    assert _token(page) not in shown
    assert f'<a href="{here}">edge, eu</a>' in browser.shows(ADD)


def test_a_token_in_wrong_hands_takes_its_gateways_along(
    browser: Browser, admin: APIClient, client: APIClient
) -> None:
    """Or is revoked alone."""
    texts = [_token(browser.send(ADD, "enrol", name=one).content.decode()) for one in "ab"]
    for number, token in enumerate(texts):
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        client.post("/v1/gateways/enrol", {"id": f"edge-{number}"}, format="json")
    rows = {row["name"]: row for row in admin.get("/v1/enrolment-tokens").json()["data"]}

    for name, act in (("a", "revoke"), ("b", "revoke_all")):
        here = f"{ADD}/{rows[name]['id']}"
        assert browser.send(here, act).headers["Location"] == f"{here}?done={act}"
        assert browser.forms(here, act) == []

    left = [row["id"] for row in admin.get("/v1/gateways").json()["data"]]
    assert left == ["edge-0"]


def test_labels_are_bound(browser: Browser, admin: APIClient, register: Register, bot: str) -> None:
    """To a configuration, and no more."""
    register("edge-1", labels={"ring": "canary"})

    browser.send("/gateway-bindings", "bind_labels", selector="ring=canary", configuration=bot)

    assert admin.get("/v1/gateways/edge-1").json()["data"]["bound"] == "bot"
    page = browser.shows("/gateway-bindings")
    assert '<a href="/gateways?labels=ring%3Dcanary">ring=canary</a>' in page
    assert 'href="/gateways" aria-current="page"' in page
    browser.send("/gateway-bindings", "unbind_labels")
    assert admin.get("/v1/gateway-bindings").json()["data"] == []


def test_bindings_of_one_configuration(
    browser: Browser, admin: APIClient, bind: Callable[..., str], bot: str
) -> None:
    """By the URL."""
    make(admin, "other", policy("Other"))
    bind(bot, ring="a")
    bind("other", ring="b")

    page = browser.shows("/gateway-bindings", configuration="other")

    assert "ring=b" in page and "ring=a" not in page


def test_an_editor_binds_and_adds_nobody(sign_in: Callable[[str], Browser]) -> None:
    """The page of adding has no form, and no list of tokens."""
    editor: Any = sign_in("editor")

    page = editor.shows(ADD)
    assert page.count('method="post"') == 1 and "Enrolment tokens" not in page
    assert editor.forms("/gateway-bindings", "bind_labels")


def test_a_binding_under_four_eyes_waits_on_its_page(
    browser: Browser, admin: APIClient, register: Register, bind: Callable[..., str], bot: str
) -> None:
    """With what it moves; somebody else confirms it there."""
    make(admin, "other", policy("Other"))
    bind(bot, ring="a")
    register("edge-1", labels={"ring": "a", "region": "eu"})
    admin.patch("/v1/configurations/bot", {"four_eyes": True}, format="json")
    here = "/gateway-bindings"

    refused = browser.send(here, "bind_labels", selector="ring=a,region=eu", configuration="other")
    assert refused.status_code == 409
    form = browser.forms_of(refused, "bind_labels")[0]
    browser.post(here, {**form.fields, "asked": "a canary"})

    page = browser.shows(here)
    assert "a canary" in page and "<li>edge-1: bot → other</li>" in page
    bob = Browser(Client(HTTP_HOST="localhost"))
    bob.sign_in(tokens.create("bob", role="editor", emails=["bob@keeptrusts.example"])[1])
    assert bob.send(here, "confirm_request").status_code == 303
    assert admin.get("/v1/gateways/edge-1").json()["data"]["bound"] == "other"
