"""The client on a server that answers anything."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from kt.cli.client import bounds, controlplane
from kt.cli.client.controlplane import ControlPlane
from kt.cli.client.members import identity, segment
from kt.cli.client.refusals import NoAnswerError, RefusedError
from kt.cli.errors import CommandError
from tests.kt.cli.answering import Answers

PATH = "/v1/tokens"


@pytest.fixture
def client(answers: Answers) -> ControlPlane:
    """A client with the token `s3cret`."""
    return ControlPlane(answers.url, "s3cret")


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client rested, without resting."""
    taken: list[float] = []
    monkeypatch.setattr(controlplane.time, "sleep", taken.append)
    return taken


def test_pages_are_followed(answers: Answers, client: ControlPlane) -> None:
    """Until there is no next one; what was asked stays asked."""
    answers.says_whole(f"{PATH}?limit=2", {"data": [{"id": 1}], "next_cursor": "a b"})
    answers.says_whole(f"{PATH}?limit=2&cursor=a+b", {"data": [{"id": 2}], "next_cursor": None})

    assert client.rows(PATH, {"limit": 2, "state": None}) == [{"id": 1}, {"id": 2}]


def test_pages_that_lead_in_a_circle_end(answers: Answers, client: ControlPlane) -> None:
    """A hostile server keeps nobody for ever."""
    for path in (PATH, f"{PATH}?cursor=a", f"{PATH}?cursor=b"):
        following = {PATH: "a", f"{PATH}?cursor=a": "b", f"{PATH}?cursor=b": "a"}[path]
        answers.says_whole(path, {"data": [{}], "next_cursor": following})

    with pytest.raises(CommandError, match="without an end"):
        client.rows(PATH)


def test_a_post_has_a_key_of_its_own(answers: Answers, client: ControlPlane) -> None:
    """By which a repetition is known; a PATCH says upon what it was made."""
    answers.says(PATH, {"id": 1}, 201)
    for _ in range(2):
        client.send("POST", PATH, {"name": "a"})
    client.send("PATCH", PATH, {"name": "b"}, etag='"7"')
    one, two, three = answers.written()

    assert one.headers["idempotency-key"] != two.headers["idempotency-key"]
    assert ("if-match" in one.headers, three.headers["if-match"]) == (False, '"7"')
    assert "idempotency-key" not in three.headers
    assert three.body == {"name": "b"}


@pytest.mark.parametrize(
    ("method", "status", "headers", "times"),
    [
        ("GET", 503, {"Retry-After": "2"}, 4),
        ("GET", 429, {"Retry-After": "2"}, 4),
        ("GET", 503, {}, 1),
        ("GET", 500, {"Retry-After": "2"}, 1),
        ("GET", 429, {"Retry-After": "soon"}, 1),
        ("POST", 429, {"Retry-After": "2"}, 4),
        ("POST", 503, {"Retry-After": "2"}, 1),
        ("DELETE", 503, {"Retry-After": "2"}, 1),
    ],
)
def test_it_is_asked_again_where_that_is_safe(
    answers: Answers, client: ControlPlane, naps: list[float], method: str, status: int,
    headers: dict[str, str], times: int,
) -> None:  # fmt: skip
    """A write that may have been made is not, and nobody is asked who does not say when."""
    answers.says(PATH, {}, status, **headers)

    with pytest.raises(RefusedError):
        client.get(PATH) if method == "GET" else client.send(method, PATH)

    assert (len(answers.requests), naps) == (times, [2] * (times - 1))
    assert len({one.headers.get("idempotency-key") for one in answers.requests}) == 1


