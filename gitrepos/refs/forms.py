"""The ref that a link follows: a branch, a tag, a commit, or the newest tag in a range. Pure.

Each form is a value that knows which refs to ask the forge for, which of those that were answered
is the one, and what to say when there is none. An answer maps names to ids as git lists them: an
annotated tag has its own object's id, and under `NAME^{}` that of its commit.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gitrepos.errors import (
    BranchNotFoundError,
    NotOnAnyBranchError,
    RemoteError,
    TagNotFoundError,
)
from gitrepos.refs import ranges

HEAD = "HEAD"
FORMS = ("branch", "tag", "commit", "semver")
_ANY, _BRANCHES, _TAGS = "refs/", "refs/heads/", "refs/tags/"
SHOWN = (_BRANCHES, _TAGS)
_PEELED = "^{}"
_BAD_NAME = re.compile(r"^[-/]|\.\.|@\{|[\x00-\x20\x7f~^:?*\[\\]|//|/$|\.$|(^|/)\.|\.lock(/|$)")
_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")

MOVED, LOWER = "tag_moved", "tag_lower"

# What was found of the followed refs: names, or a form's `key`, with what stands there. Empty
# where there is none; a ref that was not asked for is missing.
Heads = Mapping[str, str]


class Head(NamedTuple):
    """The commit that a followed ref leads to; empty for none.

    `ref` is the name that leads there, empty for a commit that is followed by its id. `tag_object`
    is the id of an annotated tag itself. `is_shown`: a branch or tag is known to have the commit.
    """

    commit: str
    ref: str = ""
    tag_object: str = ""
    is_shown: bool = True

    @property
    def tag(self) -> str:
        """The tag's own name; empty for all else."""
        return tag_of(self.ref)


class Setback(NamedTuple):
    """The reason why a tag must not take the place of the last one without a person."""

    code: str
    message: str


class Followed(ABC):
    """The ref that a link follows; `key` names it among `Heads`."""

    key: str

    def asks(self) -> tuple[str, ...]:
        """The refs to ask for: full names, or with a slash at the end all below it."""
        return (self.key,)

    def found(self, answer: Mapping[str, str]) -> Heads:
        """What the answer says of this ref."""
        return {self.key: answer.get(self.key, "")}

    def head(self, heads: Heads) -> Head | None:
        """Where the ref leads by what was found; None when nobody asked for it."""
        return Head(heads[self.key], self.key) if self.key in heads else None

    def tag_like(self) -> str:
        """The full name of the tag that is called as the branch is; empty for all else."""
        return ""

    @abstractmethod
    def missing(self, *, is_tag: bool = False) -> RemoteError:
        """The error for a repository without the ref; `is_tag` says that it has `tag_like()`."""

    def is_moved_by(self, pushed: str, default_branch: str) -> bool:
        """True when a push of the full name `pushed` may lead elsewhere.

        `default_branch` is empty where nobody knows it.
        """
        return pushed == self.key

    def setback(self, head: Head, *, last_ref: str, last_commit: str) -> Setback | None:
        """The reason not to go from the last ref and commit that were applied to `head`, or None.

        A branch may go wherever it wants. Nothing is said where no ref was applied yet, or one that
        is not followed any more.
        """
        return None


@dataclass(frozen=True, slots=True)
class _Branch(Followed):
    key: str

    def tag_like(self) -> str:
        branch = branch_of(self.key)
        return tagged(branch) if branch else ""

    def missing(self, *, is_tag: bool = False) -> RemoteError:
        if self.key == HEAD:
            return BranchNotFoundError("The repository is empty, or its HEAD names no branch yet.")
        message = f"The repository has no branch {short(self.key)!r}"
        if is_tag:
            return BranchNotFoundError(f"{message}; a tag has this name: follow it with `tag`.")
        return BranchNotFoundError(f"{message}.")

    def is_moved_by(self, pushed: str, default_branch: str) -> bool:
        if self.key == HEAD and not default_branch:
            return pushed.startswith(_BRANCHES)
        return pushed == (named(default_branch) if self.key == HEAD else self.key)


