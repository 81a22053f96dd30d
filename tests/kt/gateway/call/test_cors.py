"""Pages of other origins: those that are named may call, and no other may read an answer."""

from __future__ import annotations

import pytest

from kt.cli.errors import CommandError
from kt.cli.gateway.command import read_origins
from tests.kt.gateway.inside import TARGETS, Inside
from tests.kt.gateway.support import CHAT, HARMFUL, chat, pack

PAGE = "https://app.example"
ALLOW = "access-control-allow-origin"
ASKING = {"access_control_request_method": "POST", "access_control_request_headers": "x-a, y"}


@pytest.fixture(scope="module")
def gateway() -> Inside:
    """A gateway that one page may call."""
    return Inside(pack(more=TARGETS), cors_origins=frozenset({PAGE, "http://localhost:3000"}))


@pytest.mark.parametrize("path", [CHAT, "/v1/models", "/openai/deployments/d/chat/completions"])
@pytest.mark.parametrize("origin", [PAGE, "http://localhost:3000", "HTTPS://App.Example"])
def test_a_named_page_may_ask_and_call(gateway: Inside, path: str, origin: str) -> None:
    """With the headers that it asks for."""
    answer = gateway.send("OPTIONS", path, b"", origin=origin, **ASKING)

    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers[ALLOW] == origin
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert answer.headers["access-control-allow-headers"] == "x-a, y"
    assert answer.headers["vary"] == "origin"


@pytest.mark.parametrize("text", ["Hello.", HARMFUL])
def test_a_named_page_may_read_an_answer_and_an_error(gateway: Inside, text: str) -> None:
    """And the verdict beside it."""
    answer = gateway.post(chat(text), origin=PAGE)

    assert answer.headers[ALLOW] == PAGE
    assert "x-keeptrusts-verdict" in answer.headers["access-control-expose-headers"]
    assert answer.headers["vary"] == "origin"


OTHERS = ["https://other.example", "null", f"{PAGE}.evil.example", f"{PAGE}:8443", "*", ""]


@pytest.mark.parametrize("origin", OTHERS)
def test_another_page_may_not(gateway: Inside, origin: str) -> None:
    """Neither ask nor read."""
    asked = gateway.send("OPTIONS", CHAT, b"", origin=origin, **ASKING)
    answer = gateway.post(origin=origin)

    assert (asked.status, answer.status) == (405, 200)
    assert ALLOW not in asked.headers
    assert ALLOW not in answer.headers


@pytest.mark.parametrize("path", ["/keeptrusts/config", "/keeptrusts/config/reload", "/metrics"])
def test_the_gateways_own_pages_are_for_no_page(gateway: Inside, path: str) -> None:
    """Whoever asks."""
    assert ALLOW not in gateway.send("OPTIONS", path, b"", origin=PAGE, **ASKING).headers
    assert ALLOW not in gateway.get(path, origin=PAGE).headers


def test_without_a_named_page_nothing_is_said() -> None:
    """As before."""
    gateway = Inside()

    assert gateway.send("OPTIONS", CHAT, b"", origin=PAGE, **ASKING).status == 405
    assert not {ALLOW, "vary"} & set(gateway.post(origin=PAGE).headers)


def test_a_header_that_is_none_is_not_named_again(gateway: Inside) -> None:
    """It would end the answer's own."""
    asking = {**ASKING, "access_control_request_headers": "x\r\nset-cookie: a=b"}
    answer = gateway.send("OPTIONS", CHAT, b"", origin=PAGE, **asking)

    assert "access-control-allow-headers" not in answer.headers


def test_origins_are_named() -> None:
    """In lower case, and without the slash that people copy."""
    assert read_origins(["https://App.example/", " http://[::1]:3000 ", ""]) == {
        "https://app.example",
        "http://[::1]:3000",
    }


BAD = ["*", "app.example", "https://", "https://*.example", "https://a/b", "null", "ftp://a"]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_origin_is_refused(text: str) -> None:
    """A pattern, a path, another scheme."""
    with pytest.raises(CommandError, match="SCHEME://HOST"):
        read_origins(["https://app.example", text])
