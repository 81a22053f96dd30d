"""Readings of packs: the commit with its trees, and blobs; asked of a judge. Pure.

A reading is of a pack that git would take without a word, or it is the reason why git must read it.
"""

from dataclasses import dataclass

from gitrepos.snapshot.packs import commits, pack, trees
from gitrepos.snapshot.packs.errors import UncleanError
from gitrepos.snapshot.packs.listing import TreeListing
from kt.policy.files import FILE_NAME, MAX_BYTES

# What the files of one answer may have together; a judge's answer is a third longer at most.
_MOST_BYTES = 24 * 1024 * 1024
_ENDS = (FILE_NAME.encode(), b".gitattributes")


@dataclass(frozen=True, slots=True)
class CommitReading:
    """A commit: its header lines, its message, and entries of its trees: mode, id and path."""

    header: bytes
    message: bytes
    rows: tuple[tuple[str, str, bytes], ...]


@dataclass(frozen=True, slots=True)
class BlobsReading:
    """The content of blobs by their ids, None for one over 1 MiB."""

    contents: dict[str, bytes | None]


def commit(packed: bytes, head: str, names: tuple[bytes, ...]) -> CommitReading | str:
    """The commit `head` and what is listed at `names`; or why git must read the pack.

    Listed are the entries with these paths (the empty one for all), and below them symbolic links
    and what ends with the name of a policy file or of attributes.
    """
    try:
        return _commit(packed, bytes.fromhex(head), names)
    except UncleanError as exc:
        return str(exc)


def blobs(packed: bytes, wanted: tuple[str, ...]) -> BlobsReading | str:
    """The content of the blobs `wanted`; or why git must read the pack."""
    try:
        return _blobs(packed, wanted)
    except UncleanError as exc:
        return str(exc)


def _commit(packed: bytes, head: bytes, names: tuple[bytes, ...]) -> CommitReading:
    id_bytes = len(head)
    found = pack.objects(packed, id_bytes=id_bytes)
    # Every git knows the tree without entries, and so no server need send it.
    contents = {pack.name(pack.TREE, b"", id_bytes=id_bytes): b""}
    read: dict[bytes, commits.StoredCommit] = {}
    acting: set[bytes] = set()
    for name, (kind, content) in found.items():
        if kind == pack.TREE:
            acting.update(trees.check(content, id_bytes=id_bytes))
            contents[name] = content
        elif kind == pack.COMMIT:
            read[name] = commits.read(content, id_bytes=id_bytes)
        else:
            raise UncleanError("blobs came with a commit")
    if not acting.isdisjoint({*contents, *read}):
        raise UncleanError("a file that git reads is none")
    if head not in read:
        raise UncleanError("it lacks the commit")
    tree, header, message = read[head]
    listed = TreeListing(contents, _ENDS).at(tree, names)
    return CommitReading(
        header, message, tuple((mode.decode(), name.hex(), path) for mode, path, name in listed)
    )


def _blobs(packed: bytes, wanted: tuple[str, ...]) -> BlobsReading:
    found = pack.objects(packed, id_bytes=len(bytes.fromhex(wanted[0])))
    if any(kind != pack.BLOB for kind, _ in found.values()):
        raise UncleanError("others came with blobs")
    contents: dict[str, bytes | None] = {}
    left = _MOST_BYTES
    for name in wanted:
        stored = found.get(bytes.fromhex(name))
        if stored is None:
            raise UncleanError("it lacks a blob")
        is_small = len(stored.content) <= MAX_BYTES
        contents[name] = stored.content if is_small else None
        left -= len(stored.content) if is_small else 0
    if left < 0:
        raise UncleanError("its blobs are too large together")
    return BlobsReading(contents)


FUNCTIONS = (commit, blobs)


def warm_up() -> None:
    """Read a pack of nothing."""
    blobs(b"", ("00" * 20,))
    commit(b"", "00" * 32, ())
