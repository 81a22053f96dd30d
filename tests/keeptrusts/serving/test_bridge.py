"""Requests as WSGI has them, from what an ASGI server read."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from keeptrusts.serving.bridge import Bridge, environ


def scope(**changes: Any) -> dict[str, Any]:
    """A request as uvicorn hands it over."""
    return {
        "method": "GET", "path": "/", "query_string": b"", "http_version": "1.1",
        "scheme": "http", "server": ("127.0.0.1", 8080), "client": ("10.1.2.3", 5), "headers": [],
        **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([(b"authorization", b"Bearer x")], {"HTTP_AUTHORIZATION": "Bearer x"}),
        ([(b"x-a", b"1"), (b"x-a", b"2")], {"HTTP_X_A": "1,2"}),
        ([(b"x_a", b"1")], {}),
        ([(b"content_length", b"9")], {}),
        ([(b"content-type", b"text/plain")], {"CONTENT_TYPE": "text/plain"}),
        ([(b"content-length", b"999")], {}),
        ([(b"transfer-encoding", b"chunked"), (b"connection", b"close")], {}),
        ([(b"x-a", "é".encode("latin-1"))], {"HTTP_X_A": "é"}),
    ],
)
def test_headers_are_handed_on(headers: list[Any], expected: dict[str, str]) -> None:
    """But for those of this connection alone, and those that could pass for others."""
    made = environ(scope(headers=headers), b"ab")

    names = ("HTTP_", "CONTENT_TYPE")
    assert {k: v for k, v in made.items() if k.startswith(names)} == expected
    assert (made["CONTENT_LENGTH"], made["wsgi.input"].read()) == ("2", b"ab")


@pytest.mark.parametrize(
    ("path", "info"),
    [("/v1/é", "/v1/Ã©"), ("/", "/"), ("/a//b", "/a//b"), ("/\ud800", "/?"), ("/\n", "/\n")],
)
def test_a_path_is_utf_8_in_latin_1(path: str, info: str) -> None:
    """As WSGI wants it."""
    assert environ(scope(path=path), b"")["PATH_INFO"] == info


def test_an_answer_comes_back_whole() -> None:
    """Status, headers and every piece of the body; the application hears that it is over."""
    ended = []

    class Body(list[bytes]):
        def close(self) -> None:
            ended.append(True)

    def app(request: dict[str, Any], start_response: Callable[..., Any]) -> Body:
        start_response("202 Accepted", [("X-A", "é"), ("X-A", "2")])
        return Body([request["wsgi.input"].read(), b"b"])

    bridge = Bridge(app, threads=1)
    answer = asyncio.run(bridge.answer(scope(method="POST"), b"a"))

    assert (answer.status, answer.body) == (202, b"ab")
    assert answer.headers == [(b"x-a", b"\xe9"), (b"x-a", b"2")]
    assert ended == [True]
