"""Documents of other servers: whole and small, from allowed addresses, by the operator's terms."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitrepos.forge import documents
from gitrepos.forge.proxy import DIRECT, Proxy
from tests.support.issuer import CONFIGURATION, Issuer, json_answer
from tests.support.stack import free_port
from tests.support.tls import Authority

HERE = (ipaddress.ip_network("127.0.0.0/8"),)


def fetch(url: str, **terms: Any) -> bytes:
    """A document by terms that allow this machine."""
    usual = {"schemes": ("https", "http"), "allowed": HERE, "ca_file": "", "proxy": DIRECT}
    return documents.fetch(url, terms=documents.CallTerms(**{**usual, **terms}))


def failure(url: str, **terms: Any) -> str:
    """The message of a document that could not be had."""
    with pytest.raises(documents.DocumentError) as failed:
        fetch(url, **terms)
    return str(failed.value)


@pytest.fixture
def server() -> Iterator[Issuer]:
    """A server with a document."""
    with Issuer() as running:
        yield running


def test_a_document_is_its_bytes(server: Issuer) -> None:
    """As they were sent."""
    server.stand_ins[CONFIGURATION] = lambda: (200, b"\x00\xff", {})

    assert fetch(server.url + CONFIGURATION) == b"\x00\xff"


@pytest.mark.parametrize(("size", "fits"), [(64 * 1024, True), (64 * 1024 + 1, False)])
def test_a_document_is_small(server: Issuer, size: int, fits: bool) -> None:
    """64 KiB at most."""
    server.stand_ins["/large"] = lambda: (200, b"x" * size, {})

    if fits:
        assert len(fetch(f"{server.url}/large")) == size
    else:
        assert failure(f"{server.url}/large") == "The server's answer is too large."


@pytest.mark.parametrize("status", [204, 301, 302, 307, 308, 401, 404, 500])
def test_only_200_is_an_answer(server: Issuer, status: int) -> None:
    """A redirect is not followed."""
    server.stand_ins["/there"] = lambda: json_answer({})
    server.stand_ins["/here"] = lambda: (status, b"", {"Location": f"{server.url}/there"})

    assert failure(f"{server.url}/here") == f"127.0.0.1 answers with the status {status}"
    assert server.asked == ["/here"]


def test_an_address_that_is_not_allowed_is_not_called(server: Issuer) -> None:
    """Nor a scheme."""
    url = server.url + CONFIGURATION

    assert "KEEPTRUSTS_GIT_ALLOWED_NETWORKS" in failure(url, allowed=())
    assert "http" in failure(url, schemes=("https",))
    assert server.asked == []


def test_a_slash_at_the_end_of_a_path_is_asked_for(server: Issuer) -> None:
    """Though a repository's url has none."""
    server.stand_ins["/there/"] = lambda: json_answer({})

    assert fetch(f"{server.url}/there/") == b"{}"


def test_the_operators_authority_is_trusted(tmp_path: Path, server: Issuer) -> None:
    """And no other."""
    authority = Authority(tmp_path)
    server._server.socket = authority.server.wrap_socket(server._server.socket, server_side=True)
    url = server.url.replace("http:", "https:") + CONFIGURATION

    assert b"jwks_uri" in fetch(url, ca_file=str(authority.ca_file))
    assert "certificate" in failure(url)


def test_the_operators_proxy_is_asked(server: Issuer) -> None:
    """Where there is one, and instead of a direct call."""
    proxy = Proxy("http", "127.0.0.1", free_port())

    assert proxy.place in failure(server.url + CONFIGURATION, proxy=proxy)
    assert server.asked == []
