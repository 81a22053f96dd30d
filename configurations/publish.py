"""Telling readers that something changed."""

from keeptrusts import counters

COUNTER = "configurations"


def publish() -> None:
    """Count a change of what a reader can see of configurations.

    Called first in the writing transaction: it makes writers follow one another, which is
    what lets two of them agree on who owns an id and which number comes next.
    """
    counters.bump(COUNTER)
