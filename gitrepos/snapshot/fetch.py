"""Snapshots: the files of one commit, fetched without a checkout. No database.

A checkout would change bytes by attributes, follow links and run filters and hooks. Here
objects are read from a bare repository in a temporary folder, which is deleted afterwards.
"""

import hashlib
import unicodedata
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from gitrepos.errors import (
    BadAnswerError,
    InternalError,
    ObjectRefusedError,
    PathNotFoundError,
    RemoteError,
    TooLargeError,
)
from gitrepos.forge.git import complaints, runner
from gitrepos.forge.pack_fetch import Courier
from gitrepos.snapshot import ancestry, globs, openpgp, signatures, temporary
from gitrepos.snapshot.repository import Bare, RemoteBranch, text
from gitrepos.snapshot.values import (
    ALTERING,
    Commit,
    Defect,
    File,
    FilesRequest,
    Signature,
    Snapshot,
)
from kt.policy.files import FILE_NAME, MAX_BYTES, policy_files

MAX_FILES = 1000
# As much as a worker can lint within its lease, whatever is in the files.
_CONTENT_BYTES = 32 * 1024 * 1024
_PATH_BYTES = 1024
_HEAD = "refs/keeptrusts/head"
_ATTRIBUTES = ".gitattributes"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1"
_REGULAR = ("100644", "100755")
_TREE = "040000"
_OTHER_KINDS = {"120000": "a symbolic link", _TREE: "a directory"}


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of a tree. `name` is the path; a byte that is not UTF-8 is a lone surrogate."""

    mode: str
    blob: str
    name: str


def take(
    access: runner.Access, *, ref: str, head: str, asks: Sequence[FilesRequest], folder: Path
) -> list[Snapshot | RemoteError]:
    """Fetch the commit that the check saw, and take a snapshot of it for each request.

    `head` is its id; where the server does not serve it by id, the commit is the one that `ref`
    points at now. One request that fails does not stop the others; results have the order of the
    requests. `folder` holds the temporary repository. All of it takes 90 s at most.

    Raises:
        RemoteError: the commit cannot be fetched, or files cannot be written here.
    """
    try:
        with temporary.temporary(folder) as place, Courier(access) as courier:
            object_format = "sha256" if len(head) == 64 else "sha1"
            repository = _Repository(RemoteBranch(access, courier, ref, object_format, place), head)
            return [_snapshot(repository, ask) for ask in asks]
    except OSError as exc:
        raise InternalError(f"{complaints.FULL} {exc.strerror}.") from exc


def _snapshot(repository: "_Repository", ask: FilesRequest) -> Snapshot | RemoteError:
    try:
        tree_id, above = repository.at(ask.root)
        files = None if tree_id == ask.known_tree else _files(repository, ask, above)
        rewritten = bool(ask.last_commit) and repository.left(ask.last_commit)
        commit = replace(repository.commit, signature=repository.signature(ask))
        return Snapshot(commit, tree_id, files, rewritten=rewritten)
    except RemoteError as error:
        return error


def _files(
    repository: "_Repository", ask: FilesRequest, above: Sequence[_Entry]
) -> tuple[File, ...]:
    entries, attributes = repository.entries(ask, above)
    wanted = [
        entry.blob
        for entry in entries
        if entry.mode in _REGULAR and ask.known.get(entry.name) != entry.blob
    ]
    contents = repository.contents([*wanted, *(entry.blob for entry in attributes)])
    values = _attributes(repository, entries, attributes, contents)
    files = [_file(entry, contents, values.get(entry.name)) for entry in entries]
    return tuple(sorted(files, key=lambda file: file.path))


def _file(
    entry: _Entry, contents: Mapping[str, bytes | None], attributes: Mapping[str, str] | None
) -> File:
    """The file of an entry; `contents` maps a fetched blob to its bytes, None if too large."""
    path, defect = _stored(entry.name)
    content = contents.get(entry.blob)
    defect = defect or _defect(entry, content, fetched=entry.blob in contents)
    if defect is not None:
        return File(path, entry.blob, defect=defect)
    return File(path, entry.blob, content, attributes=attributes)


def _attributes(
    repository: "_Repository",
    entries: Sequence[_Entry],
    files: Sequence[_Entry],
    contents: Mapping[str, bytes | None],
) -> Mapping[str, Mapping[str, str]]:
    """The attributes of each entry by its name; no item for one whose attributes were not read."""
    unread = tuple(
        file.name.removesuffix(_ATTRIBUTES) for file in files if contents[file.blob] is None
    )
    names = [entry.name for entry in entries if not entry.name.startswith(unread)]
    readable = [file for file in files if contents[file.blob] is not None]
    if not names or not readable:
        return {name: {} for name in names}
    return repository.attributes(names, readable)


def _stored(name: str) -> tuple[str, Defect | None]:
    """A path as it is stored: bounded, printable and unique; with a defect if it had to be changed.

    A changed path has two slashes in a row, which no path in git has, so it equals no other.
    """
    raw = name.encode(errors="surrogateescape")
    if len(raw) > _PATH_BYTES:
        defect = Defect("bad_path", f"has a path of {len(raw)} bytes; at most {_PATH_BYTES}")
    elif any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        defect = Defect("bad_path", "has control characters, or what is not UTF-8, in its path")
    else:
        return name, None
    start = raw.decode(errors="backslashreplace")[:200]
    printable = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in start)
    return f"{printable}//{hashlib.sha256(raw).hexdigest()[:32]}", defect


def _defect(entry: _Entry, content: bytes | None, *, fetched: bool) -> Defect | None:
    if entry.mode not in _REGULAR:
        kind = _OTHER_KINDS.get(entry.mode, "a submodule")
        return Defect("not_a_file", f"is {kind}; only a regular file is taken")
    if fetched and content is None:
        return Defect("too_large", f"is over {MAX_BYTES} bytes")
    if content is not None and content.startswith(_LFS_POINTER):
        return Defect("lfs_pointer", "is a Git LFS pointer; store the file itself in git")
    return None


class _Repository:
    """A temporary bare repository with one commit, and the commands that read it.

    Until `contents` fetches them, it has no blobs, unless the server cannot leave them out.
    """

    def __init__(self, source: RemoteBranch, head: str) -> None:
        self._source = source
        self._bare = Bare(source, "thin")
        if not self._bare.take([head], thin=True):
            self._bare.fetch(
                ["--depth=1", "--filter=blob:none", "origin", f"+{source.ref}:{_HEAD}"]
            )
            head = _HEAD
        self._header, message = self._read_header(head)
        # Of a header that is there twice, the first counts.
        facts = dict(line.partition(" ")[::2] for line in reversed(self._header))
        self.commit, self._tree = _commit(facts, message), facts["tree"]
        self._below: dict[str, list[_Entry]] = {}
        self._left: dict[str, bool] = {}

    def _read_header(self, name: str) -> tuple[list[str], str]:
        """The header lines of a commit as stored, and its message.

        The stored lines have the parents, which a shallow repository hides otherwise.
        """
        raw = self._bare.read(["log", "-1", "--pretty=raw", name, "--"], 1 << 20)
        header, _, message = raw.decode(errors="replace").partition("\n\n")
        return header.split("\n"), message

    def left(self, commit: str) -> bool:
        """True when the branch provably lost `commit` from its ancestors; asked once for each."""
        if commit not in self._left:
            self._left[commit] = ancestry.left(
                self._source, commit, head=self.commit.id, header=self._header
            )
        return self._left[commit]

    def signature(self, ask: FilesRequest) -> Signature | None:
        """The commit's signature, checked against the allowed signers; None without any."""
        if not ask.allowed_signers and not ask.allowed_openpgp_keys:
            return None
        keys = ask.allowed_openpgp_keys
        output = self._bare.read(
            ["log", "-1", signatures.FORMAT, self.commit.id, "--"],
            4096,
            allowed_signers=ask.allowed_signers,
            gpg_home=openpgp.home(self._source.folder, keys) if keys else None,
        )
        wanted = signatures.kinds(ssh=bool(ask.allowed_signers), openpgp=bool(keys))
        return signatures.read(text(output), wanted=wanted)

    def at(self, root: str) -> tuple[str, list[_Entry]]:
        """The id of the state of `root`, and the entries of `.gitattributes` above it.

        The id is that of the tree or blob at `root`; with attributes above it, a digest of all.

        Raises:
            PathNotFoundError: the commit has nothing at `root`.
        """
        if not root:
            return self._tree, []
        names = [root, *(f"{parent}{_ATTRIBUTES}" for parent in _parents(root))]
        self._below[root] = self._listed(names)
        entries = {entry.name: entry for entry in self._below[root] if entry.name in names}
        if root not in entries:
            message = f"The commit has no file or directory {root!r}."
            raise PathNotFoundError(message, commit=self.commit.id)
        there = entries.pop(root).blob
        above = [entry for entry in entries.values() if entry.mode in _REGULAR]
        if not above:
            return there, []
        ids = sorted((entry.name, entry.blob) for entry in above)
        return hashlib.sha256(repr((there, ids)).encode()).hexdigest(), above

    def entries(
        self, ask: FilesRequest, above: Sequence[_Entry]
    ) -> tuple[list[_Entry], list[_Entry]]:
        """The requested policy files, and every `.gitattributes` on the way to one.

        Raises:
            TooLargeError: there are over 1,000 policy files.
        """
        listed = self._below.pop(ask.root) if ask.root else self._listed([])
        listed = [entry for entry in listed if _may_be_taken(entry, ask.root)]
        named = policy_files([entry.name for entry in listed], under=ask.root)
        chosen = globs.chosen(named, include=ask.include, exclude=ask.exclude)
        if len(chosen) > MAX_FILES:
            raise TooLargeError(f"{len(chosen)} policy files; a link takes at most {MAX_FILES}.")
        names = set(chosen)
        inside = [entry for entry in listed if _is_above(entry, chosen)]
        return [entry for entry in listed if entry.name in names], [*above, *inside]

    def contents(self, blobs: Sequence[str]) -> dict[str, bytes | None]:
        """The bytes of each blob exactly as committed; None for one over 1 MiB.

        Raises:
            TooLargeError: together they are over 32 MiB.
        """
        asked = list(dict.fromkeys(blobs))
        if not asked:
            return {}
        self._fetch_blobs(asked)
        try:
            read = self._read(asked, _CONTENT_BYTES)
        except TooLargeError:
            read = self._read(self._small(asked), 2 * _CONTENT_BYTES)
        small = {blob: content for blob, content in read.items() if len(content) <= MAX_BYTES}
        return dict.fromkeys(asked) | small

    def attributes(
        self, names: Sequence[str], files: Sequence[_Entry]
    ) -> dict[str, dict[str, str]]:
        """The attributes of each name, as git reads them from the `.gitattributes` in `files`."""
        rows = "".join(f"{file.mode} blob {file.blob}\t{file.name}\0" for file in files)
        self._bare.read(["update-index", "-z", "--index-info"], stdin=_bytes(rows))
        output = self._bare.read(
            ["check-attr", "--cached", "-z", "--stdin", *ALTERING],
            stdin=_bytes("".join(f"{name}\0" for name in names)),
        )
        parts = text(output).split("\0")[:-1]
        attributes: dict[str, dict[str, str]] = {name: {} for name in names}
        for name, attribute, value in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            if value != "unspecified":
                attributes[name][attribute] = value
        return attributes

    def _listed(self, names: Collection[str]) -> list[_Entry]:
        """The entries at `names`, and policy and attribute files below (without names: all)."""
        listing = self._bare.read(
            [
                "ls-tree", "-r", "-t", "-z", "--full-tree", self.commit.id,
                *(f":(literal){name}" for name in names),
            ]
        )  # fmt: skip
        # Of a large tree only these few lines become values.
        ends = (FILE_NAME.encode(), _ATTRIBUTES.encode(), *(_bytes(f"\t{n}") for n in names))
        return [_entry(line) for line in listing.split(b"\0") if line.endswith(ends)]

    def _fetch_blobs(self, blobs: Sequence[str]) -> None:
        if self._bare.take(blobs, thin=False):
            return
        try:
            # A blob that is asked for by id comes in spite of the filter.
            self._bare.fetch(["--filter=blob:none", "--stdin", "origin"], stdin=_lines(blobs))
        except ObjectRefusedError:
            self._bare = Bare(self._source, "whole")
            self._bare.fetch(["--depth=1", "origin", f"+{self._source.ref}:{_HEAD}"])

    def _read(self, blobs: Sequence[str], max_bytes: int) -> dict[str, bytes]:
        batch = self._bare.read(["cat-file", "--batch", "--buffer"], max_bytes, stdin=_lines(blobs))
        return dict(_blobs(batch))

    def _small(self, blobs: Sequence[str]) -> list[str]:
        """The blobs of 1 MiB at most.

        Raises:
            TooLargeError: together they are over 32 MiB.
        """
        listing = text(self._bare.read(["cat-file", "--batch-check"], stdin=_lines(blobs)))
        sizes = dict(zip(blobs, map(_size, listing.splitlines()), strict=True))
        small = [blob for blob in blobs if sizes[blob] <= MAX_BYTES]
        if sum(sizes[blob] for blob in small) > _CONTENT_BYTES:
            raise TooLargeError(f"The policy files have over {_CONTENT_BYTES} bytes together.")
        return small


