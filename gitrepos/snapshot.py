"""One commit as far as one link is concerned: frozen values, the bytes as committed."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit a snapshot was taken from. Text that is not UTF-8 has U+FFFD in its place."""

    id: str
    author: str
    message: str


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
    """

    path: str
    blob: str
    content: bytes | None = None
    defect: Defect | None = None
    warnings: tuple[Defect, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`files` are sorted by path, each path once; None when `tree_id` is the one already known.

    `tree_id` is the id of the tree (or, for a single-file link, of the blob) at the link's path.
    """

    commit: Commit
    tree_id: str
    files: tuple[File, ...] | None


@dataclass(frozen=True, slots=True)
class Ask:
    """What one link wants of a commit.

    `known_tree` is the tree id that needs no second look (empty: look in any case); `known`
    maps the path of each file to the blob whose bytes need not be fetched again.
    """

    root: str
    known_tree: str = ""
    known: dict[str, str] = field(default_factory=dict)
