"""Entries of a commit's trees, found by name and by directory. Pure."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kt.policy.files import FILE_NAME

REGULAR = ("100644", "100755")
SYMLINK = "120000"
TREE = "040000"
ATTRIBUTES = ".gitattributes"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a tree. `name` is the path; a byte that is not UTF-8 is a lone surrogate."""

    mode: str
    blob: str
    name: str


class Entries:
    """Entries of a tree, found by name and by directory."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_name = {entry.name: entry for entry in entries}
        self._names = sorted(self._by_name)

    def at(self, name: str) -> Entry | None:
        """The entry of exactly this name."""
        return self._by_name.get(name)

    def below(self, root: str) -> list[Entry]:
        """The entry at `root`, and those below it."""
        if not root:
            return [self._by_name[name] for name in self._names]
        start = bisect_left(self._names, f"{root}/")
        end = bisect_left(self._names, f"{root}0")  # The character after the slash.
        inside = [self._by_name[name] for name in self._names[start:end]]
        return [self._by_name[root], *inside] if root in self._by_name else inside


def attributes_above(root: str) -> list[str]:
    """The `.gitattributes` of every directory above a path."""
    return [f"{parent}{ATTRIBUTES}" for parent in parents(root)]


def parents(name: str) -> list[str]:
    """Every directory above a path, the root (empty) first, the others with a slash at the end."""
    parts = name.split("/")
    return ["".join(f"{part}/" for part in parts[:depth]) for depth in range(len(parts))]


def _is_within(name: str, root: str) -> bool:
    return not root or name == root or name.startswith(f"{root}/")


def may_be_taken(entry: Entry, root: str) -> bool:
    """True for what lies within `root`; of directories for those with the name of a policy file."""
    if entry.mode == TREE:
        named = entry.name.rpartition("/")[2] == FILE_NAME
        return named and entry.name != root and _is_within(entry.name, root)
    return _is_within(entry.name, root)


def is_above(entry: Entry, names: Sequence[str]) -> bool:
    """True for a `.gitattributes` on the way to one of `names`, which are sorted."""
    parent, _, name = entry.name.rpartition("/")
    if name != ATTRIBUTES or entry.mode not in REGULAR:
        return False
    directory = f"{parent}/" if parent else ""
    at = bisect_left(names, directory)
    return at < len(names) and names[at].startswith(directory)


def as_bytes(name: str) -> bytes:
    """The bytes of a path or of its beginning."""
    return name.encode(errors="surrogateescape")
