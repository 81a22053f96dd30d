"""The outbound proxy: the calls that it serves, and those that are refused before it. Tables."""

import ipaddress

import pytest

from gitrepos.errors import HostNotAllowedError
from gitrepos.forge import proxy
from gitrepos.forge.addresses import Network, parse
from gitrepos.forge.proxy import DIRECT, EVERYWHERE, Proxy

URL = "http://alice:s%40c%2Fret@proxy.example:3128"
SCHEMES = ("https", "http", "ssh", "file")

# An exception, urls that it means, and urls that it does not.
EXCEPTIONS = [
    ("*", ["https://git.example/a", "https://127.0.0.1/a", "ssh://git@git.example/a"], []),
    ("git.example", ["https://git.example/a", "https://GIT.example:8443/a",
                     "https://a.git.example/a", "ssh://git@git.example/a"],
     ["https://example/a", "https://notgit.example/a", "https://git.example.org/a"]),
    (".example", ["https://git.example/a", "https://a.git.example/a", "https://example/a"],
     ["https://anexample/a", "https://example.org/a"]),
    ("*.example", ["https://git.example/a"], ["https://git.example.org/a"]),
    ("git.example:8443", ["https://git.example:8443/a"], ["https://git.example/a"]),
    ("git.example:443", ["https://git.example/a"], ["https://git.example:8443/a"]),
    ("127.0.0.1", ["https://127.0.0.1/a", "https://127.1/a", "https://0x7f000001/a"],
     ["https://127.0.0.2/a", "https://localhost/a"]),
    ("127.0.0.1:80", ["http://127.0.0.1/a"], ["https://127.0.0.1/a"]),
    ("10.0.0.0/8", ["https://10.1.2.3/a", "https://167837955/a"],
     ["https://11.0.0.1/a", "https://git.example/a", "https://[fd00::1]/a"]),
    ("::1", ["https://[::1]/a", "https://[0:0:0::1]:8443/a"], ["https://[::2]/a"]),
    ("[::1]:443", ["https://[::1]/a"], ["https://[::1]:8443/a"]),
    ("fd00::/8", ["https://[fd12::1]/a"], ["https://[fe80::1]/a"]),
]  # fmt: skip

LOOPBACK = ("127.0.0.0/8",)
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
# A url, networks that are allowed, and whether the proxy may be asked for it.
JUDGED = [
    ("https://github.com/a", (), True),
    ("https://8.8.8.8/a", (), True),
    *[(f"https://{host}/a", allowed, bool(allowed))
      for host in ("127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1",
                   "[::ffff:127.0.0.1]", "localhost", "LOCALHOST", "a.localhost")
      for allowed in ((), LOOPBACK)],
    ("https://[::1]/a", LOOPBACK, False),
    ("https://10.0.0.1/a", LOOPBACK, False),
    ("https://10.0.0.1/a", ("10.0.0.0/8",), True),
    ("https://169.254.169.254/a", PRIVATE, False),
    ("https://168.63.129.16/a", (), False),
    ("https://[fd00::1]/a", (), False),
    ("https://[64:ff9b::7f00:1]/a", (), False),
    *[(f"https://{host}/a", allowed, allowed == PRIVATE)
      for host in ("gitlab", "git.corp.internal", "metadata.google.internal", "nas.local",
                   "git.home.arpa")
      for allowed in ((), LOOPBACK, PRIVATE[:2], PRIVATE)],
    ("https://git.internal.example/a", (), True),
    ("https://local.example/a", (), True),
    ("ssh://git@github.com/a", (), False),
    ("ssh://git@github.com/a", PRIVATE, False),
]  # fmt: skip


def networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, texts))


@pytest.mark.parametrize(
    ("exception", "url", "expected"),
    [
        (exception, url, expected)
        for exception, meant, others in EXCEPTIONS
        for urls, expected in ((meant, False), (others, True))
        for url in urls
    ],
)
def test_an_exception_names_hosts(exception: str, url: str, expected: bool) -> None:
    """By name, by address in any spelling, by network, with a port or for all of them."""
    through = proxy.read(URL, ("unrelated.test", exception))

    assert through.serves(parse(url, schemes=SCHEMES)) == expected


@pytest.mark.parametrize(("url", "allowed", "expected"), JUDGED)
def test_a_name_is_judged_without_being_looked_up(
    url: str, allowed: tuple[str, ...], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address as always; a name of a private network only where all of those are allowed."""
    monkeypatch.setattr("gitrepos.forge.addresses.look_up", None)
    asked = parse(url, schemes=SCHEMES)
    through = proxy.read(URL)

    if expected:
        through.judge(asked, allowed=networks(allowed))
    else:
        with pytest.raises(HostNotAllowedError, match=r"KEEPTRUSTS_GIT_(NO_PROXY|ALLOWED)"):
            through.judge(asked, allowed=networks(allowed))


def test_a_setting_is_taken_apart_and_put_together() -> None:
    """User and password as they are meant, and again as a url has them."""
    through = proxy.read(URL, ("a.example",))

    assert through == Proxy(
        "http", "proxy.example", 3128, "alice", "s@c/ret", exceptions=("a.example",)
    )
    assert (through.text, through.place) == (URL, "proxy.example:3128")
    assert proxy.read("https://[::1]:443").text == "https://[::1]:443"
    assert "s@c/ret" not in repr(through)


def test_no_setting_serves_nothing() -> None:
    """And a proxy serves no file."""
    url, file = (parse(text, schemes=SCHEMES) for text in ("https://git.example/a", "file:///a"))

    assert proxy.read("") == DIRECT
    assert not DIRECT.serves(url)
    assert not proxy.read(URL).serves(file)
    proxy.read(URL).judge(parse("https://gitlab/a", schemes=SCHEMES), allowed=EVERYWHERE)
