"""Paths that are none, and failures, for browsers and for programs."""

import pytest
from django.test import Client

from keeptrusts.api import health

_HTML = {"HTTP_ACCEPT": "text/html,application/xhtml+xml"}


@pytest.mark.parametrize("path", ["/nothing", "/repositories/no-id", "/access/"])
def test_a_browser_gets_a_page(path: str) -> None:
    """Dressed as all pages are, with a way on."""
    answer = Client().get(path, **_HTML)

    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")
    assert "Accept" in answer["Vary"] and "frame-ancestors" in answer["Content-Security-Policy"]
    assert "This is not there" in answer.content.decode()
    assert 'href="/"' in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "accept"), [("/nothing", "*/*"), ("/nothing", ""), ("/v1/nothing", "text/html")]
)
def test_a_program_gets_the_error_of_the_api(path: str, accept: str) -> None:
    """And below the API everybody does."""
    answer = Client().get(path, HTTP_ACCEPT=accept)

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("accept", "kind"), [("text/html", "text/html"), ("*/*", "application/json")]
)
def test_a_bug_is_told_in_the_form_that_was_asked_for(
    accept: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the request's id, by which the log is searched."""
    monkeypatch.setattr(health.Healthz, "get", lambda *_: 1 / 0)

    answer = Client(raise_request_exception=False).get("/healthz", HTTP_ACCEPT=accept)

    assert answer.status_code == 500
    assert answer["Content-Type"].startswith(kind)
    assert answer["X-Request-Id"] in answer.content.decode()
