"""`kt gateway run` as a pipeline uses it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.kt.gateway.support import (
    CHAT,
    HARMFUL,
    KT,
    SAFE,
    Running,
    Starter,
    chat,
    free_port,
    pack,
    until,
)

SCRIPT = Path(__file__).parents[2] / "acceptance" / "contract" / "test-policies.sh"
OPENAI = """
providers:
  targets:
    - {id: main, provider: openai, model: gpt-4o-mini, secret_key_ref: {env: OPENAI_API_KEY}}
"""
MOCK = "providers: {targets: [{id: main, provider: mock}]}"


# One process: the script's port is its own, and two of it would meet there.
def test_the_pipelines_script_passes_as_it_is_written(tmp_path: Path) -> None:
    """With openai under the mock's variable, and with a mock target."""
    path = f"{KT.parent}:{os.environ['PATH']}"
    for providers, variables in ((OPENAI, {"KEEPTRUSTS_MOCK_UPSTREAM": "1"}), (MOCK, {})):
        (tmp_path / "policy-config.yaml").write_text(pack(more=providers))
        done = subprocess.run(
            ["bash", str(SCRIPT)],
            cwd=tmp_path,
            env={"PATH": path, **variables},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "All policy tests passed." in done.stdout


def test_a_harmless_request_is_answered(mocked: Running) -> None:
    """The mock echoes, and the headers say what was enforced."""
    answer = mocked.post(chat())

    assert answer.status == 200
    assert answer.text == f"Mock answer to: {SAFE}"
    assert answer.headers["x-keeptrusts-verdict"] == "allow"
    assert len(answer.headers["x-keeptrusts-config-hash"]) == 64
    assert answer.headers["x-request-id"]


def test_a_harmful_request_is_a_conflict_that_is_not_tried_again(mocked: Running) -> None:
    """The envelope names the policy and the reason, and never the text."""
    answer = mocked.post(chat(HARMFUL))

    assert answer.status == 409
    assert answer.headers["x-should-retry"] == "false"
    assert answer.error["type"] == "policy_violation"
    assert answer.error["code"] == "input_blocked"
    assert answer.error["policy"] == "safety-filter"
    assert answer.error["reason_code"] == "safety_filter.detected"
    assert b"illegal activity" not in answer.body


def test_a_harmful_stream_is_refused_before_it_begins(mocked: Running) -> None:
    """A block of the request is a plain answer, not an event."""
    answer = mocked.post(chat(HARMFUL, stream=True))

    assert (answer.status, answer.headers["content-type"]) == (409, "application/json")


@pytest.mark.parametrize("path", ["/health", "/healthz", "/readyz", "/metrics", "/v1/models"])
def test_a_page_is_answered(mocked: Running, path: str) -> None:
    """`curl -f` is content with every page."""
    assert mocked.get(path).status == 200


def test_health_says_what_is_enforced(start: Starter) -> None:
    """The fields of the language's §4."""
    gateway = start(pack(), "--mock-upstream")
    gateway.post(chat())
    health = gateway.get("/health").json

    assert health["status"] == "healthy"
    assert (health["policies_loaded"], health["requests_processed"]) == (1, 1)
    assert health["config"]["id"] == "test"
    assert health["config"]["version"] == "1.0.0"
    assert health["config"]["source"] == str(gateway.policy)
    assert health["providers"] == {"mock": "available"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"[]", "invalid_request"),
        (b"{}", "invalid_request"),
        (b'{"model":"m"}', "invalid_request"),
        (b'{"model":1,"messages":[{}]}', "invalid_request"),
        (b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}', "invalid_json"),
        (b'{"model":"m","messages":[{}],"seed":NaN}', "invalid_json"),
        (b'{"model":"m","model":"n","messages":[{}]}', "duplicate_key"),
        (
            b'{"model":"m","messages":[{"role":"user","content":"a","content":"b"}]}',
            "duplicate_key",
        ),
        (b'{"model":"m","Model":"n","messages":[{}]}', "duplicate_key"),
        (b'{"model":"m","messages":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "too_deep"),
        (b'{"model":"m","messages":' + b"[" * 200 + b"]" * 200 + b"}", "too_deep"),
        ('{"model":"m","messages":[1]}'.encode("utf-16"), "invalid_json"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_malformed_body_is_refused(mocked: Running, body: bytes, code: str) -> None:
    """With the validation envelope, and without a word to any model."""
    answer = mocked.post(body)

    assert answer.status == 422
    assert (answer.error["type"], answer.error["code"]) == ("validation_error", code)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", CHAT, 405), ("POST", "/health", 405), ("GET", "/v1/files", 404), ("PUT", "/", 404)],
)
def test_another_route_or_method_is_refused(
    mocked: Running, method: str, path: str, status: int
) -> None:
    """In the same envelope."""
    answer = mocked.send(method, path, None)

    assert answer.status == status
    assert answer.error["message"]


def test_sigterm_ends_it_with_status_0_when_what_is_in_flight_is_done(
    start: Starter, tmp_path: Path
) -> None:
    """An answer that takes a moment still arrives."""
    script = tmp_path / "script.json"
    script.write_text('[{"text": "Late.", "delay_ms": 1000}]')
    gateway = start(pack(), "--mock-upstream", "--mock-script", str(script))
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(gateway.post(chat()).text))
    asking.start()
    until(lambda: b"keeptrusts_requests_in_flight 1\n" in gateway.get("/metrics").body)
    status, _, _ = gateway.stop()
    asking.join()

    assert (status, answers) == (0, ["Late."])


def test_a_request_that_meets_sigterm_on_its_way_is_answered(start: Starter) -> None:
    """On a connection that was opened before, and is then closed."""
    gateway = start(pack(), "--mock-upstream")
    with socket.create_connection(("127.0.0.1", gateway.port), 60) as line:
        gateway.process.send_signal(signal.SIGTERM)
        line.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        answer = b""
        while piece := line.recv(65536):
            answer += piece

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert gateway.process.wait(300) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--policy-config", "absent.yaml"], "No such file"),
        (["--policy-config", "bad.yaml"], "E002"),
        (["--policy-config", "good.yaml", "--listen", ":1", "--port", "2"], "not both"),
        (["--policy-config", "good.yaml", "--listen", "41001"], "HOST:PORT"),
        (["--policy-config", "good.yaml", "--port", "0"], "a port is"),
        (["--policy-config", "good.yaml", "--client-keys", "empty"], "no key"),
        (["--policy-config", "good.yaml", "--mock-script", "bad.yaml"], "script"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_start_says_why_and_ends_with_2(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    """A bad policy with its place, and no traceback."""
    (tmp_path / "good.yaml").write_text(pack())
    (tmp_path / "bad.yaml").write_text(pack(more="chian: []"))
    (tmp_path / "empty").write_text("# none yet\n")
    if "--port" not in arguments and "--listen" not in arguments:
        arguments = [*arguments, "--port", str(free_port())]

    done = subprocess.run(
        [str(KT), "gateway", "run", *arguments], cwd=tmp_path, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_an_error(mocked: Running, tmp_path: Path) -> None:
    """It says which address, and ends with 2."""
    (tmp_path / "good.yaml").write_text(pack())
    command = [str(KT), "gateway", "run", "--policy-config", "good.yaml"]
    done = subprocess.run(
        [*command, "--listen", f"127.0.0.1:{mocked.port}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 2
    assert str(mocked.port) in done.stderr


def test_a_gateway_without_a_control_plane_does_not_import_aiohttp() -> None:
    """It would be a fifth of the start."""
    code = "import sys, kt.gateway.run; sys.exit('aiohttp' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_other_commands_import_nothing_of_the_gateway() -> None:
    """Linting stays as cheap as it was."""
    code = "import sys, kt.cli.main, kt.cli.lint; sys.exit('uvicorn' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
