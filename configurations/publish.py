"""Telling readers that something changed."""

from keeptrusts import counters, hints

COUNTER = "configurations"


def publish() -> int:
    """Count a change of what a reader can see of configurations; returns its sequence number,
    which is larger than any before it.

    Called first in the writing transaction: it makes writers follow one another, which is
    what lets two of them agree on who owns an id and which number comes next.
    """
    hints.announce_on_commit()
    return counters.bump(COUNTER)
