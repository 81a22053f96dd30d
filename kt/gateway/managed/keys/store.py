"""The state folder as a source of client keys, which are verified each time they are read."""

from __future__ import annotations

from kt.gateway.errors import SettingError
from kt.gateway.managed.client import MOST_LIST_BYTES
from kt.gateway.managed.files import Shelf
from kt.gateway.managed.keys.proof import KeptKeys, genuine_keys
from kt.gateway.managed.stored import Stored

COPIES = ("client-keys", "client-keys.copy")
SEQ = "client-keys-seq"


class KeyStore:
    """The source that each process of a managed gateway reads, also the one that writes it.

    `kept` is the list that was read or written last.
    """

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._shelf = Shelf(
            stored.state.folder, COPIES, SEQ, genuine_keys, most_bytes=MOST_LIST_BYTES + (1 << 17)
        )
        self.kept: KeptKeys | None = None

    @property
    def gateway(self) -> str:
        return self._stored.gateway

    def read(self) -> tuple[bytes, int] | None:
        """The newest genuine list and its sequence; None when there never was one.

        Raises:
            OSError: the folder cannot be read.
            SettingError: one was there, and none is genuine.
        """
        identity = self._stored.identity()
        if identity is None:
            return None
        found, edited = self._shelf.find(pin=identity.pin, gateway=self.gateway)
        least, before = self._shelf.least()[0], self.kept
        if found is None and before is None and not edited and not least:
            return None
        if found is None or (before is not None and found.seq < before.seq):
            raise SettingError("the stored client keys were edited by hand, and are not taken")
        self.kept = found
        return found.content, found.seq

    def keep(self, kept: KeptKeys) -> None:
        """Store a list, which readers get from now on.

        Raises:
            OSError: the disk is full or fails.
        """
        # In force in this process even when it cannot be written.
        self.kept = kept
        self._shelf.keep(kept)

    def holds(self, kept: KeptKeys) -> bool:
        """True when both copies are as they were written."""
        return self._shelf.holds(kept)

    def stamp(self) -> tuple[int, ...]:
        """A value that changes when a file of the list does."""
        return self._shelf.stamp()
