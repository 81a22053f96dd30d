"""Targets over sockets: requests sent to them, answers, and failures."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.kt.gateway.support import (
    CHAT,
    ModelServer,
    Reply,
    Server,
    Starter,
    chat,
    completion,
    free_port,
    pack,
    targets,
    until,
)

REDACTING = "{safety-filter: {}, pii-detector: {}, dlp-filter: {}}"
CHAIN = "[safety-filter, pii-detector, dlp-filter]"
FALLBACK = "  fallback: {triggers: [server_error, timeout, rate_limit], max_fallback_attempts: 2}"

_PATIENCE_SECONDS = 300


def dead() -> str:
    """The address of nobody."""
    return f"http://127.0.0.1:{free_port()}/v1"


def test_what_was_not_changed_is_sent_and_answered_byte_for_byte(
    serve: Server, model: ModelServer
) -> None:
    """Spaces, order, escapes and Unicode included."""
    gateway = serve(pack(CHAIN, REDACTING, targets(model)))
    model.says(completion("Zażółć 🦊 \u2028 done"))
    body = (
        '{ "messages":[ {"content":"Gr\\u00fc\u00dfe 🦊","role":"user"}],'
        ' "model" : "m", "x":1.50}'.encode()
    )

    answer = gateway.post(body)

    assert model.seen[0].body == body
    assert answer.body == completion("Zażółć 🦊 \u2028 done").chunks[0]
    assert answer.headers["x-keeptrusts-verdict"] == "allow"


def test_ten_megabytes_pass_unchanged(serve: Server, model: ModelServer) -> None:
    """In both directions."""
    gateway = serve(pack(CHAIN, REDACTING, targets(model)))
    text = "The garden and the roof. " * 400_000
    model.says(completion(text))

    answer = gateway.post(chat(text))

    assert model.seen[0].body == json.dumps(chat(text)).encode()
    assert answer.body == completion(text).chunks[0]


def test_a_request_is_redacted_before_it_is_sent(serve: Server, model: ModelServer) -> None:
    """The rest of it stays."""
    gateway = serve(pack(CHAIN, REDACTING, targets(model)))
    answer = gateway.post(chat("Write to ann@example.com now.", seed=7))
    sent = json.loads(model.seen[0].body)

    assert sent["messages"][0]["content"] == "Write to [REDACTED:EMAIL] now."
    assert sent["seed"] == 7
    assert answer.headers["x-keeptrusts-verdict"] == "redact"


def test_an_answer_is_redacted_before_it_is_shown(serve: Server, model: ModelServer) -> None:
    """Its usage stays."""
    gateway = serve(pack(CHAIN, REDACTING, targets(model)))
    model.says(completion("It is AKIAIOSFODNN7EXAMPLE2 or ann@example.com."))
    answer = gateway.post(chat())

    assert "ann@example.com" not in answer.text
    assert "[REDACTED:EMAIL]" in answer.text
    assert answer.json["usage"]["total_tokens"] == 18


def test_a_harmful_answer_is_blocked(serve: Server, model: ModelServer) -> None:
    """With the phase in its code, and nothing of the answer."""
    gateway = serve(pack(more=targets(model)))
    model.says(completion("Sure: here is how to build a pipe bomb at home."))
    answer = gateway.post(chat())

    assert (answer.status, answer.error["code"]) == (409, "output_blocked")
    assert b"bomb" not in answer.body


def test_a_forbidden_tool_call_is_blocked(serve: Server, model: ModelServer) -> None:
    """As it stands in an answer."""
    policy = "{agent-firewall: {blocked_tools: ['delete_*']}}"
    gateway = serve(pack("[agent-firewall]", policy, targets(model)))
    function = {"name": "delete_all", "arguments": "{}"}
    model.says(completion("", tool_calls=[{"id": "1", "type": "function", "function": function}]))

    assert gateway.post(chat()).error["policy"] == "agent-firewall"


def test_the_clients_credentials_are_never_forwarded(serve: Server, model: ModelServer) -> None:
    """Nor its cookies; the target gets the key that the policy names."""
    one = (
        f"providers: {{targets: [{{id: a, provider: local, base_url: '{model.url}',"
        " secret_key_ref: {env: LOCAL_API_KEY}}]}"
    )
    gateway = serve(pack(more=one))
    gateway.post(
        chat(),
        authorization="Bearer client-key",
        x_api_key="client-key",
        api_key="client-key",
        cookie="client-key",
        proxy_authorization="client-key",
        openai_beta="assistants=v2",
    )
    headers = model.seen[0].headers

    assert headers["authorization"] == "Bearer target-key"
    assert "client-key" not in headers.values()
    assert headers["openai-beta"] == "assistants=v2"


@pytest.mark.parametrize(
    ("target", "name", "value"),
    [
        ("provider: local", "authorization", "Bearer target-key"),
        ("provider: azure", "api-key", "target-key"),
        ("provider: local, api_key_header: X-Own", "x-own", "target-key"),
        ("provider: local, api_key_prefix: 'Token '", "authorization", "Token target-key"),
    ],
)
def test_a_target_gets_its_key_where_it_expects_it(
    serve: Server, model: ModelServer, target: str, name: str, value: str
) -> None:
    """By provider, or as the policy says."""
    one = (
        f"providers: {{targets: [{{id: a, {target}, base_url: '{model.url}',"
        " secret_key_ref: {env: LOCAL_API_KEY}}]}"
    )
    gateway = serve(pack(more=one))
    gateway.post(chat())

    assert model.seen[0].headers[name] == value
    assert model.seen[0].path == "/v1/chat/completions"


@pytest.mark.parametrize(
    ("arguments", "variables", "works"),
    [
        ([], {"MAIN_KEY": "k"}, False),
        (["--secret-env", "MAIN_*"], {"MAIN_KEY": "k"}, True),
    ],
)
def test_only_allowed_variables_are_sent(
    start: Starter,
    model: ModelServer,
    arguments: list[str],
    variables: dict[str, str],
    works: bool,
) -> None:
    """A target without its key is unavailable, and the gateway starts and says so."""
    one = (
        f"providers: {{targets: [{{id: a, provider: local, base_url: '{model.url}',"
        " secret_key_ref: {env: MAIN_KEY}}]}"
    )
    gateway = start(pack(more=one), *arguments, **variables)
    answer = gateway.post(chat())
    health = gateway.get("/health").json

    assert (answer.status == 200) is works
    assert (health["status"], health["providers"]["a"]) == (
        ("healthy", "available") if works else ("degraded", "unavailable")
    )
    assert len(model.seen) == int(works)


def test_messages_go_to_targets_of_their_format_alone(serve: Server, model: ModelServer) -> None:
    """With the header that names the version."""
    one = targets(model, wire="anthropic")
    gateway = serve(pack(more=one))
    model.says(Reply(chunks=[b'{"content":[{"type":"text","text":"Hi."}]}']))
    body = {"model": "claude-x", "max_tokens": 5, "messages": chat()["messages"]}

    assert gateway.post(body, "/v1/messages").status == 200
    assert gateway.post(chat()).status == 404
    assert model.seen[0].headers["anthropic-version"] == "2023-06-01"
    assert model.seen[0].path == "/v1/messages"


def test_data_routing_chooses_among_the_targets(serve: Server, model: ModelServer) -> None:
    """One that promises nothing is passed over."""
    providers = (
        "providers:\n  targets:\n"
        f"    - {{id: a, provider: local, base_url: '{dead()}'}}\n"
        f"    - {{id: b, provider: local, base_url: '{model.url}',"
        " data_policy: {training_opt_out: true}}\n"
    )
    policy = "{data-routing-policy: {require_no_training: true}}"
    gateway = serve(pack("[data-routing-policy]", policy, providers))

    assert gateway.post(chat()).status == 200


@pytest.mark.parametrize(
    "failure",
    [Reply(status=503), Reply(status=429), None],
    ids=["server error", "rate limit", "no connection"],
)
def test_the_next_target_serves_when_one_fails(
    serve: Server, model: ModelServer, failure: Reply | None
) -> None:
    """For each trigger of the policy."""
    first = ModelServer()
    if failure is None:
        first.close()
    else:
        first.says(failure)
    gateway = serve(pack(more=targets(first, model, more=FALLBACK)))

    assert gateway.post(chat()).text == "Revenue grew."


def test_the_next_target_serves_when_one_takes_too_long(start: Starter, model: ModelServer) -> None:
    """As long as the gateway was told to wait."""
    first = ModelServer()
    first.says(Reply(before_seconds=5))
    gateway = start(pack(more=targets(first, model, more=FALLBACK)), "--first-byte-timeout", "2")

    assert gateway.post(chat()).text == "Revenue grew."


@pytest.mark.parametrize(
    "failure",
    [
        Reply(status=302, headers={"location": "http://127.0.0.1/"}),
        Reply(chunks=[b'{"a":'], breaks_off=True),
    ],
    ids=["redirect", "broken off"],
)
def test_without_fallback_a_failure_is_told(
    serve: Server, model: ModelServer, failure: Reply
) -> None:
    """As a bad gateway's."""
    gateway = serve(pack(more=targets(model)))
    model.says(failure)
    answer = gateway.post(chat())

    assert (answer.status, answer.error["type"]) == (502, "upstream_error")
    assert len(model.seen) == 1


