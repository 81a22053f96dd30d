"""The state folder as a source of client keys, which are verified each time they are read."""

from __future__ import annotations

from kt.gateway.errors import SettingError
from kt.gateway.managed.client import MOST_LIST_BYTES
from kt.gateway.managed.files import Shelf
from kt.gateway.managed.identity import Trust
from kt.gateway.managed.keys.proof import KeptKeys, genuine_keys
from kt.gateway.managed.stored import Last, Stored

COPIES = ("client-keys", "client-keys.copy")
SEQ = "client-keys-seq"


def shelf(folder: str) -> Shelf[KeptKeys]:
    """The files of client keys in a state folder."""
    return Shelf(folder, COPIES, SEQ, genuine_keys, most_bytes=MOST_LIST_BYTES + (1 << 17))


class KeyStore:
    """The source that each process of a managed gateway reads, also the one that writes it."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._shelf = shelf(stored.state.folder)
        self.last = Last[KeptKeys]()

    @property
    def gateway(self) -> str:
        return self._stored.gateway

    @property
    def trust(self) -> Trust:
        return self._stored.trust

    @property
    def kept(self) -> KeptKeys | None:
        """The list that was read or written last."""
        return self.last.kept

    def read(self) -> tuple[bytes, int] | None:
        """The newest genuine list and its sequence; None when there never was one.

        Raises:
            OSError: the folder cannot be read.
            SettingError: one was there, and none is genuine.
        """
        identity, tokens = self._stored.identity(), self._stored.tokens
        if identity is None and not self._shelf.is_marked:
            return None
        pin = identity.pin if identity else ""
        found, edited = self._shelf.find(pin=pin, gateway=self.gateway, tokens=tokens)
        least, before = self._shelf.least()[0], self.kept
        if found is None and before is None and not edited and not least:
            return None
        if found is None or not self.last.read(
            found, self.trust, is_carried=self._shelf.carries(found, tokens)
        ):
            raise SettingError("the stored client keys were edited by hand, and are not taken")
        return found.content, found.seq

    def keep(self, kept: KeptKeys) -> None:
        """Store a list, which readers get from now on.

        Raises:
            OSError: the disk is full or fails.
        """
        # In force in this process even when it cannot be written.
        self.last.wrote(kept)
        self._shelf.keep(kept)

    def restore(self, kept: KeptKeys) -> None:
        """Write the files of the list in force again; raises as `keep`."""
        self._shelf.restore(kept)

    def holds(self, kept: KeptKeys) -> bool:
        """True when both copies are as they were written."""
        return self._shelf.holds(kept)

    def stamp(self) -> tuple[int, ...]:
        """A value that changes when a file of the list does."""
        return self._shelf.stamp()
