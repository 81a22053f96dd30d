"""A folder with `kt` in it, and a repository that somebody wants to change."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.examples.pipelines import ROOT
from tests.support.repo import Repo

SUPPORT_BOT = (ROOT / "examples/policies/support-bot/policy-config.yaml").read_text()
PAYMENT_DESK = (ROOT / "examples/policies/payment-desk/policy-config.yaml").read_text()

Propose = Callable[[dict[str, str | bytes | None]], str]


@pytest.fixture
def kt_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This checkout's `kt`, first on the PATH."""
    kt = tmp_path / "bin" / "kt"
    kt.parent.mkdir()
    kt.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m kt "$@"\n')
    kt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{kt.parent}:{os.environ['PATH']}")


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
