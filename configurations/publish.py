"""The change counter of configurations."""

from collections.abc import Sequence

from keeptrusts import counters
from keeptrusts.messaging import hints
from keeptrusts.statements import BoundQuery

COUNTER = "configurations"


def publish(*, above: int = 0) -> int:
    """Count a change that readers can see; returns its number, larger than any before it.

    It is above `above` as well, which a database that lost changes may not know.

    Must be called first in the writing transaction: writers then follow one another, and agree
    on who owns an id and which number comes next.
    """
    hints.announce_on_commit()
    return counters.bump(COUNTER, above=above)


def hold() -> None:
    """Let nobody else write configurations until the transaction ends; counts no change.

    Must be called before what a change depends on is read.
    """
    counters.hold(COUNTER)


def holding() -> BoundQuery[Sequence[object]]:
    """The question that holds so; an answer without a row means that it did not."""
    return counters.holding(COUNTER)
