"""Query strings of strangers' links: a page answers whatever they ask for, and is kept nowhere."""

import pytest
from rest_framework.test import APIClient

from tests.console.browser import Browser
from tests.support.repo import policy
from tests.support.syncing import link

_PAGES = (
    "/", "/configurations", "/configurations/chat", "/configurations/chat/policy",
    "/configurations/chat/compare", "/repositories", "/repositories/new",
    "/repositories/credentials", "/repositories/credentials/new", "/repositories/{link}",
    "/repositories/{link}/files", "/repositories/{link}/syncs", "/gateways", "/gateways/enrol",
    "/gateways/edge-1", "/gateways/edge-1/decisions", "/gateways/edge-1/evidence",
    "/configurations/chat/evidence", "/gateway-bindings", "/requests", "/events",
    "/notifications", "/events/file", "/audit", "/audit/file", "/access", "/try", "/sign-in",
    "/sign-in/oidc", "/sign-in/oidc/callback",
)  # fmt: skip
# All that some page reads of its URL.
_NAMES = (
    "q", "sort", "cursor", "status", "labels", "since", "until", "version", "from", "to", "line",
    "seen", "part", "done", "gone", "kind", "configuration", "state", "next", "as", "view",
    "revoked", "url", "actor_id", "outcome", "failed", "other", "gateway", "code", "iss", "edit",
    "at", "endpoint",
)  # fmt: skip
_VALUES = ("\0", "x" * 20_000, "9" * 25, "\u00b2\uffff", "a=b,=,'\"><script>=1+1")


@pytest.mark.parametrize("value", _VALUES)
def test_a_page_answers_whatever_is_asked(value: str, browser: Browser, admin: APIClient) -> None:
    """All parameters at once; what is not of its form is refused with a page."""
    body = {"id": "chat", "content": policy("One")}
    assert admin.post("/v1/configurations", body, format="json").status_code == 201
    body = {"id": "edge-1", "configuration": "chat"}
    assert admin.post("/v1/gateways", body, format="json").status_code == 201
    row = link(admin, "https://forge.example/x.git")
    failed = []
    for path in (one.replace("{link}", row["id"]) for one in _PAGES):
        for query in (dict.fromkeys(_NAMES, value), {"cursor": value}):
            answer = browser.get(path, **query)
            kept = answer.headers.get("Cache-Control") != "no-store"
            if answer.status_code >= 500 or kept or b"<script>" in answer.content:
                failed.append((path, query, answer.status_code, kept))

    assert failed == []
