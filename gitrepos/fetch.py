"""The change path: the files of one commit, without a checkout. Knows no database.

A checkout would change bytes by attributes, follow links and run filters and hooks. Here
objects are read from a temporary bare repository that nothing survives.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitrepos import git
from gitrepos.errors import BadAnswerError, PathNotFoundError, RemoteError, TooLargeError
from gitrepos.snapshot import Ask, Commit, Defect, File, Snapshot
from kt.policy.files import MAX_BYTES, policy_files

MAX_FILES = 1000
_FETCH_SECONDS = 60
_READ_SECONDS = 30
_LISTING_BYTES = 64 * 1024 * 1024
_CONTENT_BYTES = 64 * 1024 * 1024
_HEAD = "refs/keeptrusts/head"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1"
_REGULAR = ("100644", "100755")


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: str
    blob: str
    path: str


def take(
    access: git.Access, *, ref: str, head: str, asks: Sequence[Ask], folder: Path
) -> list[Snapshot | RemoteError]:
    """Fetch the commit `ref` points at and read what each ask wants of it.

    `head` is the id the check saw (its length tells the object format). One ask that fails
    leaves the others; the results come in the order of the asks. `folder` holds the temporary
    repository, which is gone afterwards.

    Raises: `RemoteError` when the commit itself cannot be fetched.
    """
    with _temporary(folder) as place:
        repository = _Repository(access, place, sha256=len(head) == 64)
        commit = repository.fetch(ref)
        return [_snapshot(repository, commit, ask) for ask in asks]


def sweep(folder: Path) -> int:
    """Remove the temporary repositories of processes that died; returns how many."""
    removed = 0
    for place in folder.glob("fetch-*"):
        with contextlib.suppress(FileNotFoundError), _locked(place) as mine:
            if mine:
                shutil.rmtree(place, ignore_errors=True)
                removed += 1
    return removed


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """A folder that is locked while its owner lives, so that `sweep` knows which are left over."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder) as name, _locked(Path(name)):
        yield Path(name)


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


def _snapshot(repository: "_Repository", commit: Commit, ask: Ask) -> Snapshot | RemoteError:
    try:
        tree_id = repository.at(commit, ask.root)
        if tree_id == ask.known_tree:
            return Snapshot(commit, tree_id, None)
        entries = repository.entries(commit, ask.root)
        return Snapshot(commit, tree_id, _files(repository, entries, ask.known))
    except RemoteError as error:
        return error


def _files(
    repository: "_Repository", entries: Sequence[_Entry], known: Mapping[str, str]
) -> tuple[File, ...]:
    wanted = [
        entry.blob
        for entry in entries
        if entry.mode in _REGULAR and known.get(entry.path) != entry.blob
    ]
    contents = repository.contents(list(dict.fromkeys(wanted)))
    return tuple(_file(entry, contents) for entry in sorted(entries, key=lambda e: e.path))


def _file(entry: _Entry, contents: Mapping[str, bytes | None]) -> File:
    """`contents` maps a fetched blob to its bytes, or to None when it is over the bound."""
    if entry.mode not in _REGULAR:
        kind = "a symbolic link" if entry.mode == "120000" else "a submodule"
        defect = Defect("not_a_file", f"is {kind}; only a regular file is taken")
        return File(entry.path, entry.blob, defect=defect)
    if entry.blob not in contents:
        return File(entry.path, entry.blob)
    content = contents[entry.blob]
    if content is None:
        defect = Defect("too_large", f"is over {MAX_BYTES} bytes")
        return File(entry.path, entry.blob, defect=defect)
    if content.startswith(_LFS_POINTER):
        defect = Defect("lfs_pointer", "is a Git LFS pointer; store the file itself in git")
        return File(entry.path, entry.blob, defect=defect)
    return File(entry.path, entry.blob, content)


