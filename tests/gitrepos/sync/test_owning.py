"""Random programs of commits, moves and edits of links, on the plan in memory."""

import pytest

from tests.support import owning


@pytest.fixture(autouse=True)
def _nothing_left() -> None:
    """Nothing here starts a process."""


@pytest.fixture(autouse=True)
def data_dir() -> None:
    """Nothing here has a folder."""


MANY = pytest.param(range(200, 2200), marks=pytest.mark.soak)


@pytest.mark.parametrize("seeds", [range(200), MANY], ids=["some", "many"])
def test_what_git_has_is_in_force_whichever_link_has_it(seeds: range) -> None:
    """After any program each file under a live link is in force, or a finding says why not."""
    owning.programs(seeds)
