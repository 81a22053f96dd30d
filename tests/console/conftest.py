"""Browsers of the console, without scripts: sessions of each role."""

from collections.abc import Callable

import pytest
from django.test import Client

from access import tokens
from tests.console.browser import Browser
from tests.gateways.conftest import _another_database, register

# Fixtures: what pages show of gateways stands in this process and in Redis, too.
__all__ = ["_another_database", "register"]


@pytest.fixture
def sign_in(db: None) -> Callable[[str], Browser]:
    """A browser in which somebody of a role has signed in."""

    def signed_in(role: str = "admin") -> Browser:
        browser = Browser(Client(HTTP_HOST="localhost"))
        browser.sign_in(tokens.create(f"{role} of tests", role=role)[1])
        return browser

    return signed_in


@pytest.fixture
def browser(sign_in: Callable[[str], Browser]) -> Browser:
    """A browser of an admin."""
    return sign_in("admin")