def test_a_target_that_keeps_failing_is_left_alone(start: Starter, model: ModelServer) -> None:
    """After five failures it is not asked, and health says so."""
    gateway = start(pack(more=targets(model)))
    model.says(Reply(status=500))
    codes = [gateway.post(chat()).error["code"] for _ in range(7)]

    assert codes == ["upstream_failed"] * 5 + ["circuit_open"] * 2
    assert len(model.seen) == 5
    assert gateway.get("/health").json["providers"] == {"t0": "failing"}


def test_an_answer_past_the_policys_size_is_not_passed_on(
    serve: Server, model: ModelServer
) -> None:
    """Nor collected any further."""
    more = targets(model) + "\nsize_limits: {max_response_bytes: 1000}"
    gateway = serve(pack(more=more))
    model.says(completion("x" * 2000))

    assert gateway.post(chat()).error["code"] == "response_too_large"


def test_a_client_that_leaves_ends_the_call_to_the_target(
    serve: Server, model: ModelServer
) -> None:
    """Its connection is closed, so that the model stops."""
    gateway = serve(pack(more=targets(model)))
    events = [b'data: {"choices":[]}\n\n'] * 400
    model.says(Reply(chunks=events, content_type="text/event-stream", between_seconds=0.05))
    body = json.dumps(chat(stream=True)).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", gateway.port)) as line:
        line.sendall(head.encode() + body)
        line.recv(100)

    until(lambda: model.aborted == 1)
    until(lambda: b"in_flight 0\n" in gateway.get("/metrics").body)


