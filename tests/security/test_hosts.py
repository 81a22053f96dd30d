"""What is told of a host that may not be called: never which address its name has."""

import socket
from typing import Any

import aiohttp
import pytest
from rest_framework.test import APIClient

from gitrepos.errors import HostNotAllowedError
from gitrepos.forge import addresses, failures
from gitrepos.forge.addresses import parse

INNER = ["10.11.12.13", "fd00::1234", "169.254.169.254"]
NAME = "internal.forge.example"


@pytest.fixture(params=INNER)
def inner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address that a name has inside."""
    address: str = request.param
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    answer = [(family, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: answer)
    return address


def test_a_name_is_refused_without_its_address(inner: str) -> None:
    """Whoever asks may be outside the network in which it is known."""
    with pytest.raises(HostNotAllowedError) as caught:
        addresses.resolve(parse(f"https://{NAME}/o/r.git", schemes={"https"}), allowed=())

    assert NAME in caught.value.message
    assert inner not in caught.value.message


def test_an_address_that_a_name_has_a_moment_later_is_not_told(inner: str) -> None:
    """The last look, at the socket, is as silent."""
    url = parse(f"https://{NAME}/o/r.git", schemes={"https"})
    barred = aiohttp.ClientConnectorError(_key(), failures.BarredError())

    error = failures.translated(barred, url)

    assert isinstance(error, HostNotAllowedError)
    assert NAME in error.message
    assert inner not in error.message


def _key() -> Any:
    return aiohttp.client_reqrep.ConnectionKey(NAME, 443, True, True, None, None, None)


@pytest.mark.django_db
def test_the_api_tells_nothing_either(
    admin: APIClient, inner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whatever part of the answer."""
    asked = {"url": f"https://{inner if ':' not in inner else f'[{inner}]'}/o/r.git"}
    literal = admin.post("/v1/git-repos", asked, format="json")

    assert literal.status_code == 400  # What somebody wrote is no secret to them.
    assert b"host_not_allowed" in literal.content
