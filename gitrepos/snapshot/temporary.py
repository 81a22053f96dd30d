"""Temporary folders, and the sweep of those that killed processes left behind."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_TRIES = 5


@contextlib.contextmanager
def temporary(folder: Path) -> Iterator[Path]:
    """Make a folder, locked while its owner lives, so that `sweep` removes only leftovers."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        for _ in range(_TRIES):
            place = Path(tempfile.mkdtemp(prefix="fetch-", dir=folder))
            stack.callback(shutil.rmtree, place, ignore_errors=True)
            # A sweep may take a new folder for a leftover before this process locks it.
            with contextlib.suppress(FileNotFoundError):
                if stack.enter_context(_locked(place)) and place.exists():
                    break
        yield place


def sweep(folder: Path) -> int:
    """Remove the temporary folders of dead processes; returns how many."""
    removed = 0
    for place in folder.glob("fetch-*"):
        with contextlib.suppress(FileNotFoundError), _locked(place) as mine:
            if mine:
                shutil.rmtree(place, ignore_errors=True)
                removed += 1
    return removed


@contextlib.contextmanager
def _locked(place: Path) -> Iterator[bool]:
    fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(fd)
