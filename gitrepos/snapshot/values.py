"""Snapshots as frozen values: the part of one commit that a link reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

# The attributes by which git may give a checkout other bytes than it holds.
ALTERING = ("text", "crlf", "eol", "ident", "filter", "working-tree-encoding")


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature of a commit or tag, by an ssh or an OpenPGP key.

    `verdict` is `good`, `foreign`, `bad`, `none`, or of an allowed OpenPGP key `late` (the
    signature expired), `expired` (the key did) or `revoked`; `renamed` is for a tag that was signed
    under the name `tag`. `principal` is the allowed signer's name, of a good one or a renamed one
    alone; `fingerprint` is that of the key, empty of a bad one or none. `wanted` names the kinds
    of keys that are allowed, `signed` is `commit` or `tag`.
    """

    verdict: str
    principal: str = ""
    fingerprint: str = ""
    wanted: str = "an ssh key"
    signed: str = "commit"
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """The makers of a commit, as it names them; `signature` is None where nobody asks for it."""

    author: str
    committer: str
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit of a snapshot; bytes that are not UTF-8 are U+FFFD in its text.

    `committed_at` is the committer's time, None where no calendar has it. `signature` is None when
    the link does not ask for it. `author` and `committer` are as `NAME <MAIL>`; `others` made the
    commits before it that are not in force yet, None where nobody asked or git cannot tell.
    """

    id: str
    author: str
    message: str
    committed_at: datetime | None = None
    signature: Signature | None = None
    committer: str = ""
    others: tuple[Made, ...] | None = None


@dataclass(frozen=True, slots=True)
class Defect:
    """The reason why a file cannot be read as it is in git; `code` is stable."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class File:
    """A policy file of a commit.

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
    """The files of a commit under a link's path.

    `files` are sorted by path, each path once; None when `tree_id` is the one already known.
    `tree_id` identifies the state of the path: the id of its tree (of its blob for a single-file
    link), or a digest that includes attributes above it. `rewritten`: the branch provably lost
    the commit in force. `let_off` names the checks of git that objects fail without harm.
    """

    commit: Commit
    tree_id: str
    files: tuple[File, ...] | None
    rewritten: bool = False
    let_off: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FilesRequest:
    """The request of a link for files of a commit.

    With `known_tree` as the tree id, no file is read (empty: read in any case); `known` maps the
    path of each file to a blob whose bytes need not be fetched again. `include` and `exclude` are
    globs, see `globs`. `last_commit` is the commit that tells a rewritten branch. With
    `allowed_signers` or `allowed_openpgp_keys` the commit's signature is checked. `people_since` is
    the commit in force, empty for none that is known: who made all since is read, unless it is
    None.
    """

    root: str
    known_tree: str = ""
    known: dict[str, str] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    last_commit: str = ""
    allowed_signers: str = ""
    allowed_openpgp_keys: str = ""
    people_since: str | None = None