@pytest.mark.parametrize(("told", "rested"), [("99999", 15), ("0", 1)])
def test_a_rest_is_bounded(
    answers: Answers, client: ControlPlane, naps: list[float], told: str, rested: int
) -> None:
    """Whatever the server wants."""
    busy = 503, {"Retry-After": told}, b"{}"
    answers.in_turn[f"GET {PATH}"] = [busy, (200, {}, b'{"data": []}')]

    assert (client.rows(PATH), naps) == ([], [rested])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_no_redirect_carries_the_token_elsewhere(
    answers: Answers, client: ControlPlane, status: int, method: str
) -> None:
    """It is not followed, even to the same server."""
    answers.by_path[PATH] = status, {"Location": f"{answers.url}/else"}, b""

    with pytest.raises(RefusedError, match=str(status)):
        client.get(PATH) if method == "GET" else client.send(method, PATH, {})
    assert [one.path for one in answers.requests] == [PATH]


@pytest.mark.parametrize(
    "body",
    [b"nonsense", b"\xff\xfe", b"[]", b"{}", b"null", b'"data"', b"[" * 100_000, b'{"data": [1]}',
     b'{"data": {}}', b'{"data": null}', b"", b'{"data": [{"id": NaN}]}',
     b'{"data": [{"id": -Infinity}]}', b'{"data": [{"id": 1e999}]}',
     b'{"data": [{"id": ' + b"9" * 5000 + b"}]}"],
)  # fmt: skip
def test_an_answer_that_is_none_is_told(
    answers: Answers, client: ControlPlane, body: bytes
) -> None:
    """As an error of one line, not as a bug."""
    answers.by_path[PATH] = 200, {}, body

    with pytest.raises(
        CommandError, match=r"the answer (has no data|is not a list of rows)"
    ) as told:
        client.rows(PATH)
    assert len(str(told.value).splitlines()) == 1


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.get(PATH), lambda client: client.content(PATH),
        lambda client: client.send("POST", PATH, {}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("body", [b'{"data": []}', b""])
def test_a_half_of_an_answer_is_none(
    answers: Answers, client: ControlPlane, ask: Callable[[ControlPlane], Any], body: bytes
) -> None:
    """Also where it would be taken for a whole one; a write is not made again."""
    answers.by_path[PATH] = 200, {"Content-Length": "500"}, body

    with pytest.raises(NoAnswerError, match="no answer: IncompleteRead"):
        ask(client)

    methods = [one.method for one in answers.requests]
    assert methods in (["GET", "GET"], ["POST"])


def test_a_read_that_was_cut_is_asked_again(answers: Answers, client: ControlPlane) -> None:
    """Once."""
    whole = 200, {"Content-Length": "4"}, b"a: 1"
    answers.in_turn[f"GET {PATH}"] = [(200, {"Content-Length": "4"}, b"a"), whole]

    assert client.content(PATH) == b"a: 1"


def test_pages_without_an_end_are_given_up(
    answers: Answers, client: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though each has another cursor."""
    monkeypatch.setattr(controlplane, "_MOST_PAGES", 3)
    for before, after in (("", "?cursor=a"), ("?cursor=a", "?cursor=b"), ("?cursor=b", "?cursor=c"),
                          ("?cursor=c", "?cursor=d")):  # fmt: skip
        answers.says_whole(PATH + before, {"data": [], "next_cursor": after[-1]})

    with pytest.raises(CommandError, match="without an end"):
        client.rows(PATH)


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.get(PATH, {"status": "\udcff"}),
        lambda client: client.get(f"/v1/gateways/{segment(chr(0xDCFF))}"),
        lambda client: client.get(f"/v1/gateways/{identity({'id': chr(0xD800)})}"),
    ],
)
def test_bytes_that_are_no_text_are_asked_of_nobody(
    answers: Answers, client: ControlPlane, ask: Callable[[ControlPlane], Any]
) -> None:
    """Those that a shell hands on, and halves of characters in answers."""
    with pytest.raises(CommandError, match="is not UTF-8"):
        ask(client)

    assert answers.requests == []


def test_an_answer_that_is_too_large_is_given_up(
    answers: Answers, client: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it fills the memory."""
    monkeypatch.setattr(controlplane, "_MOST_BYTES", 1000)
    answers.says(PATH, [{"name": "x" * 100_000}])

    with pytest.raises(CommandError, match="too large, or takes too long"):
        client.rows(PATH)


def test_an_answer_that_takes_too_long_is_given_up(
    answers: Answers, client: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though some of it comes all the time; of an error its status is told."""
    moments = iter(range(0, 10_000, 200))
    monkeypatch.setattr(bounds.time, "monotonic", lambda: next(moments))
    monkeypatch.setattr(bounds, "_PIECE_BYTES", 10)
    answers.says(PATH, [{"name": "x" * 1000}])

    with pytest.raises(CommandError, match="too large, or takes too long"):
        client.rows(PATH)
    answers.says_whole(PATH, {"error": {"code": "a", "message": "x" * 1000}}, 400)
    with pytest.raises(RefusedError, match=r"GET /v1/tokens: 400$"):
        client.rows(PATH)


DETAILS = [{"field": "url", "message": "must be a url"}, {"path": "a[0]", "message": "no"}, 7]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ({"code": "invalid", "message": "Two.", "details": DETAILS},
         "POST /v1/tokens: 400 invalid: Two.\n  url: must be a url\n  a[0]: no"),
        ({"code": "invalid", "message": "url: must be a url", "details": DETAILS[:1]},
         "POST /v1/tokens: 400 invalid: url: must be a url"),
        ({"code": "a\nb", "message": "\x1b[2J"}, "POST /v1/tokens: 400 a\\nb: \\x1b[2J"),
        ({"code": 7, "message": None}, "POST /v1/tokens: 400 7: None"),
        ("no", "POST /v1/tokens: 400"),
        (None, "POST /v1/tokens: 400"),
    ],
)  # fmt: skip
def test_an_error_is_told_in_the_server_s_words(
    answers: Answers, client: ControlPlane, error: Any, told: str
) -> None:
    """Code, message, and each detail that the message does not have."""
    answers.says_whole(PATH, {"error": error}, 400)

    with pytest.raises(RefusedError) as refused:
        client.send("POST", PATH, {})
    assert str(refused.value) == told


def test_a_long_error_is_cut(answers: Answers, client: ControlPlane) -> None:
    """It fills no terminal."""
    details = [{"field": "x" * 5000, "message": f"no {number}"} for number in range(1000)]
    answers.says_whole(
        PATH, {"error": {"code": "a", "message": "y" * 5000, "details": details}}, 400
    )

    with pytest.raises(RefusedError) as refused:
        client.send("POST", PATH, {})
    assert len(str(refused.value)) < 50_000


def test_an_error_that_is_no_json_is_its_status(answers: Answers, client: ControlPlane) -> None:
    """As a proxy's page is."""
    answers.by_path[PATH] = 502, {}, b"<html>\x1b[2J</html>"

    with pytest.raises(RefusedError, match=re.escape("GET /v1/tokens: 502") + "$"):
        client.get(PATH)


def test_the_token_is_in_no_message(answers: Answers, client: ControlPlane) -> None:
    """Unless the server says it."""
    for status in (400, 401, 403, 404, 500):
        answers.by_path[PATH] = status, {}, json.dumps({"error": {"code": "x"}}).encode()
        with pytest.raises(CommandError) as told:
            client.get(PATH)
        assert "s3cret" not in str(told.value)


def test_a_connection_that_was_cut_is_made_again_for_a_read(
    answers: Answers, client: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the control plane starts anew; a write is not repeated."""
    answers.says(PATH, [])
    real, cuts = client._opener.open, [ConnectionResetError(104, "cut")] * 2

    def cut(*given: Any, **more: Any) -> Any:
        if cuts:
            raise cuts.pop()
        return real(*given, **more)

    monkeypatch.setattr(client._opener, "open", cut)
    with pytest.raises(CommandError, match="no answer"):
        client.send("POST", PATH, {})
    assert client.rows(PATH) == []


def test_nobody_is_waited_for_who_does_not_listen(answers: Answers) -> None:
    """A url with a slip is told at once."""
    answers.close()
    began = time.monotonic()

    with pytest.raises(CommandError, match=f"GET {answers.url}{PATH}: no answer: "):
        ControlPlane(answers.url, "s3cret").get(PATH)
    assert time.monotonic() - began < 30
