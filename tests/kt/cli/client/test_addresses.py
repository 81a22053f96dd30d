"""The check of a control plane's url."""

from __future__ import annotations

import re

import pytest

from kt.cli.client.addresses import check_url
from kt.cli.errors import CommandError

HOST = "https://control.example"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (HOST, HOST),
        (f"{HOST}/", HOST),
        (f"{HOST}/v1", HOST),
        (f"{HOST}/v1/", HOST),
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080"),
        (f"{HOST}/keeptrusts", f"{HOST}/keeptrusts"),
        (f"{HOST}/keeptrusts/v1/", f"{HOST}/keeptrusts"),
        (f"{HOST}/v12", f"{HOST}/v12"),
        (f"{HOST}/v1/x", f"{HOST}/v1/x"),
        ("https://v1", "https://v1"),
    ],
)
def test_a_url_may_end_in_the_version(given: str, used: str) -> None:
    """Which the control plane prints, and each call adds."""
    assert check_url(given, insecure_http=False) == used


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("127.0.0.1:8080", "give http://127.0.0.1:8080, or https://HOST"),
        ("localhost:8080/v1", "give http://localhost:8080/v1, or https://HOST"),
        ("[::1]:8080", "give http://[::1]:8080, or https://HOST"),
        ("control.example:8080", "give https://HOST"),
        ("ftp://127.0.0.1", "give https://HOST"),
        ("[::1", "give https://HOST"),
        ("", "give https://HOST"),
    ],
)
def test_what_is_no_url_is_refused_with_what_was_meant(given: str, meant: str) -> None:
    """On this machine http will do."""
    with pytest.raises(CommandError, match=rf"is no url of a control plane; {re.escape(meant)}$"):
        check_url(given, insecure_http=False)