@dataclass(frozen=True, slots=True)
class _Tag(Followed):
    key: str

    def found(self, answer: Mapping[str, str]) -> Heads:
        return _entries(self.key, answer)

    def head(self, heads: Heads) -> Head | None:
        return _tagged(self.key, heads) if self.key in heads else None

    def missing(self, *, is_tag: bool = False) -> RemoteError:
        return TagNotFoundError(f"The repository has no tag {tag_of(self.key)!r}.")

    def setback(self, head: Head, *, last_ref: str, last_commit: str) -> Setback | None:
        return _moved(head, last_commit) if last_ref == head.ref else None


@dataclass(frozen=True, slots=True)
class _Commit(Followed):
    """A commit by its id: found as itself where a branch or tag points at it, else as what one
    points at that may have it in its history.
    """

    key: str

    def asks(self) -> tuple[str, ...]:
        return SHOWN

    def found(self, answer: Mapping[str, str]) -> Heads:
        # An annotated tag's own object is no commit, and a proposal is no branch.
        tips = {
            answer.get(f"{name}{_PEELED}", there)
            for name, there in answer.items()
            if name.startswith(SHOWN) and len(there) == len(self.key)
        }
        return {self.key: self.key if self.key in tips else min(tips, default="")}

    def head(self, heads: Heads) -> Head | None:
        if self.key not in heads:
            return None
        return Head(self.key, is_shown=heads[self.key] == self.key) if heads[self.key] else Head("")

    def missing(self, *, is_tag: bool = False) -> RemoteError:
        return NotOnAnyBranchError(self.key)

    def is_moved_by(self, pushed: str, default_branch: str) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class _InRange(Followed):
    """The newest tag in the range `text`; found as the name of that tag."""

    key: str
    text: str

    def asks(self) -> tuple[str, ...]:
        return (_TAGS,)

    def found(self, answer: Mapping[str, str]) -> Heads:
        newest = ranges.read(self.text).newest(
            tag_of(ref) for ref, there in answer.items() if there
        )
        if not newest:
            return {self.key: ""}
        return {self.key: f"{_TAGS}{newest}", **_entries(f"{_TAGS}{newest}", answer)}

    def head(self, heads: Heads) -> Head | None:
        if self.key not in heads:
            return None
        return _tagged(heads[self.key], heads) if heads[self.key] else Head("")

    def missing(self, *, is_tag: bool = False) -> RemoteError:
        return TagNotFoundError(f"The repository has no tag with a version in {self.text!r}.")

    def is_moved_by(self, pushed: str, default_branch: str) -> bool:
        version = ranges.version_of(tag_of(pushed))
        return version is not None and ranges.read(self.text).has(version)

    def setback(self, head: Head, *, last_ref: str, last_commit: str) -> Setback | None:
        if last_ref == head.ref:
            return _moved(head, last_commit)
        last, now = (ranges.version_of(tag_of(ref)) for ref in (last_ref, head.ref))
        if last is None or now is None or now > last or not ranges.read(self.text).has(last):
            return None
        before = tag_of(last_ref)
        if now < last:
            message = f"The tag {before} is gone; the newest in {self.text!r} is {head.tag} now."
            return Setback(LOWER, message)
        if head.commit == last_commit:
            return None
        message = f"The tag {head.tag} has the version of {before} and another commit than it had."
        return Setback(MOVED, message)


class _Choice(Protocol):
    @property
    def branch(self) -> str: ...
    @property
    def tag(self) -> str: ...
    @property
    def commit(self) -> str: ...
    @property
    def semver(self) -> str: ...


def of(choice: _Choice) -> Followed:
    """What a link follows: of its four columns one at most is not empty."""
    if choice.tag:
        return _Tag(tagged(choice.tag))
    if choice.commit:
        return _Commit(choice.commit)
    if choice.semver:
        return _InRange(f"semver {choice.semver}", choice.semver)
    return _Branch(named(choice.branch))


def columns(choice: _Choice) -> dict[str, str]:
    """The four columns that say what a link follows."""
    return {name: getattr(choice, name) for name in FORMS}


def form(choice: _Choice) -> str:
    """Which of `FORMS` a link follows; `branch` for the remote's HEAD, too."""
    for name in FORMS:
        if getattr(choice, name):
            return name
    return "branch"


