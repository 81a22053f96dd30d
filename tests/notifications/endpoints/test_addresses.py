"""Urls of receivers."""

import pytest

from gitrepos.forge.addresses import BadURLError
from notifications.endpoints import addresses


@pytest.mark.parametrize(
    ("text", "server", "tail"),
    [
        ("https://hooks.example", "https://hooks.example", "/"),
        ("HTTPS://Hooks.Example:443/A/b/", "https://hooks.example", "/A/b/"),
        ("https://h.example:8443/a?sig=x%2Fy&b=/", "https://h.example:8443", "/a?sig=x%2Fy&b=/"),
        ("https://h.example?x", "https://h.example", "/?x"),
        ("https://[2001:DB8::1]/a//b", "https://[2001:db8::1]", "/a//b"),
    ],
)
def test_a_url_is_taken_apart(text: str, server: str, tail: str) -> None:
    """The server in its stored form, what it is asked as it was written."""
    url, rest = addresses.parse(text, schemes={"https"})
    assert (url.text, rest) == (server, tail)
    assert addresses.place(url) == server.removeprefix("https://")


@pytest.mark.parametrize(
    "text",
    [
        "", "hooks.example", "http://hooks.example/", "ftp://hooks.example/", "https://", "https:///x",
        "https://user:s3cret@hooks.example/", "https://hooks.example/#s3cret",
        "https://hooks.example/a s3cret", "https://hooks.example/\ns3cret", "https://hooks.exämple/",
        "https://hooks.example:0/", "https://hooks.example:99999/", "https://-.example/",
        "https://h/" + "s3cret" * 400, "file:///etc/s3cret", "https://a@b@c/s3cret",
        "https://[::1/s3cret", "javascript:s3cret",
    ],
)  # fmt: skip
def test_what_cannot_be_called_is_refused(text: str) -> None:
    """In words that do not repeat it."""
    with pytest.raises(BadURLError) as caught:
        addresses.parse(text, schemes={"https"})
    assert "s3cret" not in str(caught.value)
