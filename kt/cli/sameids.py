"""The files of one call that name one id, of which a control plane takes none."""

from __future__ import annotations

import os
from collections.abc import Iterator

from kt.cli.sources import SourceFile, read_file
from kt.lazy import TYPE_CHECKING
from kt.policy.files import FILE_NAME
from kt.policy.identity import identify
from kt.policy.report import Report

if TYPE_CHECKING:
    from kt.policy.findings import Finding


class SameIds:
    """The ids of files, and which of them have the same."""

    def __init__(self) -> None:
        self._files: dict[str, list[tuple[int, str, str]]] = {}

    def note(self, index: int, source: SourceFile, report: Report) -> None:
        """Take the id of a file; stdin lies nowhere, and has none to share."""
        if report.pack is None or not source.path:
            return
        name = os.path.basename(source.path)
        stem = None if name == FILE_NAME else os.path.splitext(name)[0]
        named = identify(report.pack, directory=source.directory, stem=stem)
        if isinstance(named, str):
            # Without its bytes, since files may be thousands and clean.
            self._files.setdefault(named, []).append((index, source.name, source.path))

    def shared(self) -> Iterator[tuple[int, bytes, Finding]]:
        """The index and the bytes of each file whose id another one has, and the finding."""
        for named, files in self._files.items():
            if len(files) > 1:
                # One that was named by two paths is one file.
                apart = {_place(path): (index, name, path) for index, name, path in files[::-1]}
                if len(apart) > 1:
                    yield from _each(named, sorted(apart.values()))


def _place(path: str) -> str:
    """Where a file lies, whatever path leads to its folder."""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(folder), name)


def _each(named: str, files: list[tuple[int, str, str]]) -> Iterator[tuple[int, bytes, Finding]]:
    names = [name for _, name, _ in files]
    for position, (index, _, path) in enumerate(files):
        data = read_file(path).data
        yield index, data, _finding(data, named, names[:position] + names[position + 1 :])


def _finding(data: bytes, named: str, others: list[str]) -> Finding:
    from kt.policy.nodes import find
    from kt.policy.rules.base import Spot
    from kt.policy.rules.pack import SharedIdentity
    from kt.policy.words import quoted
    from kt.policy.yaml.document import read

    root = read(data).root
    given = find(root, "pack", "id")
    more = f" and of {len(others) - 1} more" if others[1:] else ""
    message = f"the id {quoted(named)} is also that of {others[0]}{more}"
    fix = "give each its own pack.id" if given else "write another pack.id into one of them"
    path = "pack.id" if given else "pack"
    return SharedIdentity.at(given or find(root, "pack") or Spot(), path, message, fix)