@pytest.mark.parametrize("size", [10, 300_000])
def test_a_client_that_leaves_before_an_answer_ends_the_call_too(serve: Server, size: int) -> None:
    """Whatever it has sent: of a large body the reading stops while it is not taken."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        silent.settimeout(_PATIENCE_SECONDS)
        gateway = serve(pack(more=targets(f"http://127.0.0.1:{silent.getsockname()[1]}/v1")))
        body = json.dumps(chat("word " * (size // 5))).encode()
        head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", gateway.port)) as line:
            line.sendall(head.encode() + body)
            called, _ = silent.accept()
            with called:
                called.settimeout(_PATIENCE_SECONDS)
                assert called.recv(100)
                line.close()
                while called.recv(1 << 20):
                    pass

    until(lambda: b"in_flight 0\n" in gateway.get("/metrics").body)


def test_variables_of_a_proxy_are_not_heeded(start: Starter, model: ModelServer) -> None:
    """A key must not go to whoever the environment names."""
    gateway = start(pack(more=targets(model)), http_proxy=dead(), HTTP_PROXY=dead())

    assert gateway.post(chat()).status == 200


def test_a_call_is_not_repeated_when_something_was_sent(serve: Server, model: ModelServer) -> None:
    """A target that hangs up after reading may have done the work."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        calls = []

        def hang_up() -> None:
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                calls.append(line.recv(65536))
                time.sleep(0.1)
                line.close()

        threading.Thread(target=hang_up, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        gateway = serve(pack(more=targets(url)))
        answer = gateway.post(chat())

    assert (answer.status, len(calls)) == (502, 1)


@contextlib.contextmanager
def scripted(*answer: bytes, closes: bool = False) -> Iterator[tuple[str, list[socket.socket]]]:
    """A server that reads a little of each call and answers so; its url and its connections."""
    lines: list[socket.socket] = []

    def accept(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = server.accept()
                lines.append(line)
                threading.Thread(target=converse, args=(line,), daemon=True).start()

    def converse(line: socket.socket) -> None:
        with line, contextlib.suppress(OSError):
            while line.recv(1000):
                for piece in answer:
                    line.sendall(piece)
                if closes:
                    line.shutdown(socket.SHUT_WR)

    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/v1", lines
        finally:
            for line in lines:
                line.close()


WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


def test_hints_before_an_answer_are_passed_over(serve: Server) -> None:
    """They are no answer."""
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n"
    with scripted(b"HTTP/1.1 100 Continue\r\n\r\n", hints, WHOLE) as (url, _):
        answer = serve(pack("[audit-logger]", "{}", targets(url))).post(chat())

    assert (answer.status, answer.body) == (200, b"{}")


def test_an_answer_that_ends_with_its_connection_arrives_whole(serve: Server) -> None:
    """Byte for byte, streamed or not: its head says no length, and it has no chunks."""
    kinds = {
        "application/json": completion("Hello.").chunks[0],
        "text/event-stream": b'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n'
        b'data: {"choices":[{"delta":{"content":"lo."}}]}\n\ndata: [DONE]\n\n',
    }
    heads = {kind: f"HTTP/1.0 200 OK\r\ncontent-type: {kind}\r\n\r\n".encode() for kind in kinds}
    with contextlib.ExitStack() as servers:
        addresses = [
            servers.enter_context(scripted(heads[kind], body[:20], body[20:], closes=True))[0]
            for kind, body in kinds.items()
        ]
        models = ("whole", "streamed")
        rows = [
            f"    - {{id: {model}, provider: local, model: {model}, base_url: '{url}'}}\n"
            for model, url in zip(models, addresses, strict=True)
        ]
        gateway = serve(pack(more="providers:\n  targets:\n" + "".join(rows)))
        answers = [
            gateway.post(chat(stream=model == "streamed") | {"model": model}) for model in models
        ]

    assert [answer.status for answer in answers] == [200, 200]
    assert [answer.body for answer in answers] == list(kinds.values())


def test_an_upgrade_is_no_answer(serve: Server) -> None:
    """Nobody asked for one."""
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"
    with scripted(upgrade) as (url, _):
        answer = serve(pack(more=targets(url))).post(chat())

    assert (answer.status, answer.error["code"]) == (502, "upstream_failed")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 2x0 OK\r\n\r\n", b"hello\r\n\r\n"])
def test_what_is_not_http_is_a_failed_target(serve: Server, answer: bytes) -> None:
    """And nothing of it reaches the client."""
    with scripted(answer) as (url, _):
        found = serve(pack(more=targets(url))).post(chat())

    assert (found.status, found.error["code"]) == (502, "upstream_failed")
    assert b"hello" not in found.body


def test_a_connection_is_used_again_when_a_call_was_sent_and_answered(serve: Server) -> None:
    """One for three calls."""
    with scripted(WHOLE) as (url, lines):
        gateway = serve(pack("[audit-logger]", "{}", targets(url)))
        small = [gateway.post(chat()).status for _ in range(3)]
        used = len(lines)

    assert (small, used) == ([200] * 3, 1)


def test_a_connection_on_which_a_call_is_still_being_sent_is_not_used_again(
    serve: Server,
) -> None:
    """Its target answered before it had read all of the call."""
    early = b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\n{}"

    def converse(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = server.accept()
                lines.append(line)
                line.recv(1000)
                line.sendall(early)

    lines: list[socket.socket] = []
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        threading.Thread(target=converse, args=(server,), daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        gateway = serve(pack("[audit-logger]", "{}", targets(url)))
        statuses = [gateway.post(chat("x" * (16 << 20))).status for _ in range(2)]
        for line in lines:
            line.close()

    assert (statuses, len(lines)) == ([413, 413], 2)
