"""A control plane whose keys are lost: what was in force stays, and a person is told what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

from kt.cli.main import main
from tests.support.managed import ALLOWED, BLOCKED, OPEN, STRICT, fleet, harmful, register
from tests.support.stack import ROOT, Stack, wait_for

_ANOTHER = "only-for-tests-another-0123456789abcdef"


def _refused(stack: Stack) -> str:
    """What a start says that must fail."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "up"],
        env=stack.environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode != 0
    return done.stdout + done.stderr


@pytest.mark.soak  # Each step of it has a test of its own.
def test_a_lost_secret_is_replaced_and_gateways_follow(
    embedded_stack: Stack, tmp_path: Path
) -> None:
    """No start makes another by itself; the gateway enforces what it has until it is reset."""
    stack, secret = embedded_stack.start(), embedded_stack.data_dir / "secret-key"
    body = {"id": "bot", "content": STRICT}
    assert stack.request("POST", "/v1/configurations", body).status == 201
    with fleet(stack, tmp_path / "states") as gateways:
        gateway = gateways.start("edge", register(stack, "edge", "bot"))
        wait_for(lambda: harmful(gateway) == BLOCKED)
        stack.stop()

        secret.unlink()
        assert "secret-key is gone" in _refused(stack)
        assert not secret.exists()
        secret.write_text(_ANOTHER)
        assert "restore the KEEPTRUSTS_SECRET_KEY that sealed it" in _refused(stack)
        stack.manage("rotate_signing_key", "--lost")
        stack.start()

        body = {"content": OPEN}
        assert stack.request("PATCH", "/v1/configurations/bot", body).status == 200
        token = stack.request("POST", "/v1/gateways/edge/rotate-token").data["token"]
        assert harmful(gateway) == BLOCKED
        gateway.stop()
        named = ["--gateway-id", "edge", "--state-dir", str(gateways.state("edge"))]
        assert main(["gateway", "reset-trust", *named, "--gateway-token", token]) == 0
        again = gateways.start("edge", token)
        wait_for(lambda: harmful(again) == ALLOWED)
