"""The check for advisories, against a real server that speaks OSV's protocol."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from supply import advisories, pins
from tests.support.httpserver import HTTPServer

Answer = Callable[[list[dict[str, Any]]], bytes]


class Source:
    """A server whose answer to a batch is what `answer` makes of its queries."""

    def __init__(self) -> None:
        self.answer: Answer = lambda queries: results([{} for _ in queries])
        self.status = 200
        self.asked: list[list[dict[str, Any]]] = []
        source = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                queries = json.loads(body)["queries"]
                source.asked.append(queries)
                content = source.answer(queries)
                self.send_response(source.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


def results(listed: list[Any]) -> bytes:
    """An answer with these results."""
    return json.dumps({"results": listed}).encode()


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """The server that is asked."""
    made = Source()
    monkeypatch.setenv("OSV_URL", made.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_nothing_known_is_said_so(source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    """Every pin of both locks was asked about, with its version."""
    assert advisories.main() == advisories.NONE

    listed = {**pins.read(pins.DEVELOPMENT), **pins.read(pins.RUN)}
    assert {one["package"]["purl"] for one in source.asked[0]} == {
        pin.purl for pin in listed.values()
    }
    assert f"0 of {len(listed)} packages" in capsys.readouterr().out


def test_what_is_known_is_listed(source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    """With the address of each, also when its source has them on two pages."""

    def answer(queries: list[dict[str, Any]]) -> bytes:
        pages: list[dict[str, Any]] = [{} for _ in queries]
        place = [one["package"]["purl"].startswith("pkg:pypi/django@") for one in queries].index(
            True
        )
        if "page_token" in queries[place]:
            pages[place] = {"vulns": [{"id": "GHSA-2"}]}
        else:
            pages[place] = {"vulns": [{"id": "GHSA-1"}], "next_page_token": "more"}
        return results(pages)

    source.answer = answer

    assert advisories.main() == advisories.FOUND

    out = capsys.readouterr().out
    assert "https://osv.dev/vulnerability/GHSA-1, https://osv.dev/vulnerability/GHSA-2" in out
    assert "1 of " in out


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"results": []}',
        b'{"results": null}',
        results([5]),
        b"[" * 100_000,
    ],
)
def test_an_answer_that_is_none_is_not_a_clean_one(
    source: Source, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """What does not cover every package tells nothing."""
    source.answer = lambda _: content

    assert advisories.main() == advisories.NOT_ASKED

    assert "NOT CHECKED" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [{"vulns": [5]}, {"vulns": [{}]}, 5, None])
def test_a_result_that_is_none_is_not_a_clean_one(source: Source, wrong: Any) -> None:
    """One of many is enough."""
    source.answer = lambda queries: results([*({} for _ in queries[1:]), wrong])

    assert advisories.main() == advisories.NOT_ASKED


def test_an_error_of_the_source_is_said(source: Source) -> None:
    """A busy server has told nothing."""
    source.status = 503

    assert advisories.main() == advisories.NOT_ASKED


def test_a_machine_without_network_says_that_it_could_not_ask(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In words, and with a status of its own."""
    monkeypatch.setenv("OSV_URL", "http://127.0.0.1:1")

    assert advisories.main() == advisories.NOT_ASKED

    said = capsys.readouterr()
    assert "NOT CHECKED" in said.err
    assert "could not be asked" in said.err
    assert said.out == ""
