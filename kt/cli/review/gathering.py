"""The policies that a change touches, read from the checkout and from the commit before."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from kt.cli.git.before import Before
from kt.cli.review.change import Reviewed
from kt.cli.review.sides import Side, Suites, side
from kt.cli.sources import SourceFile, read_sources, shown
from kt.cli.test import UntestableError, suites_beside
from kt.policy.files import FILE_NAME, policy_files
from kt.policy.testing.suitefiles import BadSuiteError, read_suites


def gathered(before: Before, paths: Sequence[str]) -> list[Reviewed]:
    """Every policy that differs from the commit before, with its tests beside it, by path.

    Raises:
        CommandError: git cannot tell.
    """
    now = {_from_root(before, one.path): one for one in read_sources(paths) if _is_file(one)}
    names = before.names()
    was = [name for path in paths for name in policy_files(names, _from_root(before, path))]
    old = {name: _old(before, names, name) for name in dict.fromkeys(was)}
    new = {name: _new(source) for name, source in now.items()}
    touched = [name for name in new if name not in old or _differ(before, names, name, old, now)]
    moved = dict(_moved(old, new))
    reviewed = [
        Reviewed(shown(name), old.get(moved.get(name, name)), new[name], shown(moved.get(name, "")))
        for name in touched
    ]
    gone = [name for name in old if name not in new and name not in moved.values()]
    return sorted(
        [*reviewed, *(Reviewed(shown(name), old[name], None) for name in gone)],
        key=lambda one: one.file,
    )


def _is_file(source: SourceFile) -> bool:
    return source.failure is None or not os.path.isdir(source.path)


def _from_root(before: Before, path: str) -> str:
    found = os.path.relpath(os.path.realpath(path), before.root)
    return "" if found == "." else found.replace(os.sep, "/")


def _new(source: SourceFile) -> Side:
    try:
        suites: Suites = list(suites_beside(source))
        problem = ""
    except UntestableError as error:
        suites, problem = (), str(error)
    return side(source.data, source.directory, suites, problem or source.failure or "")


def _old(before: Before, names: Sequence[str], name: str) -> Side:
    suites: list[dict[str, object]] = []
    problem = ""
    for path, data in _tests(before, names, name):
        try:
            suites += read_suites(data, name=os.path.basename(path))
        except BadSuiteError as error:
            problem = f"{path}: {error}"
    return side(before.content_at(name) or b"", _directory(name), suites, problem)


def _directory(name: str) -> str | None:
    folder, _, file = name.rpartition("/")
    return folder.rpartition("/")[2] or None if file == FILE_NAME else None


def _tests(before: Before, names: Sequence[str], name: str) -> Iterator[tuple[str, bytes]]:
    folder = f"{os.path.dirname(name)}/tests/".lstrip("/")
    for path in sorted(names):
        below = path.removeprefix(folder)
        if path.startswith(folder) and "/" not in below and below.lower().endswith(".json"):
            yield path, before.content_at(path) or b""


def _differ(
    before: Before, names: Sequence[str], name: str, old: dict[str, Side],
    now: dict[str, SourceFile],
) -> bool:  # fmt: skip
    """Whether a policy or a test beside it is not as it was."""
    source = now[name]
    if old[name].data != source.data:
        return True
    folder = os.path.join(os.path.dirname(source.path), "tests")
    tests = dict(_tests(before, names, name))
    there = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    found = [one for one in there if one.lower().endswith(".json") and not one.startswith(".")]
    if sorted(os.path.basename(path) for path in tests) != found:
        return True
    for path, data in tests.items():
        with open(os.path.join(folder, os.path.basename(path)), "rb") as file:
            if file.read() != data:
                return True
    return False


def _moved(old: dict[str, Side], new: dict[str, Side]) -> Iterator[tuple[str, str]]:
    """New paths with the old ones of the same policy, known by its id or by its bytes."""
    added = [name for name in new if name not in old]
    gone = [name for name in old if name not in new]
    for name in added:
        one = new[name]
        for other in gone:
            is_same = old[other].configuration == one.configuration != ""
            if is_same or old[other].data == one.data:
                gone.remove(other)
                yield name, other
                break
