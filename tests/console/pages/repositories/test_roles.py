"""Roles on pages of repositories and gateways: who opens which, and has which button."""

from collections.abc import Callable
from typing import Any

import pytest

from access import roles
from console.pages.repositories.one import Edit, OneRepository, Webhook
from tests.console.browser import Browser

PAGES = {
    "/repositories/new": "links.read",
    "/repositories/credentials": "links.read",
    "/gateways": "drift.read",
    "/gateways/enrol": "configurations.read",
    "/gateway-bindings": "gateways.read",
}
# The page below a link's own that has a form, what it is called, and what it demands.
FORMS = [
    ("", OneRepository, "sync", "links.edit"),
    ("", OneRepository, "preview", "links.preview"),
    ("", OneRepository, "suspend", "links.edit"),
    ("", OneRepository, "remove", "links.edit"),
    ("/edit", Edit, "edit", "links.edit"),
    ("/webhook", Webhook, "webhook", "links.edit"),
]


@pytest.mark.parametrize("role", [*roles.ROLES])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_for_whoever_may_read_what_it_shows(
    path: str, role: str, sign_in: Callable[[str], Browser]
) -> None:
    """Others are told which role they need."""
    answer = sign_in(role).get(path)

    assert answer.status_code == (200 if roles.may(role, PAGES[path]) else 403)


@pytest.mark.parametrize("role", ["viewer", "auditor", "editor", "admin"])
def test_a_form_is_there_for_whoever_may_send_it(
    role: str, sign_in: Callable[[str], Browser], linked: dict[str, Any]
) -> None:
    """Each one of them, on the page that has it."""
    somebody = sign_in(role)
    for below, page, act, action in FORMS:
        assert act in page.acts
        forms = somebody.forms(f"/repositories/{linked['id']}{below}", act)
        assert bool(forms) == roles.may(role, action), act
