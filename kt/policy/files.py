"""The rule that picks policy files, for a directory walk and for a tree in git."""

from __future__ import annotations

from collections.abc import Iterable

FILE_NAME = "policy-config.yaml"
MAX_BYTES = 1_048_576


def policy_files(paths: Iterable[str], under: str = "") -> tuple[str, ...]:
    """Pick the policy files that `under` names, sorted by path, each once.

    `paths` are regular files, POSIX, relative to the root, without a leading slash.
    `under` is a file or a directory in the same form; "" or "." is the root, and a trailing
    slash is ignored. If it is itself one of `paths` it is taken whatever its name; else every
    file named exactly `policy-config.yaml` at any depth below it.
    """
    prefix = _directory(under)
    matches = set()
    for path in paths:
        if path == prefix:
            return (path,)
        if _inside(path, prefix) and path.rpartition("/")[2] == FILE_NAME:
            matches.add(path)
    return tuple(sorted(matches))


def _directory(under: str) -> str:
    trimmed = under.strip("/")
    return "" if trimmed == "." else trimmed.removeprefix("./")


def _inside(path: str, directory: str) -> bool:
    return not directory or path.startswith(directory + "/")
