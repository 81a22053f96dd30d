"""Several control planes that are started at once on one database."""

import os
from pathlib import Path

import pytest

from tests.support.stack import Stack, wait_for
from tests.support.stacks import environment

_EMBEDDED = bool(os.environ.get("KEEPTRUSTS_TEST_EMBEDDED"))


@pytest.mark.skipif(_EMBEDDED, reason="one control plane alone has such a database")
def test_control_planes_that_start_together_migrate_once(tmp_path: Path, worker_id: str) -> None:
    """The others wait for the first; all come up."""
    shared = environment(tmp_path, worker_id, own=True)
    token = "only-for-tests-token-0123456789abcdef"
    stacks = [
        Stack(tmp_path / name, KEEPTRUSTS_BOOTSTRAP_TOKEN=token, **shared)
        for name in ("one", "two")
    ]
    for stack in stacks:
        stack.spawn()
    try:
        for stack in stacks:
            wait_for(stack.is_healthy)
            assert "preparing the database" in stack.log.read_text()
    finally:
        for stack in stacks:
            stack.stop()
