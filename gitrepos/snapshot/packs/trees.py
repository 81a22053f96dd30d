"""Trees as `git fsck` reads them: clean in every way, or left to git. Pure.

Source: git-fsck(1), "FSCK MESSAGES".
"""

import operator
import re
from functools import cache
from typing import NamedTuple

from gitrepos.snapshot.packs.errors import UncleanError

DIRECTORY, LINK = b"40000", b"120000"

Row = tuple[bytes, bytes, bytes]
"""An entry of a tree: its mode, its name, and the id of what it is."""

_NAME_BYTES = 4096
# What macOS leaves out of a name, and how Windows shortens one: each may stand for another name.
_IGNORED = re.compile(rb"\xe2\x80[\x8c-\x8f\xaa-\xae]|\xe2\x81[\xaa-\xaf]|\xef\xbb\xbf")
_SHORTENED = re.compile(rb"~[0-9]")
# A letter behind `.git` makes a longer name. What is behind the others may be dropped, too.
_OWN = re.compile(rb"\.git(?![a-z0-9_-]|\Z)|\.git\Z|\.git(?:modules|attributes|ignore)(?!\Z)", re.I)
_ACTING = re.compile(rb"\.(?:git(?:modules|attributes|ignore)|mailmap)\Z", re.I)


def check(content: bytes, *, id_bytes: int) -> list[bytes]:
    """Check a tree, as the checks of git's do that are made of every object.

    Returns the ids of what git would read itself, and want to be blobs.

    Raises:
        UncleanError: one may find a fault; also one that git would let off, since it names it.
    """
    patterns = _patterns(id_bytes)
    if not patterns.whole.fullmatch(content):
        raise UncleanError("a tree is malformed, or has an odd mode or name")
    if bytes(id_bytes) in content:
        raise UncleanError("a tree may have the null id")
    # A directory stands where its name would with a slash behind it.
    names: list[bytes]
    if b"40000 " in content:
        marked = patterns.marked.findall(content)
        names = [name for _, name in marked]
        keys = [name + b"/" if directory else name for directory, name in marked]
    else:
        names = keys = patterns.named.findall(content)
    # A file and a directory of one name need not stand side by side.
    if not all(map(operator.lt, keys, keys[1:])) or len(set(names)) != len(names):
        raise UncleanError("a tree is out of order, or has a name twice")
    if not _may_be_doubtful(names):
        return []
    if any(map(_is_doubtful, names)):
        raise UncleanError("a tree has a name that may mean another")
    acting = [row for row in rows(content, id_bytes=id_bytes) if _ACTING.match(row[1])]
    if any(mode == LINK for mode, _, _ in acting):
        raise UncleanError("a tree has a link in place of a file that git reads")
    return [key for _, _, key in acting]


def rows(content: bytes, *, id_bytes: int) -> list[Row]:
    """The entries of a tree that was checked."""
    found: list[Row] = _patterns(id_bytes).parts.findall(content)
    return found


class _Patterns(NamedTuple):
    """Patterns of a whole tree; and of one entry, by its parts, its name, and this with a mark.

    A tree matches in one way, so that what is found in one that was checked are its entries.
    """

    whole: re.Pattern[bytes]
    parts: re.Pattern[bytes]
    named: re.Pattern[bytes]
    marked: re.Pattern[bytes]


@cache
def _patterns(id_bytes: int) -> _Patterns:
    name, rest = rb"[^/\0]++", rb"\0.{%d}" % id_bytes
    files = rb"100644|100755|120000|160000"
    return _Patterns(
        *(
            re.compile(pattern, re.DOTALL)
            for pattern in (
                rb"(?:(?:40000|%s) %s%s)*+" % (files, name, rest),
                rb"(40000|%s) (%s)\0(.{%d})" % (files, name, id_bytes),
                rb"(?:%s) (%s)%s" % (files, name, rest),
                rb"(?:(40000)|%s) (%s)%s" % (files, name, rest),
            )
        )
    )


def _may_be_doubtful(names: list[bytes]) -> bool:
    """Whether one of these may be: a few searches for all of them, since nearly none is."""
    joined = b"\0" + b"\0".join(names)
    plain = joined.isascii() and b"\\" not in joined and b"~" not in joined
    return not plain or b"\0." in joined or len(joined) > _NAME_BYTES


def _is_doubtful(name: bytes) -> bool:
    return bool(
        name in (b".", b"..")
        or b"\\" in name
        or len(name) > _NAME_BYTES
        or _SHORTENED.search(name)
        or _IGNORED.search(name)
        or _OWN.match(name)
    )
