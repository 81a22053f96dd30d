"""Evidence as an auditor asks for it, who trusts nobody who has the database."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.test_four_eyes import Somebody
from tests.support.eyes import strong, weak
from tests.support.managed import Fleet, fleet, register
from tests.support.repo import Repo
from tests.support.stack import ROOT, Stack, wait_for


@pytest.fixture
def gateways(shared_embedded_stack: Stack, tmp_path: Path) -> Iterator[Fleet]:
    """Gateways of one test."""
    with fleet(shared_embedded_stack, tmp_path / "gateways") as found:
        yield found


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


class Auditor:
    """Somebody with a token that may read, `kt`, and a folder out of the operator's reach."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        made = stack.request("POST", "/v1/tokens", {"name": "auditor", "role": "auditor"})
        self.stack, self.folder, self.token = stack, folder, made.data["token"]
        self.kept = folder / "checkpoint"

    def keep(self) -> None:
        """Keep what the log is now, out of reach of whoever runs the control plane."""
        answer = self.stack.request("GET", "/v1/evidence/1/checkpoint", token=self.token)
        self.kept.write_bytes(answer.body)

    def kt(self, *arguments: str) -> tuple[int, list[str]]:
        """Run `kt evidence`; the exit code, and the lines of its answer."""
        done = subprocess.run(
            [sys.executable, "-m", "kt", "evidence", *arguments, "--checkpoint", str(self.kept)],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(self.folder),
                "KEEPTRUSTS_API_URL": self.stack.url, "KEEPTRUSTS_API_TOKEN": self.token,
            },
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.stderr == ""
        return done.returncode, done.stdout.splitlines()

    def ask(self, gateway: str, *times: str, called: str) -> list[str]:
        """Ask what a gateway enforced at each time; the names of the files."""
        names = [f"{called}-{number}.json" for number, _ in enumerate(times)]
        for name, at in zip(names, times, strict=True):
            self.kt("show", "--gateway", gateway, "--at", at, "--output", name)
        return names


@contextmanager
def _one_byte_changed(stack: Stack, gateway: str) -> Iterator[None]:
    """The database with another number in the newest report of a gateway, until the block ends."""
    change = "update evidence_entry set leaf = cast(? as blob) where id = ?"
    with closing(sqlite3.connect(stack.data_dir / "keeptrusts.sqlite3", timeout=30)) as database:
        where = "select id, leaf from evidence_entry where kind = 'report' and subject = ?"
        row, leaf = database.execute(f"{where} order by id", [f"gateway/{gateway}"]).fetchall()[-1]
        with database:
            database.execute(change, [leaf.replace(b'"version":3', b'"version":2'), row])
        try:
            yield
        finally:
            with database:
                database.execute(change, [leaf, row])


def _runs(stack: Stack, gateway: str, version: int) -> bool:
    """Whether a gateway reported a version, and that is sealed."""
    answer = stack.request("GET", f"/v1/gateways/{gateway}/evidence")
    if answer.status != 200:
        return False
    [part] = answer.data["trees"]
    told = [json.loads(entry["leaf"]) for entry in part["entries"]]
    return any(one["kind"] == "report" and one["facts"].get("version") == version for one in told)


def test_an_auditor_proves_what_a_gateway_enforced_at_three_times(
    shared_embedded_stack: Stack, gateways: Fleet, repo: Repo, tmp_path: Path
) -> None:
    """Of a commit, of an override that a second person confirmed, and of a rollback.

    One command proves all three, offline, and fails after one byte of the database was changed.
    """
    stack, name = shared_embedded_stack, f"audited-{os.urandom(3).hex()}"
    auditor = Auditor(stack, tmp_path)
    ed, cleo = (Somebody(stack, who, "editor", f"{who}@example.org") for who in ("ed", "cleo"))
    commit = repo.commit({f"{name}/policy-config.yaml": strong(name)})
    link = stack.link(repo.url, four_eyes=True)
    wait_for(lambda: stack.get(f"/v1/git-repos/{link['id']}")["status"] == "synced")
    gateways.start(name, register(stack, name, name))
    times = []

    def enforced(version: int) -> None:
        wait_for(lambda: _runs(stack, name, version))
        times.append(_now())

    def confirmed(kind: str, change: dict[str, Any]) -> None:
        body = {"kind": f"configuration.{kind}", "target": name, "reason": "a drill"}
        asked = ed.send("POST", "/v1/requests", {**body, "change": change})
        assert asked.status == 202, asked.body
        confirm = f"/v1/requests/{asked.data['id']}/confirm"
        assert cleo.send("POST", confirm, asked.data["shows"]).status == 200

    enforced(1)
    confirmed("edit", {"content": weak(name), "override": True})
    enforced(2)
    confirmed("rollback", {"version": 1})
    enforced(3)
    auditor.keep()
    files = auditor.ask(name, *times, called="true")
    code, lines = auditor.kt("verify", *files)

    assert code == 0, lines
    assert len(lines) == 15
    for version in (1, 2, 3):
        assert f": ran {name} version {version}, sha256 " in lines[5 * version - 5]
        assert "; proven, by the checkpoint at " in lines[5 * version - 1]
    assert f"from commit {commit} of {repo.url}, blob " in lines[2]
    assert "), asked for by ed; own tests passed under rules " in lines[7]
    assert lines[12].endswith(", asked for by ed")
    assert "approved: cleo (" in lines[8]
    assert "approved: cleo (" in lines[13]

    with _one_byte_changed(stack, name):
        code, lines = auditor.kt("verify", *auditor.ask(name, *times, called="changed"))
    assert code == 1
    assert [line for line in lines if line.startswith("NOT PROVEN: entry ")]
    assert auditor.kt("verify", *files)[0] == 0
