"""The ref that a link follows: a branch, or the remote's HEAD."""

from gitrepos.errors import BranchNotFoundError

HEAD = "HEAD"
_BRANCHES = "refs/heads/"


def named(branch: str) -> str:
    """The full name of a branch (`refs/heads/main`); `HEAD` for an empty one."""
    return f"{_BRANCHES}{branch}" if branch else HEAD


def branch_of(ref: str) -> str | None:
    """The branch of a full ref name; None for a tag and all else."""
    return ref.removeprefix(_BRANCHES) if ref.startswith(_BRANCHES) else None


def missing(ref: str) -> BranchNotFoundError:
    """The error for a repository without `ref`."""
    if ref == HEAD:
        return BranchNotFoundError("The repository is empty, or its HEAD names no branch yet.")
    return BranchNotFoundError(f"The repository has no branch {branch_of(ref)!r}.")
