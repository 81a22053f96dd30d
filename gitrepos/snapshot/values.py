"""One commit as far as one link is concerned: frozen values, the bytes as committed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

# The attributes by which git may give a checkout other bytes than it holds.
ALTERING = ("text", "crlf", "eol", "ident", "filter", "working-tree-encoding")


@dataclass(frozen=True, slots=True)
class Signature:
    """What an ssh signature of a commit is worth: `good | foreign | bad | none`.

    `principal` is the allowed signer's name, `fingerprint` that of the key; of a bad one or none
    both are empty.
    """

    verdict: str
    principal: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit a snapshot was taken from. Text that is not UTF-8 has U+FFFD in its place.

    `committed_at` is the committer's time, None where it is no time that a calendar has.
    `signature` is None when nobody asked for it.
    """

    id: str
    author: str
    message: str
    committed_at: datetime | None = None
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class Defect:
    """Why a file cannot be taken as it stands in git; `code` is stable."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class File:
    """A file named as policy files are.

    `path` is POSIX, from the repository's root. `content` is None when it was not fetched,
    because the blob is the one already known, and when there is a `defect`.
    `attributes` has those of `ALTERING` that the commit's `.gitattributes` set for it, None when
    not all of them were read: `set`, `unset`, or a value.
    """

    path: str
    blob: str
    content: bytes | None = None
    defect: Defect | None = None
    attributes: Mapping[str, str] | None = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`files` are sorted by path, each path once; None when `tree_id` is the one already known.

    `tree_id` tells one state of the link's path from another: the id of its tree (or, for a
    single-file link, of its blob), with attributes above it a digest of both. `rewritten`: the
    branch provably lost the commit that was in force.
    """

    commit: Commit
    tree_id: str
    files: tuple[File, ...] | None
    rewritten: bool = False


@dataclass(frozen=True, slots=True)
class FilesRequest:
    """What one link wants of a commit.

    `known_tree` is the tree id that needs no second look (empty: look in any case); `known`
    maps the path of each file to the blob whose bytes need not be fetched again. `include` and
    `exclude` are globs, see `globs`. Of `last_commit` it is said whether the branch still has it.
    With `allowed_signers` the commit's signature is looked at.
    """

    root: str
    known_tree: str = ""
    known: dict[str, str] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    last_commit: str = ""
    allowed_signers: str = ""
