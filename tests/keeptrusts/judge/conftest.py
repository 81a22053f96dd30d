"""Judges that answer for the functions of `tests.support.judged`."""

from collections.abc import Iterator

import pytest

from keeptrusts.judge import asking
from keeptrusts.judge.judges import Judges


@pytest.fixture(scope="module")
def judges() -> Iterator[Judges]:
    """The judges of these tests."""
    own = Judges(["tests.support.judged"])
    yield own
    own.close()


@pytest.fixture
def judged(judges: Judges, monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions of this test are asked of them."""
    monkeypatch.setattr(asking._process, "judges", judges)
