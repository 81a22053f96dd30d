"""Bounds of a gateway: sizes, times and malformed requests."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time

import pytest

from tests.kt.gateway.inside import TARGETS, Inside, completion
from tests.kt.gateway.support import Running, Server, Starter, chat, pack, until

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
BODY = json.dumps(chat()).encode()


def test_the_third_of_two_requests_is_refused() -> None:
    """With the seconds after which to come back."""
    limit = "global_rate_limit: {max_requests: 2, window_seconds: 3600}"
    gateway = Inside(pack(more=TARGETS + limit))
    statuses = [gateway.post().status for _ in range(2)]
    answer = gateway.post()

    assert statuses == [200, 200]
    assert (answer.status, answer.error["type"]) == (429, "rate_limit")
    assert answer.error["limit"] == "global_rate_limit"
    assert 0 < int(answer.headers["retry-after"]) <= 7200


def test_tokens_are_counted_as_the_target_reports_them() -> None:
    """18 for each answer here, however many were estimated."""
    limit = "token_rate_limit: {max_tokens: 60, window_seconds: 3600}"
    gateway = Inside(pack(more=TARGETS + limit))
    usage = {"prompt_tokens": 7, "completion_tokens": 11, "total_tokens": 18}
    gateway.answers(completion("Revenue grew.") | {"usage": usage})
    statuses = [gateway.post().status for _ in range(4)]

    assert statuses == [200, 200, 429, 429]


def test_a_limit_outlives_a_reload(start: Starter) -> None:
    """A new policy is no new allowance."""
    policy = pack(more="global_rate_limit: {max_requests: 1, window_seconds: 3600}")
    gateway = start(policy, "--mock-upstream")
    first = gateway.post(chat()).status
    gateway.policy.write_text(policy + "# changed\n")
    gateway.post(b"", "/keeptrusts/config/reload")

    assert (first, gateway.post(chat()).status) == (200, 429)


def test_a_body_past_the_policys_size_is_refused(serve: Server) -> None:
    """By its length, or as it comes."""
    gateway = serve(pack(more="size_limits: {max_body_bytes: 1000}"))
    told = gateway.post(chat("x" * 2000))
    chunk = b"3e8\r\n" + b" " * 1000 + b"\r\n"
    came = gateway.raw(HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunk * 3 + b"0\r\n\r\n")

    assert (told.status, told.error["code"]) == (413, "request_too_large")
    assert came.startswith(b"HTTP/1.1 413 ")


def test_past_the_most_at_once_a_request_is_told_to_come_back(start: Starter) -> None:
    """And the pages that watch the gateway still answer."""
    gateway = start(pack(), "--mock-upstream", "--max-concurrency", "1")
    with socket.create_connection(("127.0.0.1", gateway.port)) as line:
        line.sendall(HEAD + b"content-length: 10\r\n\r\n{")
        until(lambda: b"in_flight 1\n" in gateway.get("/metrics").body)
        answer = gateway.post(chat())

    assert (answer.status, answer.error["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"] == "1"
    until(lambda: gateway.post(chat()).status == 200)


@pytest.mark.parametrize(
    "request_bytes",
    [
        HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /x\r\n\r\n",
        HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        HEAD + b"content-length: -5\r\n\r\nhello",
        HEAD + b"content-length: 5x\r\n\r\nhello",
        HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked, identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"content-length: 5\n\nhello",
        HEAD + b"x-folded: a\r\n b\r\n\r\n",
        b"GET  / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
        HEAD + b"".join(b"h%d: v\r\n" % number for number in range(10_000)) + b"\r\n",
        HEAD + b"x: " + b"y" * 200_000 + b"\r\n\r\n",
        b"GET /" + b"y" * 200_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
    ids=[
        "length and encoding",
        "two lengths",
        "negative length",
        "length with a letter",
        "bad chunk",
        "two encodings",
        "space before colon",
        "bare line feeds",
        "folded header",
        "no version",
        "TLS",
        "10,000 headers",
        "long header",
        "long target",
    ],
)
def test_what_two_parsers_could_read_in_two_ways_is_refused(
    mocked: Running, request_bytes: bytes
) -> None:
    """With one 4xx and a closed connection, or the latter alone."""
    answer = mocked.raw(request_bytes)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert mocked.post(chat()).status == 200


def test_a_header_a_second_is_cut_off(mocked: Running) -> None:
    """Ten seconds are enough for the head of a request."""
    with socket.create_connection(("127.0.0.1", mocked.port), 60) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\n")
        line.settimeout(0.5)
        for number in range(60):
            try:
                line.sendall(b"x-%d: y\r\n" % number)
                if line.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            pytest.fail("was never cut off")


@pytest.mark.parametrize(
    ("begun", "answer"),
    [
        (b"GET / HTTP/1.1\r\nx: ", b"HTTP/1.1 431 "),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\nx: ", b""),
    ],
    ids=["header", "trailer"],
)
def test_one_value_without_an_end_is_not_kept(mocked: Running, begun: bytes, answer: bytes) -> None:
    """The parser would have it whole, and hands nothing on until then."""
    received = b""
    with socket.create_connection(("127.0.0.1", mocked.port), 60) as line:
        with contextlib.suppress(ConnectionError):
            line.sendall(begun + b"a" * (1 << 20))
        with contextlib.suppress(ConnectionError):
            while piece := line.recv(65536):
                received += piece

    assert received[:13] == answer


def test_a_body_of_100_megabytes_is_refused_without_being_kept(mocked: Running) -> None:
    """Nor does JSON that only nests."""
    before = mocked.memory_bytes()
    head = HEAD + b"content-length: 104857600\r\n\r\n"
    answers = []
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", mocked.port), 60) as line:
            line.sendall(head + b" " * 1000)
            answers.append(line.recv(100))
    mocked.post(b'{"a":' * 100_000)

    assert all(answer.startswith(b"HTTP/1.1 413 ") for answer in answers)
    assert mocked.memory_bytes() - before < 64 << 20


def test_a_compressed_body_is_refused(mocked: Running) -> None:
    """Its text could not be judged as it came."""
    assert mocked.post(b"\x1f\x8b", content_encoding="gzip").status == 415


UPGRADE = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
CHUNKED_BODY = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
UPGRADES = {
    "a length": HEAD + UPGRADE + b"content-length: %d\r\n\r\n" % len(BODY) + BODY,
    "chunks": HEAD + UPGRADE + b"transfer-encoding: chunked\r\n\r\n" + CHUNKED_BODY,
    "another protocol": (HEAD + UPGRADE + b"content-length: %d\r\n\r\n" % len(BODY) + BODY).replace(
        b"h2c", b"websocket"
    ),
    "no body": b"GET /v1/models HTTP/1.1\r\nhost: x\r\n" + UPGRADE + b"\r\n",
}


@pytest.mark.parametrize("cut", [None, 20, -len(BODY), -5])
@pytest.mark.parametrize("one", UPGRADES.values(), ids=UPGRADES)
def test_who_asks_for_an_upgrade_is_answered_without_one(
    mocked: Running, one: bytes, cut: int | None
) -> None:
    """The body read as a body, wherever packets end, and so is what follows on the connection."""
    last = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    sent = one + one + last
    with socket.create_connection(("127.0.0.1", mocked.port), 60) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.sendall(sent[:cut])
        if cut is not None:
            # So that they are two packets.
            time.sleep(0.02)
            line.sendall(sent[cut:])
        received = b""
        while piece := line.recv(65536):
            received += piece

    assert received.count(b"HTTP/1.1 ") == received.count(b"HTTP/1.1 200 OK") == 3


def test_an_upgrade_is_no_way_around_a_bodys_framing(mocked: Running) -> None:
    """What two parsers could read in two ways is refused there too."""
    bad = HEAD + UPGRADE + b"transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"
    answer = mocked.raw(bad)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert b" 200 " not in answer


def test_pipelined_requests_are_answered_in_order(mocked: Running) -> None:
    """Each once."""
    one = HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY
    last = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    answer = mocked.raw(one + one + last)

    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.rindex(b'"ok"') > answer.rindex(b"Mock answer")


def test_a_large_decision_makes_nobody_wait(mocked: Running) -> None:
    """Others are served while megabytes are read."""
    large = threading.Thread(target=lambda: mocked.post(chat("word " * 2_000_000)))
    large.start()
    served = 0
    while large.is_alive():
        began = time.monotonic()
        assert mocked.get("/healthz").status == 200
        assert time.monotonic() - began < 5
        served += 1
    large.join()

    assert served > 1
