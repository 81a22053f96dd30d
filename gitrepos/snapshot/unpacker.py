"""The interface of a reader of packs, which somebody gives to a fetch. No database."""

from collections.abc import Sequence
from typing import Protocol

from gitrepos.snapshot.packs.reading import BlobsReading, CommitReading


class PackUnpacker(Protocol):
    """A reader of packs; None for a pack that git must read. See `packs.reading`."""

    @property
    def most_bytes(self) -> int:
        """The size of the largest pack that it takes."""

    def commit(self, pack: bytes, head: str, names: Sequence[bytes]) -> CommitReading | None:
        """The commit `head` of a pack, with its entries at `names`."""

    def blobs(self, pack: bytes, wanted: Sequence[str]) -> BlobsReading | None:
        """The blobs `wanted` of a pack."""
