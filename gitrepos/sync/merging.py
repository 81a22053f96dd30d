"""Merges of the files of two branches, by the commit where they parted. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gitrepos.snapshot.values import File
from gitrepos.sync.candidates import Candidate
from kt.policy.findings import Finding

_BOTH = "changed_on_both"

Files = Sequence[File]


@dataclass(frozen=True, slots=True)
class Merged:
    """The files after a merge, by path; `both` are the paths that both branches changed."""

    files: tuple[File, ...]
    both: frozenset[str] = frozenset()


def merge(ours: Files, theirs: Files, base: Files) -> Merged:
    """Merge `theirs` into `ours`, file by file; `base` are the files where the two parted.

    A file that only one branch changed, added or removed is as that branch has it. Where both
    did, each in its way, git may merge the lines or ask a person: then it is as `theirs` has it,
    or, where that removed it, as `ours`.
    """
    mine, other, before = _by_path(ours), _by_path(theirs), _by_path(base)
    files, both = [], set()
    for path in sorted({*mine, *other}):
        blobs = [_blob(side.get(path)) for side in (mine, other, before)]
        file = mine.get(path) if blobs[1] == blobs[2] else other.get(path)
        if len(set(blobs)) == 3:
            both.add(path)
            file = other.get(path) or mine[path]
        if file is not None:
            files.append(file)
    return Merged(tuple(files), frozenset(both))


def marked(candidates: Sequence[Candidate], both: frozenset[str]) -> tuple[Candidate, ...]:
    """The candidates, with a warning on each file that both branches changed."""
    return tuple(_marked(one) if one.path in both else one for one in candidates)


def _marked(candidate: Candidate) -> Candidate:
    message = (
        "both branches changed this file since they parted: the merge may give another content"
    )
    finding = Finding(_BOTH, "warning", "", message, "", 1, 1)
    return replace(candidate, findings=(*candidate.findings, finding))


def _by_path(files: Files) -> Mapping[str, File]:
    return {file.path: file for file in files}


def _blob(file: File | None) -> str | None:
    return file.blob if file else None
