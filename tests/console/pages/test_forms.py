"""Forms as nobody's page has them: they are refused, and never end in an error of the server."""

from urllib.parse import urlencode

import pytest

from tests.console.browser import Browser

# A page with a form whose path has a name of the form's, by what is sent.
_SENT = [
    ("/access", {"act": "revoke"}),
    ("/access", {"act": "revoke", "token_id": ""}),
    ("/access", {"act": "revoke", "token_id": "../tokens"}),
    ("/access", {"act": "revoke", "token_id": "\0"}),
    ("/access", {"act": "revoke", "token_id": "x" * 100_000}),
    ("/access", {"act": "create", "template": "x", "self": "x", "names": "x"}),
    (
        "/access",
        {"act": "create", "name": "\0", "role": "\ud800".encode("utf-8", "replace").decode()},
    ),
    ("/access", {"act": "create_rule", "position": "1" * 5000}),
    ("/access", {"act": "create", "expires_at": "1" * 5000}),
    ("/access", {"act": "create", "expires_at": "²"}),
    ("/gateway-bindings", {"act": "unbind_labels"}),
    ("/gateways", {"act": "release"}),
    ("/gateways/enrol", {"act": "enrol", "max_uses": "9" * 5000}),
    ("/gateways/enrol", {"act": "enrol", "name": "x", "max_uses": "9" * 25}),
    ("/access", {"act": "create_rule", "name": "x", "position": "9" * 25}),
    ("/access", {"act": "rotate", "overlap_seconds": "9" * 25, "token_id": "x"}),
    ("/try", {"act": "try", "configuration": "chat", "version": "9" * 25}),
    ("/try", {"act": "try", "configuration": "chat", "version": "two"}),
    ("/try", {"act": "try", "configuration": "chat", "other": "-1"}),
    ("/try", {"act": "try", "configuration": "chat", "version": "9" * 25, "edit": "1"}),
    ("/gateways/enrol", {"act": "register", "labels": "=,=,,"}),
    ("/try", {"act": "try", "headers": "x"}),
    ("/try", {"act": "try", "text": "\0", "version": "1" * 5000, "configuration": "\0"}),
    ("/repositories/new", {"act": "link", "url": "\0", "poll_interval_seconds": "9" * 5000}),
    ("/repositories/new", {"act": "test", "follows": "tag", "ref": "\0", "include": "\0"}),
    ("/repositories/credentials/new", {"act": "make", "kind": "\0", "expires_at": "9" * 5000}),
    ("/configurations", {"act": "confirm_request"}),
    ("/configurations", {"act": "\0"}),
    ("/", {"act": "x"}),
]


@pytest.mark.parametrize(("path", "fields"), _SENT)
def test_a_form_that_is_none_is_refused(
    path: str, fields: dict[str, str], browser: Browser
) -> None:
    """With a page that says what is wrong with it."""
    signs = {"form_token": browser.form_token(), "key": "k"}

    answer = browser.post(path, {**signs, **fields})

    assert 400 <= answer.status_code < 500, answer.content
    assert "</html>" in answer.content.decode()


@pytest.mark.parametrize("name", ["key", "etag"])
@pytest.mark.parametrize("value", ["\0", "\n\r", "ü", "x" * 5000, '"', "*, *"])
def test_a_condition_or_a_key_that_is_none_is_refused(
    name: str, value: str, browser: Browser
) -> None:
    """They become headers of the call."""
    signs = {"form_token": browser.form_token(), "act": "create", "name": "t", "key": "k"}

    answer = browser.post("/access", {**signs, name: value})

    assert answer.status_code < 500, answer.content


def test_a_form_may_be_as_large_as_a_policy_is_in_it(browser: Browser) -> None:
    """Written for a url, its letters are three times as long; what is too much the API says."""
    signs = {"form_token": browser.form_token(), "act": "create", "key": "k", "name": "t"}
    note = "\N{CYRILLIC SMALL LETTER ZHE}" * 500_000

    answer = browser.client.post(
        "/access", urlencode({**signs, "note": note}), headers={"Origin": "http://localhost"},
        content_type="application/x-www-form-urlencoded",
    )  # fmt: skip

    assert answer.status_code == 400
    assert "no more than 500 characters" in answer.content.decode()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", "a=1&" * 1001),
        ("application/x-www-form-urlencoded; charset=utf-7", "a=1"),
        ("multipart/form-data", "--x"),
        ("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name"),
        ("application/json", "{}"),
        ("x", "\0"),
    ],
)
def test_a_body_that_is_no_form_is_refused(kind: str, body: str, browser: Browser) -> None:
    """By a page."""
    answer = browser.client.post(
        "/access", body, content_type=kind, headers={"Origin": "http://localhost"}
    )

    assert 400 <= answer.status_code < 500, answer.content
    assert "</html>" in answer.content.decode()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_a_page_has_two_methods(method: str, browser: Browser) -> None:
    """To show it, and to send its forms."""
    assert browser.client.generic(method, "/configurations").status_code == 405
