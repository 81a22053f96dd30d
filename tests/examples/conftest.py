"""`kt` as the pipelines install it, and a repository that somebody wants to change."""

import fcntl
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.examples.installed import Installed
from tests.examples.pipelines import ROOT
from tests.support.repo import Repo

SUPPORT_BOT = (ROOT / "examples/policies/support-bot/policy-config.yaml").read_text()
PAYMENT_DESK = (ROOT / "examples/policies/payment-desk/policy-config.yaml").read_text()

Propose = Callable[[dict[str, str | bytes | None]], str]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Installed:
    """A home into which the pipeline's own step installed this checkout, once for all processes."""
    base = tmp_path_factory.getbasetemp()
    base = base if worker_id == "master" else base.parent
    place = Installed(base / "examples")
    with (base / "examples.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.output.exists():
            place.install()
    return place


@pytest.fixture
def kt_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The `kt` of the environment that runs the tests, first on the PATH."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")


@pytest.fixture
def propose(repo: Repo) -> Propose:
    """Change a repository with two policies as a pull request would; returns the commit before."""

    def change(files: dict[str, str | bytes | None]) -> str:
        before = repo.commit(
            {
                "policies/support-bot/policy-config.yaml": SUPPORT_BOT,
                "policies/payment-desk/policy-config.yaml": PAYMENT_DESK,
                "README.md": "Policies.\n",
            }
        )
        repo.commit(files)
        return before

    return change
