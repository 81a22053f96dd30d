"""What every process of the control plane does, whichever it is."""

import os
import subprocess
import sys

from django.core import checks

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


_STARTING = """
import gc
collections = lambda: sum(one["collections"] for one in gc.get_stats())
from django.conf import settings
settings.DATABASES
before = collections()
import django.apps, django.db.models, django.core.management
django.apps.apps.populate(settings.INSTALLED_APPS[:3])
print(collections() - before, gc.isenabled(), gc.get_freeze_count())
"""


def test_a_process_that_starts_looks_for_no_garbage() -> None:
    """Imports make none; what they leave stays, and garbage is looked for from then on."""
    started = subprocess.run(
        [sys.executable, "-c", _STARTING],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip

    collections, looks, frozen = started.stdout.split()
    assert (collections, looks) == ("0", "True")
    assert int(frozen) > 10_000


def test_djangos_checks_find_nothing() -> None:
    """They are of the code alone, so no start of `up` takes time for them."""
    assert checks.run_checks(include_deployment_checks=False) == []
