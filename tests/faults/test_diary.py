"""What the diary of a storm tells of somebody who met it."""

import os
import re
import time

from tests.faults.diary import Diary, state


def test_it_tells_what_went_on_at_the_same_time() -> None:
    """What was over before is left out; what still lasts has no end."""
    diary = Diary()
    diary.note("kill of nobody")
    time.sleep(0.02)
    with diary.lasting("database-cut"):
        began_at = time.monotonic()
        diary.note("kill of web")
        with diary.lasting("broker-full"):
            pass
        told = diary.told("late", began_at)

    assert re.sub(r"\d+\.\d", "N", told) == (
        "N-N: late; meanwhile database-cut (N-), kill of web (N-N), broker-full (N-N)"
    )


def test_it_tells_what_a_process_waits_for() -> None:
    """Of one that is gone, that it is."""
    assert re.match(r"process [A-Z], threads wait for \S+.*, load \d", state(os.getpid()))
    assert state(2**22 + 1) == "no such process"