class _Repository:
    """A temporary bare repository and the commands that read it."""

    def __init__(self, access: git.Access, folder: Path, *, sha256: bool) -> None:
        self._access = access
        self._here = git.bare_repository(
            folder / "git", object_format="sha256" if sha256 else "sha1"
        )

    def fetch(self, ref: str) -> Commit:
        """Fetch one commit and its trees; blobs only from a server that cannot leave them out."""
        self._fetch(["--depth=1", "--filter=blob:none", "origin", f"+{ref}:{_HEAD}"])
        raw = self._local(["log", "-1", "--format=%H%x00%an <%ae>%x00%B", _HEAD, "--"], 1 << 20)
        commit, author, message = raw.decode(errors="replace").split("\0", 2)
        return Commit(commit, author[:500], message.strip().replace("\0", "\ufffd")[:500])

    def at(self, commit: Commit, root: str) -> str:
        """The id of the tree or blob that stands at `root`."""
        name = f"{commit.id}:{root}"
        (found,) = self._described([name]).values()
        if found is None:
            raise PathNotFoundError(f"The commit has no file or directory {root!r}.")
        return found[0]

    def entries(self, commit: Commit, root: str) -> list[_Entry]:
        """The policy files at and below `root`.

        Raises: `TooLargeError` past 1,000 of them.
        """
        arguments = ["ls-tree", "-r", "-z", "--full-tree", commit.id]
        listing = self._local(arguments + (["--", f":(literal){root}"] if root else []))
        found = [_entry(line) for line in listing.split(b"\0") if line]
        chosen = set(policy_files([entry.path for entry in found], under=root))
        entries = [entry for entry in found if entry.path in chosen]
        if len(entries) > MAX_FILES:
            raise TooLargeError(f"{len(entries)} policy files; a link takes at most {MAX_FILES}.")
        return entries

    def contents(self, blobs: Sequence[str]) -> dict[str, bytes | None]:
        """The bytes of each blob exactly as committed; None for one over 1 MiB."""
        if not blobs:
            return {}
        # Asked for by id, a blob comes in spite of the filter.
        self._fetch(["--filter=blob:none", "--stdin", "origin"], stdin=_lines(blobs))
        found = self._described(blobs)
        if lost := [blob for blob in blobs if found[blob] is None]:
            raise BadAnswerError(f"The server did not send the object {lost[0]}.")
        small = [blob for blob, known in found.items() if known and known[1] <= MAX_BYTES]
        read = self._local(["cat-file", "--batch", "--buffer"], _CONTENT_BYTES, stdin=_lines(small))
        return dict.fromkeys(blobs) | dict(_blobs(read))

    def _described(self, names: Sequence[str]) -> dict[str, tuple[str, int] | None]:
        """Id and size of each object by the name it was asked under; None where there is none."""
        answer = self._local(
            ["cat-file", "--batch-check=%(objectname) %(objectsize)"], stdin=_lines(names)
        )
        rows = [line.rsplit(" ", 1) for line in answer.decode(errors="replace").splitlines()]
        return {
            name: (row[0], int(row[1])) if row[1].isdecimal() else None
            for name, row in zip(names, rows, strict=True)
        }

    def _fetch(self, arguments: Sequence[str], stdin: bytes = b"") -> None:
        git.run(
            [
                *self._here, "-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet",
                "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance",
                "--recurse-submodules=no", *arguments,
            ],
            access=self._access,
            deadline_seconds=_FETCH_SECONDS,
            max_bytes=4096,
            stdin=stdin,
        )  # fmt: skip

    def _local(
        self, arguments: Sequence[str], max_bytes: int = _LISTING_BYTES, *, stdin: bytes = b""
    ) -> bytes:
        return git.run(
            [*self._here, *arguments],
            deadline_seconds=_READ_SECONDS,
            max_bytes=max_bytes,
            stdin=stdin,
        )


def _lines(names: Sequence[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


def _entry(line: bytes) -> _Entry:
    facts, _, path = line.partition(b"\t")
    mode, _kind, blob = facts.decode().split(" ")
    return _Entry(mode, blob, path.decode(errors="backslashreplace"))


def _blobs(batch: bytes) -> Iterator[tuple[str, bytes]]:
    """Cut the output of `cat-file --batch`: `ID blob SIZE`, the bytes, a line feed."""
    at = 0
    while at < len(batch):
        end = batch.index(b"\n", at)
        blob, _kind, size = batch[at:end].decode().split(" ")
        start = end + 1
        yield blob, batch[start : start + int(size)]
        at = start + int(size) + 1
