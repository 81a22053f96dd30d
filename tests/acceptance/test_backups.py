"""A backup of SQLite grows up into PostgreSQL, while a gateway goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.managed import BLOCKED, OPEN, STRICT, becomes, fleet, harmful, register, seen
from tests.support.repo import Repo
from tests.support.stack import Stack, wait_for
from tests.support.stacks import environment


@pytest.fixture
def grown(embedded_stack: Stack, tmp_path: Path, worker_id: str) -> Iterator[Stack]:
    """Where it is restored to: another machine's data folder, PostgreSQL, the same address."""
    (folder := tmp_path / "grown").mkdir()
    stack = Stack(folder / "data", **environment(folder, worker_id, own=True))
    stack.port, stack.url = embedded_stack.port, embedded_stack.url
    stack.environment["KEEPTRUSTS_LISTEN"] = embedded_stack.environment["KEEPTRUSTS_LISTEN"]
    yield stack
    if stack.process is not None:
        stack.stop()


@pytest.mark.soak
def test_an_old_backup_leaves_no_gateway_refusing(
    embedded_stack: Stack, grown: Stack, repo: Repo, tmp_path: Path
) -> None:
    """It took newer statements than the backup knows, and enforces what git says now."""
    first = embedded_stack.start()
    repo.commit({"grows/policy-config.yaml": OPEN})
    link = first.link(repo.url)
    wait_for(lambda: first.request("GET", "/v1/configurations/grows").status == 200)
    token, admin = register(first, "edge", "grows"), first.token()
    with fleet(first, tmp_path / "gateways") as gateways:
        gateway = gateways.start("edge", token)
        becomes(lambda: seen(first, "edge")["state"], "in_sync")
        told = first.manage("backup", str(tmp_path / "old.backup"))
        for n in range(3):
            repo.commit({"grows/policy-config.yaml": STRICT + f"# {n}\n"})
            assert first.request("POST", f"/v1/git-repos/{link['id']}/sync").status == 202
            wait_for(lambda n=n: _version(first) == n + 2)  # type: ignore[misc]
        becomes(lambda: harmful(gateway), BLOCKED)
        first.stop()
        key = (first.data_dir / "secret-key").read_text().strip()
        grown.environment["KEEPTRUSTS_SECRET_KEY"] = key

        restored = grown.manage("restore", str(tmp_path / "old.backup"))
        grown.start()
        (grown.data_dir / "admin-token").write_text(admin)

        assert "rows restored" in restored
        assert told.split()[1] == restored.split()[1]
        becomes(lambda: harmful(gateway), BLOCKED)
        becomes(lambda: seen(grown, "edge")["state"], "in_sync")
        assert _version(grown) == 2
        content = grown.request("GET", "/v1/configurations/grows/content").body
        assert content == (STRICT + "# 2\n").encode()
        row = seen(grown, "edge")
        assert row["running_hash"] == row["git_hash"] == row["desired_hash"]


def _version(stack: Stack) -> int:
    found: int = stack.get("/v1/configurations/grows")["version"]
    return found
