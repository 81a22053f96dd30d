"""A tree kept in tiles of 256 hashes, and their paths, as C2SP's tlog-tiles has them.

Source: https://c2sp.org/tlog-tiles
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from kt.evidence.tree import over, root

HEIGHT = 8
WIDTH = 1 << HEIGHT
_HASH = 32
_HIGHEST = 5  # 256⁶ leaves are more than a number here has bits.
_MOST_ENTRY_BYTES = 65_535
_PATH = re.compile(r"(?:x[0-9]{3}/){0,6}[0-9]{3}(?:\.p/(?:[1-9][0-9]{0,2}))?")

# The hashes of a tile by level and number; empty for one that has none yet.
Read = Callable[[int, int], bytes]


class Tiles:
    """A tree of `size` leaves, whose tiles are `read`; `changed` has those that appending wrote."""

    def __init__(self, read: Read, size: int = 0) -> None:
        self._read = read
        self._known: dict[tuple[int, int], bytes] = {}
        self.size = size
        self.changed: dict[tuple[int, int], bytes] = {}

    def append(self, hashes: Sequence[bytes]) -> None:
        """Add the hashes of leaves."""
        self._append(0, self.size, hashes)
        self.size += len(hashes)

    def root(self) -> bytes:
        """The root of all leaves."""
        return root(self.size, self.node)

    def node(self, level: int, index: int) -> bytes:
        """The hash of a whole subtree, as `tree` reads them."""
        upper, inner = divmod(level, HEIGHT)
        first, count = index << inner, 1 << inner
        number, at = divmod(first, WIDTH)
        held = self._tile(upper, number)[at * _HASH : (at + count) * _HASH]
        if len(held) != count * _HASH:
            raise LookupError(f"tile {upper}/{number} has no {at + count} hashes")
        return held if count == 1 else over(_split(held))

    def _append(self, level: int, size: int, hashes: Sequence[bytes]) -> None:
        above: list[bytes] = []
        done = 0
        while done < len(hashes):
            number, at = divmod(size + done, WIDTH)
            some = hashes[done : done + WIDTH - at]
            tile = self._tile(level, number)[: at * _HASH] + b"".join(some)
            self._known[level, number] = self.changed[level, number] = tile
            done += len(some)
            if len(tile) == WIDTH * _HASH:
                above.append(over(_split(tile)))
        if above and level < _HIGHEST:
            self._append(level + 1, size // WIDTH, above)

    def _tile(self, level: int, number: int) -> bytes:
        if (level, number) not in self._known:
            self._known[level, number] = self._read(level, number)
        return self._known[level, number]


def path(number: int, width: int = WIDTH) -> str:
    """The end of a tile's path: its number in groups of three digits, and its width if partial."""
    groups = [f"{number % 1000:03}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03}")
    return "/".join(reversed(groups)) + (f".p/{width}" if width < WIDTH else "")


def numbered(text: str) -> tuple[int, int] | None:
    """The number and width that a path tells; None for a text that `path` does not write."""
    if not _PATH.fullmatch(text):
        return None
    groups, _, partial = text.partition(".p/")
    number, width = int(groups.replace("x", "").replace("/", "")), int(partial or WIDTH)
    return (number, width) if path(number, width) == text else None


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries one behind the other, each with its length before it."""
    return b"".join(len(one).to_bytes(2, "big") + one for one in entries)


def unbundled(data: bytes) -> list[bytes]:
    """Undo `bundle`.

    Raises:
        ValueError: the bytes end within an entry.
    """
    entries, at = [], 0
    while at < len(data):
        begin = at + 2
        at = begin + int.from_bytes(data[at:begin], "big")
        if begin > len(data) or at > len(data):
            raise ValueError("the bundle ends within an entry")
        entries.append(data[begin:at])
    return entries


def fits(entry: bytes) -> bool:
    """Whether an entry has a place in a bundle."""
    return len(entry) <= _MOST_ENTRY_BYTES


def _split(tile: bytes) -> list[bytes]:
    return [tile[at : at + _HASH] for at in range(0, len(tile), _HASH)]