def asked(followed: Iterable[Followed]) -> tuple[str, ...]:
    """The refs to ask for, each once."""
    return tuple(dict.fromkeys(ref for one in followed for ref in one.asks()))


def found(followed: Iterable[Followed], answer: Mapping[str, str]) -> dict[str, str]:
    """What an answer says of these refs, and nothing of the others that it lists."""
    return {key: there for one in followed for key, there in one.found(answer).items()}


def named(branch: str) -> str:
    """The full name of a branch (`refs/heads/main`); `HEAD` for an empty one.

    A name that is full already stays: an operator may allow refs that are no branches.
    """
    if branch.startswith(_ANY):
        return branch
    return f"{_BRANCHES}{branch}" if branch else HEAD


def branch_of(ref: str) -> str:
    """The branch of a full ref name; empty for all else."""
    return ref.removeprefix(_BRANCHES) if ref.startswith(_BRANCHES) else ""


def tagged(tag: str) -> str:
    """The full name of a tag."""
    return f"{_TAGS}{tag}"


def tag_of(ref: str) -> str:
    """The tag of a full ref name; empty for all else."""
    return ref.removeprefix(_TAGS) if ref.startswith(_TAGS) else ""


def short(ref: str) -> str:
    """A full ref name as people say it: a branch and a tag by their own names."""
    return tag_of(ref) or ref.removeprefix(_BRANCHES)


def has_history(ref: str) -> bool:
    """True for a ref that grows commit by commit: any but a tag, or a commit by its id."""
    return bool(ref) and not tag_of(ref)


def is_allowed(ref: str, allowed: Collection[str]) -> bool:
    """True when a link may follow a full name.

    `allowed` are patterns such as `refs/pull/*`, for refs that are neither branch nor tag.
    """
    shown_or_none = not ref.startswith(_ANY) or ref.startswith(SHOWN)
    return shown_or_none or ref.startswith(tuple(pattern.removesuffix("*") for pattern in allowed))


def problem(form: str, value: str, allowed: Collection[str]) -> str | None:
    """The reason why a value of a form cannot be followed, as the end of a sentence, or None.

    Source: git-check-ref-format(1); as `git branch` and `git tag`, no name begins with a dash.
    """
    if form == "commit":
        return _problem_of_commit(value)
    if form == "semver":
        return _problem_of_range(value)
    if value.startswith(SHOWN) or (form == "tag" and value.startswith(_ANY)):
        prefix = _TAGS if form == "tag" else _BRANCHES
        return f"must be the {form}'s own name, without {prefix}"
    if _BAD_NAME.search(value) or (form == "branch" and value == "@"):
        return f"is no {form} name that git accepts"
    if not is_allowed(value, allowed):
        return (
            "must be a branch's own name; anybody may push what a forge keeps elsewhere, such as"
            " refs/pull/, and an operator allows it with KEEPTRUSTS_GIT_ALLOWED_REFS"
        )
    return None


def _problem_of_commit(value: str) -> str | None:
    if not _COMMIT.fullmatch(value):
        return "must be a commit's full id: 40 or 64 hex digits"
    return "is the id of no commit" if value.strip("0") == "" else None


def _problem_of_range(value: str) -> str | None:
    try:
        ranges.read(value)
    except ranges.BadRangeError as exc:
        return str(exc)
    return None


def _entries(ref: str, answer: Mapping[str, str]) -> dict[str, str]:
    """The one or two entries of a tag in an answer."""
    peeled = answer.get(f"{ref}{_PEELED}")
    return {ref: answer.get(ref, "")} | ({f"{ref}{_PEELED}": peeled} if peeled else {})


def _tagged(ref: str, heads: Heads) -> Head:
    there, commit = heads[ref], heads.get(f"{ref}{_PEELED}", "")
    return Head(commit, ref, there) if commit else Head(there, ref)


def _moved(head: Head, last_commit: str) -> Setback | None:
    if head.commit == last_commit:
        return None
    return Setback(MOVED, f"The tag {head.tag} was moved from {last_commit} to {head.commit}.")
