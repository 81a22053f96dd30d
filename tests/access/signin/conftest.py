"""A provider that is set up, rules, and browsers that go to it and come back."""

import dataclasses
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from access.signin import provider as providers
from access.signin import refusals
from access.trusts import issuers
from access.trusts import refusals as refused
from keeptrusts.env.provider import Provider as Configured
from tests.console.browser import Browser
from tests.support.api import created
from tests.support.provider import CLIENT, SECRET, Provider

RULES = "/v1/sign-in-rules"
START, BACK = "/sign-in/oidc", "/sign-in/oidc/callback"
ORIGIN = "http://localhost"
Ruling = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key and no endpoint of an earlier test, and no reason that was told a moment ago."""
    monkeypatch.setattr(issuers, "_known", {})
    monkeypatch.setattr(providers, "_asked", None)
    monkeypatch.setattr(refused.TOLD, "_last", {})
    monkeypatch.setattr(refusals.TOLD, "_last", {})


def configure(settings: Any, issuer: str, public_url: str = ORIGIN) -> None:
    """Have people sign in by an issuer."""
    by = Configured(issuer, CLIENT, SECRET, ("openid", "email"), "the <org>")
    settings.ENV = dataclasses.replace(settings.ENV, public_url=public_url, provider=by)


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    """The provider of the settings."""
    with Provider() as running:
        configure(settings, running.url)
        yield running


@pytest.fixture
def ruling(admin: APIClient, provider: Provider) -> Ruling:
    """Make a rule, by default of the platform's group as viewers."""

    number = count(1)

    def make(**fields: Any) -> dict[str, Any]:
        body = {"name": f"r{next(number)}", "issuer": provider.url} | fields
        body.setdefault("claims", {"groups": ["platform"]})
        row: dict[str, Any] = created(admin.post(RULES, body, format="json"))
        return row

    return make


def stranger() -> Browser:
    """A browser without a session."""
    return Browser(Client(HTTP_HOST="localhost"))


def begun(browser: Browser, **query: str) -> str:
    """The url at the provider that a browser is sent to."""
    answer = browser.get(START, **query)
    assert answer.status_code == 303, answer.content
    url: str = answer.headers["Location"]
    return url


def back(browser: Browser, url: str) -> Any:
    """The answer to a browser that the provider sent back."""
    assert url.startswith(f"{ORIGIN}{BACK}?"), url
    return browser.client.get(url.removeprefix(ORIGIN), headers={"Accept": "text/html"})


def signed_in(browser: Browser, provider: Provider, **query: str) -> Any:
    """The answer to a browser that went to the provider and came back."""
    return back(browser, provider.consent(begun(browser, **query)))
