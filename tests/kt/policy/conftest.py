"""Golden cases as parameters: `good_case` and `bad_case`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests" / "cases"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each case of the kind it asks for."""
    for kind in ("good", "bad"):
        if f"{kind}_case" in metafunc.fixturenames:
            paths = sorted((CASES / kind).glob("*.yaml"))
            metafunc.parametrize(f"{kind}_case", paths, ids=lambda path: path.stem)


@pytest.fixture
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture
def renew() -> bool:
    """Whether to write what is expected instead of comparing with it: RENEW=1."""
    return os.environ.get("RENEW") == "1"
