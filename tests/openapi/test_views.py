"""`/v1/openapi.json` and `/v1/docs`: for whoever asks, from here alone."""

import re
from html.parser import HTMLParser

import pytest
from rest_framework.test import APIClient

from openapi import document

pytestmark = pytest.mark.django_db


def test_the_document_needs_no_token(client: APIClient) -> None:
    """It says nothing of this installation."""
    answer = client.get("/v1/openapi.json")

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer["Cache-Control"] == "public, no-cache"
    made = answer.json()
    assert made["openapi"].startswith("3.1.")
    assert made == document.build()
    assert "servers" not in made


def test_the_document_is_sent_once(client: APIClient) -> None:
    """Who has it is told so, and it is not made again."""
    etag = client.get("/v1/openapi.json")["ETag"]

    again = client.get("/v1/openapi.json", headers={"If-None-Match": etag})

    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)
    assert document.kept.cache_info().misses == 1


class _Links(HTMLParser):
    """What a page loads, and what runs in it."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.loaded += [str(given[name]) for name in ("src", "href") if name in given]
        self.inline += tag == "style" or any(name.startswith(("on", "style")) for name in given)
        self.inline += tag == "script" and "src" not in given


def test_the_page_loads_what_is_here_alone(client: APIClient) -> None:
    """Each of its files is served, and nothing runs that stands in the page itself."""
    answer = client.get("/v1/docs")
    page = _Links()
    page.feed(answer.content.decode())

    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert (len(page.loaded), page.inline) == (4, 0)
    for link in page.loaded:
        assert not re.match(r"[a-z]+:|/", link)
        got = client.get(f"/v1/{link}")
        assert got.status_code == 200, link
        assert got["X-Content-Type-Options"] == "nosniff"
    assert b'url: "openapi.json"' in client.get("/v1/docs/start.js").content


def test_the_policy_of_the_page_lets_nothing_else_in(client: APIClient) -> None:
    """No script, style or request of another origin, and none that stands in the page."""
    policy = dict(
        part.strip().split(" ", 1)
        for part in client.get("/v1/docs")["Content-Security-Policy"].split(";")
    )

    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert not [value for value in policy.values() if "unsafe" in value or "*" in value]


@pytest.mark.parametrize("name", ["swagger-ui.js", "..", "%2e%2e%2fapps.py", "start.js%00", ""])
def test_no_other_file_is_served(client: APIClient, name: str) -> None:
    """Only those of a short list."""
    assert client.get(f"/v1/docs/{name}").status_code == 404


def test_a_file_that_is_there_already_is_not_sent(client: APIClient) -> None:
    """By its ETag."""
    first = client.get("/v1/docs/swagger-ui.css")
    again = client.get("/v1/docs/swagger-ui.css", headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
