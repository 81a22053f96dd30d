"""Snapshots: the files of one commit, fetched without a checkout. No database.

A checkout would change bytes by attributes, follow links and run filters and hooks. Here
objects are read from a bare repository in a temporary folder, which is deleted afterwards.
"""

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gitrepos.errors import (
    BadAnswerError,
    InternalError,
    NotOnAnyBranchError,
    ObjectRefusedError,
    RemoteError,
    TimedOutError,
    TooLargeError,
    UnsafeObjectError,
)
from gitrepos.forge.git import complaints, runner
from gitrepos.forge.pack_fetch import Courier
from gitrepos.snapshot import ancestry
from gitrepos.snapshot.entries import ATTRIBUTES, REGULAR, SYMLINK, TREE, Entry
from gitrepos.snapshot.reader import Repository
from gitrepos.snapshot.repository import RemoteRef
from gitrepos.snapshot.temporary import Temporary
from gitrepos.snapshot.unpacker import PackUnpacker
from gitrepos.snapshot.values import Defect, File, FilesRequest, Snapshot
from kt.policy.files import MAX_BYTES

# What has the text behind it read from the other side.
_TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
_MARKS = "\u061c\u200e\u200f"
_PATH_BYTES = 1024
_OTHER_KINDS = {SYMLINK: "a symbolic link", TREE: "a directory"}
# Errors that one file among many may be the cause of.
_OF_ONE_FILE = (
    BadAnswerError, ObjectRefusedError, TimedOutError, TooLargeError, UnsafeObjectError
)  # fmt: skip
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1"


def take(
    access: runner.Access,
    *,
    ref: str,
    head: str,
    asks: Sequence[FilesRequest],
    folder: Path,
    tag_object: str = "",
    among: Sequence[str] = (),
    unpacker: PackUnpacker | None = None,
) -> list[Snapshot | RemoteError]:
    """Fetch the commit that the check saw, and take a snapshot of it for each request.

    `head` is its id; where the server does not serve it by id, the commit is the one that `ref`
    points at now. `tag_object` is the annotated tag that leads to it, whose signature counts. With
    `among`, prefixes of refs, one of these must have the commit in its history.

    One request that fails does not stop the others; results have the order of the requests.
    `folder` holds the temporary repository, where git reads something: what comes by our own
    request is read by the `unpacker`, if there is one. All of it takes 90 s at most.

    Raises:
        NotOnAnyBranchError: no ref below `among` has the commit.
        RemoteError: the commit cannot be fetched, or files cannot be written here.
    """
    signed = any(ask.allowed_signers or ask.allowed_openpgp_keys for ask in asks)
    try:
        with Temporary(folder) as place, Courier(access) as courier:
            object_format = "sha256" if len(head) == 64 else "sha1"
            source = RemoteRef(access, courier, ref, object_format, place, unpacker)
            if among and not ancestry.reached(source, head, among=among):
                raise NotOnAnyBranchError(head)
            roots = [ask.root for ask in asks]
            repository = Repository(source, head, tag_object if signed else "", roots)
            choices = _brought(repository, [_choice(repository, ask) for ask in asks])
            return [_snapshot(repository, choice) for choice in choices]
    except OSError as exc:
        raise InternalError(f"{complaints.FULL} {exc.strerror}.") from exc


@dataclass(frozen=True, slots=True)
class _Choice:
    """What of the commit a request is for; `files` is empty where its tree is known.

    `attributes` are the `.gitattributes` on the way to its files, `links` other symbolic links.
    """

    ask: FilesRequest
    tree_id: str
    is_known: bool
    files: Sequence[Entry] = ()
    attributes: Sequence[Entry] = ()
    links: Sequence[Entry] = ()

    def blobs(self) -> list[str]:
        """The blobs to read: files that changed, and all that says how to read them."""
        wanted = [
            entry.blob
            for entry in self.files
            if entry.mode in REGULAR and self.ask.known.get(entry.name) != entry.blob
        ]
        return [*wanted, *(entry.blob for entry in (*self.attributes, *self.links))]


def _choice(repository: Repository, ask: FilesRequest) -> _Choice | RemoteError:
    try:
        tree_id, above = repository.at(ask.root)
        if tree_id == ask.known_tree:
            return _Choice(ask, tree_id, is_known=True)
        return _Choice(ask, tree_id, False, *repository.entries(ask, above))
    except RemoteError as error:
        return error


