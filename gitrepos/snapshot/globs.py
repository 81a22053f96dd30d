"""Globs over the paths of a repository, with the meaning of git's `:(glob)` pathspecs. Pure.

`*` and `?` match within one name, `**` between slashes any number of directories, also none. A
glob that names a directory matches everything below it. Brackets and backslashes are refused.

Source: gitglossary(7), "pathspec".
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import reduce
from itertools import pairwise
from operator import or_

_ANY_DEPTH = "**"
_REMEMBERED = 1000


def problem(glob: str) -> str | None:
    """The reason why a glob cannot be used, as the end of a sentence, or None."""
    if glob.startswith("/") or ".." in glob.split("/"):
        return "must be relative to the repository's root, without '/' in front and without '..'"
    if any(character in "[]\\" or not character.isprintable() for character in glob):
        return "may have *, ? and **, but no brackets, backslashes or control characters"
    if glob.endswith("/") and ("*" in glob or "?" in glob):
        return "must not end in a slash after a wildcard; write /** for everything inside"
    return None


def chosen(paths: Iterable[str], *, include: Sequence[str], exclude: Sequence[str]) -> list[str]:
    """The paths that a glob of `include` (all if empty) and none of `exclude` matches, in order."""
    wanted, unwanted = [_Glob(glob) for glob in include], [_Glob(glob) for glob in exclude]
    return [
        path for path in paths if (not wanted or _any(wanted, path)) and not _any(unwanted, path)
    ]


def _any(globs: Sequence["_Glob"], path: str) -> bool:
    names = path.split("/")
    return any(glob.matches(path, names) for glob in globs)


class _Glob:
    """A glob, matched against many paths.

    It is simulated as an automaton: a number has a bit for each place where the match can be, so
    a name costs the same however many `**` came before it.
    """

    def __init__(self, glob: str) -> None:
        self._named = glob.rstrip("/")
        parts = [
            part
            for part, after in pairwise([*self._named.split("/"), ""])
            if (part, after) != (_ANY_DEPTH, _ANY_DEPTH)
        ]
        if parts[-1] == _ANY_DEPTH:
            parts.append("*")  # What is inside, not the directory itself.
        self._end = 1 << len(parts)
        self._places: dict[str, int] = defaultdict(int)
        for at, part in enumerate(parts):
            self._places[part] |= 1 << at
        self._deep = self._places.pop(_ANY_DEPTH, 0)
        self._masks: dict[str, int] = {}

    def matches(self, path: str, names: Sequence[str]) -> bool:
        """True when the glob matches; `names` are the parts of `path` between slashes."""
        if path == self._named or path.startswith(f"{self._named}/"):
            return True
        deep, places = self._deep, 1 | (self._deep & 1) << 1
        for name in names:
            stays = places & deep
            places = (places & self._mask(name)) << 1 | stays
            places |= (places & deep) << 1  # A `**` may stand for no directory, too.
            if not places:
                return False
        return bool(places & self._end)

    def _mask(self, name: str) -> int:
        """The parts of the glob that match a name, a bit each; cached, since names repeat."""
        mask = self._masks.get(name)
        if mask is None:
            if len(self._masks) >= _REMEMBERED:
                self._masks.clear()
            places = [at for part, at in self._places.items() if fnmatchcase(name, part)]
            mask = self._masks[name] = reduce(or_, places, 0)
        return mask
