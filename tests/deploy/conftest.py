"""A release, made once, and a bare Debian."""

import json
import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from supply import bundle
from tests.deploy import checking, debian
from tests.deploy.images import Builder, Network
from tests.deploy.services import Services
from tests.support.stack import ROOT


@pytest.fixture(scope="session")
def release_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a private key, as the page has it made."""
    folder = tmp_path_factory.mktemp("key")
    page = (ROOT / "docs/deploy.md").read_text()
    command = re.findall(
        r"^(openssl genpkey .*)\nmake bundle URL=\S+ KEY=release.key$", page, re.M
    )[0]
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True, timeout=300)
    return folder / "release.key"


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory, release_key: Path) -> Path:
    """What `make bundle` makes of the commit that is checked out, and signs."""
    folder = tmp_path_factory.mktemp("release") / "bundle"
    command = [sys.executable, "-m", "supply.bundle", folder, "https://get.example", release_key]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-5000:]
    assert done.stdout == (
        f"{folder} has the release; serve it at https://get.example\n"
        f"it is signed; KEEPTRUSTS_RELEASE_KEY={bundle.public(bundle.signing_key(release_key))}\n"
    )
    return folder


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The folder of a bare Debian."""
    return debian.install(tmp_path / "debian")


@pytest.fixture(scope="session")
def checkers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has what looks at charts and files of compose."""
    home = tmp_path_factory.mktemp("checkers") / "venv"
    venv.create(home, with_pip=True)
    pip = [home / "bin/python", "-m", "pip", "install", "--quiet", "--no-input"]
    subprocess.run([*pip, *checking.PACKAGES], check=True, timeout=1800)
    return home / "bin/python"


@pytest.fixture(scope="session")
def chart(checkers: Path) -> Any:
    """What Helm makes of the chart for each example, at an installation and at an upgrade."""
    examples = sorted((ROOT / "deploy/helm/examples").glob("*.yaml"))
    command = [checkers, checking.__file__, ROOT / "deploy/helm/keeptrusts", *examples]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory, release: Path) -> Builder:
    """What makes the stages of images, from a release's wheels."""
    return Builder(tmp_path_factory.mktemp("images"), release / "wheels")


@pytest.fixture
def network() -> Iterator[Network]:
    """One of containers alone."""
    made = Network()
    yield made
    made.end()


@pytest.fixture
def services(builder: Builder, network: Network, tmp_path: Path) -> Iterator[Services]:
    """Those of the file of compose, of which none was started."""
    made = Services(builder, network, tmp_path)
    yield made
    made.end()