def _brought(
    repository: Repository, choices: list[_Choice | RemoteError]
) -> list[_Choice | RemoteError]:
    """The choices, with the files of all of them fetched and read at once.

    What may be the fault of one file is left to fail again for its own request. A server that
    refuses the call would refuse it for each request: that is the error of all that need files.
    """
    wanted = [choice.blobs() if isinstance(choice, _Choice) else [] for choice in choices]
    if sum(map(bool, wanted)) < 2:
        return choices
    try:
        repository.bring([blob for blobs in wanted for blob in blobs])
    except _OF_ONE_FILE:
        return choices
    except RemoteError as error:
        return [error if blobs else one for one, blobs in zip(choices, wanted, strict=True)]
    return choices


def _snapshot(repository: Repository, choice: _Choice | RemoteError) -> Snapshot | RemoteError:
    if isinstance(choice, RemoteError):
        return choice
    try:
        ask = choice.ask
        files = None if choice.is_known else _files(repository, choice)
        rewritten = bool(ask.last_commit) and repository.left(ask.last_commit)
        signature, others = repository.signature(ask), repository.people(ask)
        commit = replace(repository.commit, signature=signature, others=others)
        let_off = repository.let_off
        return Snapshot(commit, choice.tree_id, files, rewritten=rewritten, let_off=let_off)
    except RemoteError as error:
        return error


def _files(repository: Repository, choice: _Choice) -> tuple[File, ...]:
    contents = repository.contents(choice.blobs())
    entries, links = choice.files, choice.links
    values = _values(repository, entries, choice.attributes, contents)
    files = [_file(entry, contents, values.get(entry.name)) for entry in entries]
    directories = repository.directories(choice.ask, links, contents)
    files += [_link(link, directories[link.name]) for link in links if link.name in directories]
    return tuple(sorted(files, key=lambda file: file.path))


def _file(
    entry: Entry, contents: Mapping[str, bytes | None], attributes: Mapping[str, str] | None
) -> File:
    """The file of an entry; `contents` maps a fetched blob to its bytes, None if too large."""
    path, defect = _stored(entry.name)
    content = contents.get(entry.blob)
    defect = defect or _defect(entry, content, fetched=entry.blob in contents)
    if defect is not None:
        return File(path, entry.blob, defect=defect)
    return File(path, entry.blob, content, attributes=attributes)


def _link(entry: Entry, directory: str) -> File:
    """The file of a symbolic link to a directory that has policies."""
    path, defect = _stored(entry.name)
    where, _ = _stored(directory)
    told = f"is a symbolic link to the directory {where!r}; none is followed: link that path"
    return File(path, entry.blob, defect=defect or Defect("not_a_file", told))


def _values(
    repository: Repository,
    entries: Sequence[Entry],
    files: Sequence[Entry],
    contents: Mapping[str, bytes | None],
) -> Mapping[str, Mapping[str, str]]:
    """The attributes of each entry by its name; no item for one whose attributes were not read."""
    unread = tuple(
        file.name.removesuffix(ATTRIBUTES) for file in files if contents[file.blob] is None
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
    elif not (name.isascii() and name.isprintable()) and any(map(_misleads, name)):
        defect = Defect("bad_path", "has control characters, or what is not UTF-8, in its path")
    else:
        return name, None
    start = raw.decode(errors="backslashreplace")[:200]
    printable = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in start)
    return f"{printable}//{hashlib.sha256(raw).hexdigest()[:32]}", defect


def _misleads(character: str) -> bool:
    """Whether a path with this character may look like another, or write to a terminal."""
    turns = character in _MARKS or unicodedata.bidirectional(character) in _TURNS
    return turns or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def _defect(entry: Entry, content: bytes | None, *, fetched: bool) -> Defect | None:
    if entry.mode not in REGULAR:
        kind = _OTHER_KINDS.get(entry.mode, "a submodule")
        return Defect("not_a_file", f"is {kind}; only a regular file is taken")
    if fetched and content is None:
        return Defect("too_large", f"is over {MAX_BYTES} bytes")
    if content is not None and content.startswith(_LFS_POINTER):
        return Defect("lfs_pointer", "is a Git LFS pointer; store the file itself in git")
    return None
