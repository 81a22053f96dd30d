"""A release, made once, and a bare Debian."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy import debian
from tests.support.stack import ROOT


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make bundle` makes of the commit that is checked out."""
    folder = tmp_path_factory.mktemp("release") / "bundle"
    command = [sys.executable, "-m", "supply.bundle", folder, "https://get.example"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-5000:]
    assert done.stdout == f"{folder} has the release; serve it at https://get.example\n"
    return folder


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The folder of a bare Debian."""
    return debian.install(tmp_path / "debian")
