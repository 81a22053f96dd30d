"""The ref that a link follows: a branch, or the remote's HEAD."""

from gitrepos.errors import BranchNotFoundError

HEAD = "HEAD"
_BRANCHES = "refs/heads/"
_TAGS = "refs/tags/"


def named(branch: str) -> str:
    """The full name of a branch (`refs/heads/main`); `HEAD` for an empty one."""
    return f"{_BRANCHES}{branch}" if branch else HEAD


def branch_of(ref: str) -> str | None:
    """The branch of a full ref name; None for a tag and all else."""
    return ref.removeprefix(_BRANCHES) if ref.startswith(_BRANCHES) else None


def tag_like(ref: str) -> str | None:
    """The full name of the tag that is called as a branch is; None for `HEAD`."""
    branch = branch_of(ref)
    return None if branch is None else f"{_TAGS}{branch}"


def missing(ref: str, *, is_tag: bool = False) -> BranchNotFoundError:
    """The error for a repository without `ref`; `is_tag` says that a tag has the branch's name."""
    if ref == HEAD:
        return BranchNotFoundError("The repository is empty, or its HEAD names no branch yet.")
    message = f"The repository has no branch {branch_of(ref)!r}"
    if is_tag:
        return BranchNotFoundError(f"{message}; a tag has this name, and a link follows no tag.")
    return BranchNotFoundError(f"{message}.")
