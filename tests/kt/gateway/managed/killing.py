"""Processes that are killed at one step of writing a policy down."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.kt.gateway.signing import GATEWAY, pin, signed

# What a process does to the folder while it writes a policy down, in this order.
WRITES = [
    ("open", "policy.new"), ("os.rename", "policy"),
    ("open", "policy.copy.new"), ("os.rename", "policy.copy"),
    ("open", "publish-seq.new"), ("os.rename", "publish-seq"),
]  # fmt: skip
_KILLED = """
import os, sys
sys.path.insert(0, {root!r})
from kt.gateway.managed.state import Kept, State
from kt.gateway.managed.statement import Signed, verify
signed = {signed!r}
kept = Kept(signed, verify(signed, pin={pin!r}, gateway={gateway!r}), {content!r})
state = State({folder!r})
def die(event, arguments):
    path = arguments[1] if event == "os.rename" else arguments[0] if event == "open" else ""
    if (event, path) == ({event!r}, os.path.join({folder!r}, {name!r})):
        os.kill(os.getpid(), 9)
sys.addaudithook(die)
state.keep(kept)
"""


def keep_until(folder: Path, key: Any, content: bytes, seq: int, step: tuple[str, str]) -> None:
    """Let a process write a policy down that is killed right before this step."""
    event, name = step
    script = _KILLED.format(
        root=str(Path(__file__).parents[4]), signed=signed(key, content, publish_seq=seq),
        pin=pin(key), gateway=GATEWAY, content=content, folder=str(folder), event=event, name=name,
    )  # fmt: skip
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
