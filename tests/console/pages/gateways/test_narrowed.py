"""Pages for whoever sees some configurations alone: theirs, and no button that is refused."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from access import tokens
from access.sights import Sight
from tests.console.browser import Browser
from tests.gateways.conftest import Register
from tests.support.repo import policy
from tests.support.syncing import link, make


@pytest.fixture
def narrowed(db: None) -> Browser:
    """A browser of an admin who sees `bot` alone."""
    browser = Browser(Client(HTTP_HOST="localhost"))
    sight = Sight.read({"ids": ["bot"], "labels": {}})
    browser.sign_in(tokens.create("narrowed", role="admin", sight=sight)[1])
    return browser


def test_lists_have_what_is_seen(
    narrowed: Browser, admin: APIClient, register: Register, bot: str
) -> None:
    """And nothing of the others."""
    make(admin, "other", policy("Other"))
    register("edge-1", configuration=bot)
    register("edge-2", configuration="other")
    link(admin, "https://forge.example/org/policies.git")

    page = narrowed.shows("/gateways")
    assert "edge-1" in page and "edge-2" not in page
    assert "Add gateways" not in page
    page = narrowed.shows("/repositories")
    assert "forge.example" not in page and "Link a repository" not in page
    for path in ("/gateway-bindings", "/gateways/enrol", "/repositories/credentials"):
        narrowed.shows(path)


def test_a_gateway_has_the_buttons_that_are_not_refused(
    narrowed: Browser, register: Register, bot: str
) -> None:
    """Binding it is one, its token is none."""
    register("edge-1", configuration=bot)

    assert "edge-1" in narrowed.shows("/gateways/edge-1/decisions")
    page = "/gateways/edge-1"
    assert narrowed.forms(page, "bind")
    assert [act for act in ("rotate", "delete") if narrowed.forms(page, act)] == []
