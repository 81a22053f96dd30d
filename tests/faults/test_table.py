"""Every fault of PostgreSQL and Redis, alone and two at once.

`SOAK_FAULT_SECONDS` says how long each lasts; twenty seconds if nothing does.
"""

import os
from collections.abc import Iterator, Sequence

import pytest

from tests.faults.faults import BROKER, DATABASE, FAULTS, Fault
from tests.faults.table import hold
from tests.faults.world import World, world
from tests.support.forge import Forge
from tests.support.servers import Postgres


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, forge: Forge) -> Iterator[World]:
    """A world with a PostgreSQL of its own."""
    tmp = tmp_path_factory.mktemp("faults")
    with (
        Postgres() as postgres,
        world(tmp, forge.repository(tmp / "clone"), database=postgres.url, postgres=postgres) as it,
    ):
        yield it


_SECONDS = float(os.environ.get("SOAK_FAULT_SECONDS", "20"))


def _name(faults: Sequence[Fault]) -> str:
    return "+".join(f"{fault.server}-{fault.name}" for fault in faults)


_ALONE = [(fault,) for fault in FAULTS]
_AT_DATABASE = [fault for fault in FAULTS if fault.server == DATABASE]
_AT_BROKER = [fault for fault in FAULTS if fault.server == BROKER]
# Each of one server with some of the other; all that are twice as many as those of the broker.
_TOGETHER = [
    (one, _AT_BROKER[(number * step + shift) % len(_AT_BROKER)])
    for step, shift in ((1, 0), (3, 5))
    for number, one in enumerate(_AT_DATABASE)
]


@pytest.mark.soak
@pytest.mark.parametrize("faults", [*_ALONE, *_TOGETHER], ids=_name)
def test_a_fault_is_told_bounded_and_over(own: World, faults: Sequence[Fault]) -> None:
    """Every cell of the table, for each fault alone and for two at once."""
    assert hold(own, faults, seconds=_SECONDS) == []
