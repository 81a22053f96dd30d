"""Listings of trees: what `git ls-tree` has at some paths, and what matters below them. Pure.

Only the trees on the way are read; a tree that is missing there leaves all to git.
"""

from collections.abc import Iterator, Mapping, Sequence

from gitrepos.snapshot.packs import trees
from gitrepos.snapshot.packs.errors import UncleanError
from gitrepos.snapshot.packs.trees import DIRECTORY, LINK, Row

# So much of git's own listing, a quarter of what is read of that.
_MOST_BYTES = 16 * 1024 * 1024
_MOST_ROWS = 20_000
_PATH_BYTES = 4096  # No more directories in each other than git itself goes into.
# The shortest entry of a tree, without its id.
_LEAST_BYTES = 8


class TreeListing:
    """The trees of a pack by their ids, which were checked.

    `ends` are the ends of the names that matter in any directory; so do symbolic links.
    """

    def __init__(self, contents: Mapping[bytes, bytes], ends: tuple[bytes, ...]) -> None:
        self._contents = contents
        self._ends = ends
        # Bytes that a tree has where there is anything that matters in it, or leads on.
        self._signs = (DIRECTORY + b" ", LINK + b" ", *(end + b"\0" for end in ends))
        self._left = _MOST_BYTES
        self._names: dict[bytes, dict[bytes, Row]] = {}
        self._marked: dict[bytes, list[Row]] = {}

    def at(self, root: bytes, names: Sequence[bytes]) -> list[Row]:
        """The entries of the tree `root` with these paths, and those that matter below them.

        Each has its whole path as its name. The empty name stands for the tree itself.

        Raises:
            UncleanError: a tree is missing, or it is too much.
        """
        found: dict[bytes, Row] = {}
        for path, tree in self._tops(root, names, found):
            for row in self._below(path, tree):
                found[row[1]] = row
                if len(found) > _MOST_ROWS:
                    raise UncleanError("too many entries matter")
        return list(found.values())

    def _tops(
        self, root: bytes, names: Sequence[bytes], found: dict[bytes, Row]
    ) -> Iterator[tuple[bytes, bytes]]:
        """The trees below which all is listed, with the path to each; adds what is at `names`."""
        for name in names:
            if not name:
                yield b"", root
                continue
            row = self._find(root, name)
            if row is not None:
                found[name] = row
                if row[0] == DIRECTORY:
                    yield name + b"/", row[2]

    def _find(self, tree: bytes, name: bytes) -> Row | None:
        *above, last = name.split(b"/")
        for part in above:
            row = self._by_name(tree).get(part)
            if row is None or row[0] != DIRECTORY:
                return None
            tree = row[2]
        row = self._by_name(tree).get(last)
        return None if row is None else (row[0], name, row[2])

    def _by_name(self, tree: bytes) -> dict[bytes, Row]:
        if tree not in self._names:
            self._names[tree] = {row[1]: row for row in self._rows(tree)}
        return self._names[tree]

    def _below(self, path: bytes, tree: bytes) -> Iterator[Row]:
        """What matters below a tree, with the path to it. In no order."""
        todo = [(path, tree)]
        while todo:
            path, tree = todo.pop()
            self._count(path, tree)
            for mode, name, found in self._marks(tree):
                if mode == DIRECTORY:
                    todo.append((path + name + b"/", found))
                if mode == LINK or name.endswith(self._ends):
                    yield mode, path + name, found

    def _count(self, path: bytes, tree: bytes) -> None:
        if len(path) > _PATH_BYTES:
            raise UncleanError("a path is too long")
        size = len(self._content(tree))
        # No row of git's is longer than two of the tree's, and the path before it.
        self._left -= 2 * size + size // (len(tree) + _LEAST_BYTES) * len(path) + _LEAST_BYTES
        if self._left < 0:
            raise UncleanError("its listing is too long")

    def _marks(self, tree: bytes) -> list[Row]:
        """The entries of a tree that matter or lead on, found once."""
        if tree not in self._marked:
            content, ends = self._content(tree), self._ends
            self._marked[tree] = [
                row
                for row in (self._rows(tree) if any(map(content.__contains__, self._signs)) else ())
                if row[0] in (DIRECTORY, LINK) or row[1].endswith(ends)
            ]
        return self._marked[tree]

    def _rows(self, tree: bytes) -> list[Row]:
        return trees.rows(self._content(tree), id_bytes=len(tree))

    def _content(self, tree: bytes) -> bytes:
        content = self._contents.get(tree)
        if content is None:
            raise UncleanError("a tree is missing")
        return content
