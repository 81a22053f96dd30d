"""What every process of the control plane does, whichever it is."""

import os
import subprocess
import sys

from tests.support.stack import ROOT

_ENDING = """
import atexit, gc
atexit.register(lambda: print(gc.get_count()[0], gc.get_freeze_count()))
import django
django.setup()
"""


def test_a_process_that_ends_looks_for_no_garbage() -> None:
    """Through all that it holds, it would take half a second, and six of them make a stop."""
    ended = subprocess.run(
        [sys.executable, "-c", _ENDING],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip

    left, frozen = map(int, ended.stdout.split())
    assert frozen > 100_000 > left
