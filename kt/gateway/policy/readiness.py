"""Readiness of a gateway: which of its processes have a policy, in memory that they share."""

from __future__ import annotations

import mmap


class Readiness:
    """A byte for each process. Made before the fork; each process writes its own."""

    def __init__(self, processes: int) -> None:
        self._bytes = mmap.mmap(-1, processes)
        self._own = 0

    def be(self, number: int) -> None:
        """Be the process of a number, from 0."""
        self._own = number

    def note(self, *, has_policy: bool) -> None:
        """Note whether this process has a policy that may be enforced."""
        self._bytes[self._own] = has_policy

    @property
    def is_complete(self) -> bool:
        """Whether all have one."""
        return 0 not in self._bytes[:]
