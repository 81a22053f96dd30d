"""Temporary folders, and the sweep of those that killed processes left behind."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

_TRIES = 5


class Temporary:
    """A temporary folder in `folder`, made when it is first asked for; it goes with the `with`.

    It is locked while its owner lives, so that `sweep` removes only leftovers.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self._place: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def path(self) -> Path:
        """The folder.

        Raises:
            OSError: it cannot be made.
        """
        if self._place is None:
            self._place = self._made()
        return self._place

    def _made(self) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(_TRIES):
            place = Path(tempfile.mkdtemp(prefix="fetch-", dir=self._folder))
            self._stack.callback(shutil.rmtree, place, ignore_errors=True)
            # A sweep may take a new folder for a leftover before this process locks it.
            with contextlib.suppress(FileNotFoundError):
                if self._stack.enter_context(_locked(place)) and place.exists():
                    break
        return place


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
