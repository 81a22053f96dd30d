"""Urls of remotes and the addresses they lead to: which may be called."""

import ipaddress

import pytest

from gitrepos.errors import HostNotAllowedError, UnreachableError
from gitrepos.forge.addresses import (
    BadURLError,
    is_allowed,
    literal_address,
    on_this_machine,
    parse,
    place,
    resolve,
)

ALL = ("https", "http", "ssh", "file")

STORED = [
    ("https://forge.example/org/repo.git", "https://forge.example/org/repo.git"),
    ("HTTPS://Forge.Example/Org/Repo.git", "https://forge.example/Org/Repo.git"),
    ("https://forge.example:443/r", "https://forge.example/r"),
    ("https://forge.example:/r", "https://forge.example/r"),
    ("https://forge.example:0443/r", "https://forge.example/r"),
    ("http://forge.example:80/r", "http://forge.example/r"),
    ("http://forge.example:443/r", "http://forge.example:443/r"),
    ("https://forge.example:8443/r/", "https://forge.example:8443/r"),
    ("https://forge.example/~user/a%20b//c", "https://forge.example/~user/a%20b//c"),
    ("https://forge.example/a@b:c", "https://forge.example/a@b:c"),
    ("https://my_forge/r", "https://my_forge/r"),
    ("https://192.0.2.1/r", "https://192.0.2.1/r"),
    ("https://[2001:DB8:0:0::1]:8443/r", "https://[2001:db8::1]:8443/r"),
    ("https://" + "a" * 63 + ".example/r", "https://" + "a" * 63 + ".example/r"),
    ("file:///srv/git/r.git", "file:///srv/git/r.git"),
    ("ssh://Forge.example:22/org/r.git", "ssh://git@forge.example/org/r.git"),
    ("ssh://Me.2@forge.example:2222/r", "ssh://Me.2@forge.example:2222/r"),
    ("ssh://git@[2001:DB8::1]/~/r", "ssh://git@[2001:db8::1]/~/r"),
    ("git@forge.example:org/repo.git", "ssh://git@forge.example/org/repo.git"),
    ("git@forge.example:/srv/r.git", "ssh://git@forge.example/srv/r.git"),
    ("git@[::1]:r", "ssh://git@[::1]/r"),
]

NO_URL = [
    "", "forge.example/org/repo.git", "//forge.example/r",
    "https:forge.example/r", "https:/forge.example/r", "https:///r", "https://", "https://forge.example",
    "https://forge.example/", "https://forge.example//", "https://:443/r",
    "ext::sh", "ext::sh://x/y", "ext://x/y", "git://forge.example/r", "ftp://forge.example/r",
    "fd::17/x", "transport::https://x/y", "https::https://x/y", "javascript://x/%0aalert(1)",
    "git+ssh://forge.example/r", "ssh://git:secret@forge.example/r", "ssh://@forge.example/r",
    "ssh://-oProxyCommand=x@forge.example/r", "ssh://git@-oProxyCommand=x/r", "ssh://a@b@c/r",
    "ssh://-oProxyCommand=x/r", "-oProxyCommand=x@forge.example:r", "git@-oProxyCommand=x:r",
    "ssh://git@forge.example", "ssh://git@forge.example/", "git@forge.example:", "git@:r",
    "ssh://git;x@forge.example/r", "ssh://$(x)@forge.example/r", "ssh://%2doProxy@forge.example/r",
    "git@forge.example;x:r", "git@[::g]:r", "forge.example:org/repo.git",
    "-https://forge.example/r", "--upload-pack=x", "-u", "https://-forge.example/r",
    "https://forge-.example/r", "https://-/r", "https://-oProxyCommand=x/r",
    " https://forge.example/r", "https://forge.example/r ", "https://forge.example/a b",
    "https://forge.example/r\n", "https://forge.example/\tr", "\nhttps://forge.example/r",
    "https://forge.example/r\x00", "https://forge.example/\x7f", "https://f\u00f6rge.example/r",
    "https://forge.example\u3002evil.example/r", "https://\uff11\uff12\uff17.0.0.1/r",
    "https://user@forge.example/r", "https://user:token@forge.example/r", "https://@forge.example/r",
    "https://:@forge.example/r", "https://token%40x@forge.example/r",
    "https://forge.example\\@evil.example/r", "https://forge.example\\evil/r",
    "https:\\\\forge.example\\r",
    "https://forge.example/r?x=1", "https://forge.example/r?", "https://forge.example/r#x",
    "https://forge.example/r#", "https://forge.example?/r", "https://forge.example#/r",
    "https://forge.example:0/r", "https://forge.example:65536/r", "https://forge.example:-1/r",
    "https://forge.example:x/r", "https://forge.example:+80/r", "https://forge.example:8_0/r",
    "https://forge.example:80:80/r", "https://forge.example:" + "9" * 5000 + "/r",
    "https://./r", "https://../r", "https://a..b/r", "https://.a/r", "https://a./r",
    "https://" + "a" * 64 + ".example/r", "https://" + "a." * 127 + "example/r",
    "https://%66orge.example/r", "https://forge.example%2eevil/r", "https://forge,example/r",
    "https://*/r", "https://forge.example;x/r", "https://fo'rge/r", "https://${HOME}/r",
    "https://[::1/r", "https://::1/r", "https://::1]/r", "https://[]/r", "https://[::g]/r",
    "https://[1:2]/r", "https://[fe80::1%25eth0]/r", "https://[fe80::1%eth0]/r", "https://[v1.x]/r",
    "https://[::1]x/r", "https://x[::1]/r", "https://[127.0.0.1]/r", "https://[::1][::1]/r",
    "https://[::1]:x/r", "https://[::1]@forge.example/r",
    "file://r", "file://forge.example/r", "file:r", "file:///r?x", "file://localhost/r",
    "https://forge.example/" + "x" * 10_000,
]  # fmt: skip

