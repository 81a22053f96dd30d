"""Roles: what each may do at every endpoint, and that no endpoint is without a row."""

import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient
from rest_framework.views import APIView

from access import roles, tokens
from access.authentication import MayAct
from access.roles import ACTIONS, ANY, ROLES
from console.pages.base import Page
from console.pages.signin import Callback, SignIn, SignInByProvider, SignOut
from tests.support.api import error
from tests.support.stack import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

# What each role may do, written from what it is for; `access.roles` must say the same.
TABLE = {
    "metrics.read": "metrics viewer auditor editor admin",
    "configurations.read": "ci viewer auditor editor admin",
    "drift.read": "ci viewer auditor editor admin",
    "configurations.check": "ci editor admin",
    "links.preview": "ci editor admin",
    "links.read": "viewer auditor editor admin",
    "gateways.read": "viewer auditor editor admin",
    "events.read": "viewer auditor editor admin",
    "decisions.read": "auditor admin",
    "audit.read": "auditor admin",
    "configurations.edit": "editor admin",
    "configurations.pin": "editor admin",
    "links.edit": "editor admin",
    "links.confirm": "editor admin",
    "gateways.bind": "editor admin",
    "credentials.edit": "admin",
    "gateways.edit": "admin",
    "enrolment.manage": "admin",
    "client_keys.edit": "admin",
    "requests.read": "viewer auditor editor admin",
    "requests.ask": "editor admin",
    "requests.confirm": "editor admin",
    "requests.break_glass": "admin",
    "tokens.manage": "admin",
    "trusts.manage": "admin",
    "sign_in_rules.manage": "admin",
    "notifications.manage": "admin",
    ANY: "metrics ci viewer auditor editor admin",
}
_METHODS = ("get", "post", "put", "patch", "delete")


def _patterns(found: list[Any], prefix: str = "/") -> Iterator[tuple[str, Any]]:
    for one in found:
        path = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _patterns(one.url_patterns, path)
        else:
            assert isinstance(one, URLPattern)
            view = one.callback.view_class  # type: ignore[attr-defined]
            # A page of the console has no role: it asks the API.
            if issubclass(view, APIView):
                yield path, view
            else:
                assert issubclass(view, Page | SignIn | SignInByProvider | Callback | SignOut)


def _asks_for_a_role(view: Any) -> bool:
    return MayAct in view.permission_classes


ENDPOINTS = [
    (method.upper(), path, view)
    for path, view in _patterns(get_resolver().url_patterns)
    for method in _METHODS
    if hasattr(view, method) and _asks_for_a_role(view)
]
# Endpoints that ask for no token of a person, each with a reason.
OTHERS = {
    "Index": "open", "Root": "open", "Healthz": "open", "Readyz": "open", "Document": "open",
    "Page": "open", "PageFile": "open", "Webhook": "a signature",
    "Enrol": "an enrolment token", "Configuration": "a gateway's token",
    "OwnClientKeys": "a gateway's token", "Report": "a gateway's token",
    "DecisionIntake": "a gateway's token",
    "GatewayEvents": "a gateway's token", "GatewayContent": "a gateway's token",
}  # fmt: skip


def test_every_endpoint_has_a_row() -> None:
    """Whoever adds one says what it is, or why it needs no role."""
    views = {view for _, view in _patterns(get_resolver().url_patterns)}

    assert {view.__name__ for view in views if not _asks_for_a_role(view)} == set(OTHERS)
    for method, path, view in ENDPOINTS:
        assert view.actions.get(method) in {*ACTIONS, ANY}, (method, path)


def test_roles_may_what_the_table_says() -> None:
    """And nothing else, whatever the action is called."""
    assert set(TABLE) == {*ACTIONS, ANY}
    found = {
        action: {role for role in ROLES if roles.may(role, action)} for action in (*ACTIONS, ANY)
    }
    assert found == {action: set(names.split()) for action, names in TABLE.items()}
    assert not any(roles.may(role, "tokens.make") for role in ROLES)
    assert not any(roles.may("root", action) for action in (*ACTIONS, ANY))


def _filled(path: str) -> str:
    words = {"configuration:name": "k", "int:number": "1", "int:epoch": "1",
             "configuration:gateway_id": "g"}  # fmt: skip
    while "<" in path:
        head, _, rest = path.partition("<")
        name, _, tail = rest.partition(">")
        path = head + (words.get(name) or (str(uuid4()) if "uuid" in name else "c")) + tail
    return path


@pytest.mark.parametrize("role", ROLES)
def test_every_cell_of_role_and_endpoint(role: str) -> None:
    """403 with the action and who may, or any answer but 401 and 403."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.create(role, role=role)[1]}")
    for method, path, view in ENDPOINTS:
        action = view.actions[method]
        answer = client.generic(method, _filled(path), b"{}", content_type="application/json")
        if role in TABLE[action].split():
            assert answer.status_code not in (401,), (role, method, path)
        else:
            assert (answer.status_code, error(answer)["code"]) == (403, "permission_denied")
            message = error(answer)["message"]
            assert action in message
            assert all(able in message for able in TABLE[action].split())


@pytest.mark.parametrize(
    ("role", "body", "allowed"),
    [
        ("editor", {"configuration": None}, True),
        ("editor", {"labels": {"a": "b"}}, False),
        ("editor", {"configuration": None, "labels": {}}, False),
        ("editor", {"configuration": None, "client_keys": "off"}, False),
        ("editor", {"name": "x"}, False),
        ("viewer", {"labels": {}}, False),
        ("admin", {"name": "x"}, True),
    ],
)
def test_binding_a_gateway_is_an_editors(role: str, body: Any, allowed: bool) -> None:
    """All else is an admin's, its labels too: client keys go by them."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.create(role, role=role)[1]}")

    status = client.patch("/v1/gateways/nobody", body, format="json").status_code

    assert (status == 404) == allowed
    assert status in (403, 404)


@pytest.mark.parametrize(("query", "allowed"), [("", False), ("?dry_run=true", True)])
def test_a_dry_run_is_no_sync(query: str, allowed: bool) -> None:
    """A role that may preview may not sync."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.create('ci', role='ci')[1]}")

    status = client.post(f"/v1/git-repos/{uuid4()}/sync{query}", {}, format="json").status_code

    assert status == (404 if allowed else 403)


def test_the_docs_have_the_table() -> None:
    """Run with RENEW=1 to write it anew."""
    lines = ["| action | what it is | " + " | ".join(f"`{role}`" for role in ROLES) + " |"]
    lines.append("|---|---|" + "---|" * len(ROLES))
    for action, meaning in ACTIONS.items():
        cells = " | ".join("yes" if roles.may(role, action) else "" for role in ROLES)
        lines.append(f"| `{action}` | {meaning} | {cells} |")
    page = ROOT / "docs" / "api.md"
    head, begin, rest = page.read_text().partition("<!-- roles: begin -->\n")
    found, end, tail = rest.partition("<!-- roles: end -->")
    table = "\n".join(lines) + "\n"
    if os.environ.get("RENEW"):
        page.write_text(head + begin + table + end + tail)
    else:
        assert found == table
