"""Running `kt` as a process and in this one, and files to run it on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from kt.cli.main import main
from tests.kt.cli.answering import Answers

ROOT = Path(__file__).parents[3]
GOOD = "pack: {name: good, version: 1.0.0, enabled: true}\npolicies: {chain: [safety-filter]}\n"
WARNED = "pack: {name: warned, version: 1.0.0, enabled: true}\npolicies: {chain: []}\n"
BAD = "pack: {name: bad, version: 1.0.0, enabled: true}\npolicies: {chain: [safety-filtre]}\n"


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a good, a bad and a warned file, and policies in a tree."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    for name, text in (("good.yaml", GOOD), ("bad.yaml", BAD), ("warned.yaml", WARNED)):
        Path(name).write_text(text)
    for name, text in (("a", GOOD), ("b/deep", BAD)):
        folder = tmp_path / "policies" / name
        folder.mkdir(parents=True)
        (folder / "policy-config.yaml").write_text(text)
        (folder / "other.yaml").write_text("not: a policy\n")
    return tmp_path


@pytest.fixture
def kt(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run a command in this process."""

    def run(*argv: str) -> Done:
        try:
            code = main(argv)
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return run


@pytest.fixture
def kt_line() -> str:
    """How a shell starts this checkout's `kt`, wherever it stands."""
    return f"PYTHONPATH={ROOT} {sys.executable} -m kt"


@pytest.fixture
def kt_process() -> Callable[..., Done]:
    """Run a command as a process of its own: `python -m kt`."""

    def run(*argv: str, stdin: bytes = b"", **environment: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "kt", *argv],
            input=stdin,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, where nobody is logged in."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    for name in ("XDG_CONFIG_HOME", "KEEPTRUSTS_API_URL", "KEEPTRUSTS_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """A server that is asked instead of a control plane, with the token `s3cret`."""
    server = Answers()
    monkeypatch.setenv("KEEPTRUSTS_API_URL", server.url)
    monkeypatch.setenv("KEEPTRUSTS_API_TOKEN", "s3cret")
    yield server
    server.close()