LOOPBACK = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0x7F.0.0.1",
    "0177.0.0.1",
    "017700000001", "0177.0x0.0.1", "127.255.255.254", "[::1]", "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]", "[2002:7f00:0001:1234::5]", "0", "0.0.0.0", "0x0", "[::]",
]  # fmt: skip

REFUSED = [
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "169.254.169.254",
    "127.0.0.1", "0.0.0.0", "0.1.2.3", "192.0.0.1", "192.0.0.192", "192.0.2.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "168.63.129.16",
    "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "ff0e::1", "100::1",
    "2001:db8::1", "2001::1", "2001:0:a00:1::", "5f00::1", "4000::1",
    "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::10.0.0.1", "::8.8.8.8", "::ffff:0:10.0.0.1",
    "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::10.0.0.1", "2002:a00:1::",
    "2002:a9fe:a9fe::1",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "140.82.112.3", "192.0.1.1", "168.63.129.17", "172.32.0.1", "100.128.0.1",
    "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), STORED)
def test_a_url_has_one_stored_form(text: str, expected: str) -> None:
    """Spellings that git treats alike are stored alike, and the form is its own."""
    url = parse(text, schemes=ALL)

    assert url.text == expected
    assert parse(url.text, schemes=ALL) == url


@pytest.mark.parametrize("text", NO_URL, ids=range(len(NO_URL)))
def test_anything_but_scheme_host_port_and_path_is_refused(text: str) -> None:
    """With a sentence that goes on after the field's name."""
    with pytest.raises(BadURLError) as caught:
        parse(text, schemes=ALL)

    assert str(caught.value).split()[0] in ("must", "is", "has", "names")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", ["file:///srv/r.git", "http://forge.example/r", "HTTP://x/r"])
def test_a_scheme_needs_the_operators_leave(text: str) -> None:
    """The message names the setting."""
    with pytest.raises(BadURLError, match="KEEPTRUSTS_GIT_SCHEMES allows https, ssh here"):
        parse(text, schemes=("https", "ssh"))


def test_a_url_is_taken_apart() -> None:
    """An IPv6 address loses its brackets, a missing port is the scheme's."""
    url = parse("https://[2001:db8::1]/r", schemes=ALL)

    assert (url.scheme, url.host, url.port) == ("https", "2001:db8::1", 443)


@pytest.mark.parametrize("host", LOOPBACK)
def test_an_address_is_seen_in_any_spelling(host: str) -> None:
    """Whatever a C library would read as one of this machine's own."""
    address = literal_address(parse(f"https://{host}/r", schemes=ALL).host)

    assert address is not None
    assert not is_allowed(address, ())


@pytest.mark.parametrize(
    "host", ["forge.example", "localhost", "1.2.3.4.5", "0x", "256.256.256.256", "1e3", "0x7g.1"]
)
def test_a_name_is_no_address(host: str) -> None:
    """It is looked up when it is dialled, not before."""
    assert literal_address(parse(f"https://{host}/r", schemes=ALL).host) is None


def test_a_file_has_no_address() -> None:
    """It leads to no host."""
    assert literal_address(parse("file:///srv/r.git", schemes=ALL).host) is None


@pytest.mark.parametrize("text", REFUSED)
def test_an_address_that_is_not_public_is_refused(text: str) -> None:
    """Private, loopback, link-local, metadata, and forms that stand for one of these."""
    assert not is_allowed(ipaddress.ip_address(text), ())


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_allowed(text: str) -> None:
    """In the forms that carry an IPv4 address, too."""
    assert is_allowed(ipaddress.ip_address(text), ())


@pytest.mark.parametrize(
    ("text", "network", "expected"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("::ffff:10.1.2.3", "10.0.0.0/8", True),
        ("64:ff9b::10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/16", True),
        ("10.1.2.3", "10.0.0.0/16", False),
        ("fd00::1", "fd00::/8", True),
        ("fd00::1", "10.0.0.0/8", False),
        ("10.1.2.3", "::/0", False),
        ("239.1.1.1", "239.0.0.0/8", True),
    ],
)
def test_an_operators_network_is_allowed(text: str, network: str, expected: bool) -> None:
    """That one and no other; an address is judged by the one it stands for."""
    allowed = (ipaddress.ip_network(network),)

    assert is_allowed(ipaddress.ip_address(text), allowed) is expected


def test_the_addresses_to_dial_are_those_allowed() -> None:
    """Git is pinned to what was checked."""
    url = parse("https://localhost/r", schemes=ALL)

    assert resolve(url, allowed=(ipaddress.ip_network("127.0.0.0/8"),)) == ("127.0.0.1",)


def test_a_name_that_leads_inside_is_refused() -> None:
    """The message has the address and the setting that allows it."""
    url = parse("https://localhost/r", schemes=ALL)

    with pytest.raises(HostNotAllowedError, match="KEEPTRUSTS_GIT_ALLOWED_NETWORKS"):
        resolve(url, allowed=())


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    """It may tomorrow."""
    url = parse("https://no-such-host.invalid/r", schemes=ALL)

    with pytest.raises(UnreachableError, match=r"no-such-host\.invalid"):
        resolve(url, allowed=())


@pytest.mark.parametrize(
    ("text", "stored", "here"),
    [
        ("Forge.example", "forge.example", False),
        ("HTTP://Forge.example:8080", "http://forge.example:8080", False),
        ("127.0.0.1:80", "127.0.0.1:80", True),
        ("127.9.9.9:80", "127.9.9.9:80", True),
        ("[0:0::1]:80", "[::1]:80", True),
        ("127.0.0.1", "127.0.0.1", False),
        ("localhost:80", "localhost:80", False),
        ("127.0.0.1.example:80", "127.0.0.1.example:80", False),
        ("[::ffff:10.0.0.1]:80", "[::ffff:a00:1]:80", False),
    ],
)
def test_a_place_has_one_stored_form(text: str, stored: str, here: bool) -> None:
    """And is on this machine only if its address says so."""
    assert (place(text), on_this_machine(stored)) == (stored, here)


@pytest.mark.parametrize("text", ["https://a", "http://", "http:a", "http://a/", "http://http://a"])
def test_what_is_no_place_is_refused(text: str) -> None:
    """Other schemes and paths."""
    with pytest.raises(BadURLError):
        place(text)