def _commit(facts: Mapping[str, str], message: str) -> Commit:
    """The commit with these header fields and this message, whose lines are indented."""
    author, _ = _signed(facts.get("author", ""))
    _, moment = _signed(facts.get("committer", ""))
    lines = [line.removeprefix("    ") for line in message.split("\n")]
    stripped = "\n".join(lines).strip().replace("\0", "\ufffd")
    return Commit(facts["commit"], author[:500], stripped[:500], _moment(moment))


def _signed(line: str) -> tuple[str, str]:
    """The person and the time of a line `NAME <MAIL> SECONDS ZONE`."""
    who, *moment = line.rsplit(" ", 2)
    return who, moment[0] if moment else ""


def _moment(seconds: str) -> datetime | None:
    """A commit's time, from seconds since 1970; None for one that no calendar has."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _parents(name: str) -> list[str]:
    """Every directory above a path, the root (empty) first, the others with a slash at the end."""
    parts = name.split("/")
    return ["".join(f"{part}/" for part in parts[:depth]) for depth in range(len(parts))]


def _is_within(name: str, root: str) -> bool:
    return not root or name == root or name.startswith(f"{root}/")


def _may_be_taken(entry: _Entry, root: str) -> bool:
    """True for what lies within `root`; of directories for those with the name of a policy file."""
    if entry.mode == _TREE:
        named = entry.name.rpartition("/")[2] == FILE_NAME
        return named and entry.name != root and _is_within(entry.name, root)
    return _is_within(entry.name, root)


def _is_above(entry: _Entry, names: Sequence[str]) -> bool:
    """True for a `.gitattributes` on the way to one of `names`, which are sorted."""
    parent, _, name = entry.name.rpartition("/")
    if name != _ATTRIBUTES or entry.mode not in _REGULAR:
        return False
    directory = f"{parent}/" if parent else ""
    at = bisect_left(names, directory)
    return at < len(names) and names[at].startswith(directory)


def _bytes(name: str) -> bytes:
    return name.encode(errors="surrogateescape")


def _lines(names: Sequence[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


def _entry(line: bytes) -> _Entry:
    facts, _, name = line.partition(b"\t")
    mode, _kind, blob = facts.decode().split(" ")
    return _Entry(mode, blob, text(name))


def _blobs(batch: bytes) -> Iterator[tuple[str, bytes]]:
    """Cut the output of `cat-file --batch`: `ID blob SIZE`, the bytes, a line feed."""
    at = 0
    while at < len(batch):
        end = batch.index(b"\n", at)
        line = batch[at:end].decode()
        start, size = end + 1, _size(line)
        yield line.split(" ")[0], batch[start : start + size]
        at = start + size + 1


def _size(line: str) -> int:
    """The size of a blob in bytes, from its header line of `cat-file`.

    Raises:
        BadAnswerError: the object is missing, or no blob.
    """
    name, kind, *size = line.split(" ")
    if kind != "blob":
        raise BadAnswerError(f"The server did not send the object {name}.")
    return int(size[0])
