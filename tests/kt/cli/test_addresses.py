"""The check of a control plane's url."""

from __future__ import annotations

import pytest

from kt.cli.addresses import check_url

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
