"""Signing in by a provider at a whole control plane, over sockets, as a browser without scripts."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.provider import CLIENT, SECRET, Provider
from tests.support.stack import Stack


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider whose people sign in there at once."""
    with Provider("RSA") as running:
        yield running


@pytest.fixture
def stack(embedded_stack: Stack, provider: Provider, tmp_path: Path) -> Stack:
    """A control plane with the provider, whose secret is in a file."""
    secret = tmp_path / "client-secret"
    secret.write_text(f"{SECRET}\n")
    embedded_stack.environment |= {
        "KEEPTRUSTS_PUBLIC_URL": embedded_stack.url,
        "KEEPTRUSTS_OIDC_ISSUER": provider.url,
        "KEEPTRUSTS_OIDC_CLIENT_ID": CLIENT,
        "KEEPTRUSTS_OIDC_CLIENT_SECRET_FILE": str(secret),
        "KEEPTRUSTS_OIDC_NAME": "the org",
    }
    return embedded_stack.start()


class Person:
    """Somebody with a browser, which keeps cookies and follows redirects."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self.cookies = stack, CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def opens(self, path: str) -> tuple[int, str, str]:
        """The status, the path where it ended, and the page."""
        headers = {"Accept": "text/html"}
        asked = urllib.request.Request(f"{self._stack.url}{path}", headers=headers)
        try:
            answer = self._opener.open(asked, timeout=60)
        except urllib.error.HTTPError as exc:
            answer = exc
        with answer:
            page = answer.read().decode()
        return answer.status, urlsplit(answer.url).path, page


def test_somebody_signs_in_works_and_is_let_out(stack: Stack, provider: Provider) -> None:
    """Refused without a rule, let in by one, held to it, and out when it goes."""
    ada = Person(stack)
    status, _, page = ada.opens("/sign-in/oidc?next=/gateways")
    assert (status, "<code>no_rule</code>" in page) == (401, True), page

    rule = {"name": "platform", "issuer": provider.url, "claims": {"groups": ["platform"]}}
    made = stack.request("POST", "/v1/sign-in-rules", rule)
    assert made.status == 201, made.body
    status, path, page = ada.opens("/sign-in/oidc?next=/gateways")

    assert (status, path, "Sign out" in page) == (200, "/gateways", True), page
    assert f"ada@example.com via {provider.url}" in page
    assert ada.opens("/access")[0] == 403
    stack.request("PATCH", f"/v1/sign-in-rules/{made.data['id']}", {"role": "admin"})
    assert ada.opens("/access")[0] == 200
    # The API takes tokens and no session.
    assert ada.opens("/v1/configurations")[0] == 401

    stack.request("DELETE", f"/v1/sign-in-rules/{made.data['id']}")
    assert ada.opens("/gateways")[1] == "/sign-in"
    rows = stack.request("GET", "/v1/audit-log?limit=50").data
    done = [row["action"] for row in rows if row["actor"]["kind"] == "person"]
    assert done == ["session.begun", "session.refused"]
    log = stack.log.read_text()
    assert SECRET not in log and "code=" not in log
