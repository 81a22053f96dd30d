"""Globs that choose among a repository's paths, read as git reads `:(glob)` pathspecs. Pure.

`*` and `?` match within one name, `**` between slashes any number of directories, also none. A
glob that names a directory takes everything below it. Brackets and backslashes are refused.

Source: gitglossary(7), "pathspec".
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

_ANY_DEPTH = "**"


def problem(glob: str) -> str | None:
    """Why a glob cannot be used, or None."""
    if glob.startswith("/") or ".." in glob.split("/"):
        return "is relative to the repository's root, without '/' in front and without '..'"
    if any(character in "[]\\" or not character.isprintable() for character in glob):
        return "knows *, ? and **, and no brackets, backslashes or control characters"
    if glob.endswith("/") and ("*" in glob or "?" in glob):
        return "ends in a slash behind a wildcard; write /** for what is inside"
    return None


def chosen(paths: Iterable[str], *, include: Sequence[str], exclude: Sequence[str]) -> list[str]:
    """The paths that a glob of `include` (none: all) and none of `exclude` matches, in order."""
    return [
        path for path in paths if (not include or _any(include, path)) and not _any(exclude, path)
    ]


def _any(globs: Sequence[str], path: str) -> bool:
    return any(_matches(glob, path) for glob in globs)


def _matches(glob: str, path: str) -> bool:
    named = glob.rstrip("/")
    if path == named or path.startswith(f"{named}/"):
        return True
    parts = named.split("/")
    if parts[-1] == _ANY_DEPTH:
        parts.append("*")  # What is inside, not the directory itself.
    return _walk(parts, path.split("/"))


def _walk(parts: Sequence[str], names: Sequence[str]) -> bool:
    """Match names one by one; at a misfit the last `**` takes one more. Never looks further back,
    so that no glob costs more than the product of both lengths.
    """
    at = done = 0
    deep = resume = -1
    while done < len(names):
        if at < len(parts) and parts[at] == _ANY_DEPTH:
            deep, resume, at = at, done, at + 1
        elif at < len(parts) and fnmatchcase(names[done], parts[at]):
            at, done = at + 1, done + 1
        elif deep >= 0:
            resume += 1
            at, done = deep + 1, resume
        else:
            return False
    return at == len(parts)
