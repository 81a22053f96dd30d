"""A commit and blobs whose packs were read without git. No database."""

from collections.abc import Sequence

from gitrepos.snapshot.entries import Entry, as_bytes
from gitrepos.snapshot.packs.reading import CommitReading
from gitrepos.snapshot.repository import text
from gitrepos.snapshot.unpacker import PackUnpacker


class Unpacked:
    """The commit `head` with its entries at `names`, and blobs, as an unpacker read them."""

    def __init__(self, unpacker: PackUnpacker, head: str, names: Sequence[str]) -> None:
        self.contents: dict[str, bytes | None] = {}
        self._unpacker = unpacker
        self._head = head
        self._names = tuple(map(as_bytes, names))
        self._pack = b""
        self._commit: CommitReading | None = None

    @property
    def is_read(self) -> bool:
        """True once the pack of the commit was read."""
        return self._commit is not None

    @property
    def commit(self) -> CommitReading:
        """The commit, once its pack was read."""
        assert self._commit is not None
        return self._commit

    def read_commit(self, pack: bytes) -> bool:
        """Read the pack of the commit; False where git must."""
        self._commit = self._unpacker.commit(pack, self._head, self._names)
        self._pack = pack
        return self._commit is not None

    def read_blobs(self, pack: bytes, wanted: Sequence[str]) -> bool:
        """Read a pack with the blobs `wanted`; False where git must."""
        reading = self._unpacker.blobs(pack, wanted)
        if reading is not None:
            self.contents |= reading.contents
        return reading is not None

    def listed(self, names: Sequence[str]) -> list[Entry] | None:
        """The entries at `names`, and what matters below them; None where git must look."""
        wanted = tuple(map(as_bytes, names))
        commit: CommitReading | None = self.commit
        if not set(wanted) <= set(self._names):
            commit = self._unpacker.commit(self._pack, self._head, wanted)
        return None if commit is None else [_entry(*row) for row in commit.rows]


def _entry(mode: str, blob: str, path: bytes) -> Entry:
    return Entry(mode.rjust(6, "0"), blob, text(path))
