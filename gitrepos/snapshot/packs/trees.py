"""Trees as `git fsck` reads them: clean in every way, or left to git. Pure.

Source: git-fsck(1), "FSCK MESSAGES".
"""

import operator
import re
from functools import cache

from gitrepos.snapshot.packs.errors import UncleanError

DIRECTORY, LINK, SUBMODULE = b"40000", b"120000", b"160000"

Row = tuple[bytes, bytes, bytes]
"""An entry of a tree: its mode, its name, and the id of what it is."""

_MODE = rb"40000|100644|100755|120000|160000"
_NAME_BYTES = 4096
# What macOS leaves out of a name, and how Windows shortens one: each may stand for another name.
_IGNORED = re.compile(rb"\xe2\x80[\x8c-\x8f\xaa-\xae]|\xe2\x81[\xaa-\xaf]|\xef\xbb\xbf")
_SHORTENED = re.compile(rb"~[0-9]")
# A letter behind `.git` makes a longer name. What is behind the others may be dropped, too.
_OWN = re.compile(rb"\.git(?![a-z0-9_-]|\Z)|\.git\Z|\.git(?:modules|attributes|ignore)(?!\Z)", re.I)
_ACTING = re.compile(rb"\.(?:git|mailmap)", re.I)


def rows(content: bytes, *, id_bytes: int) -> list[Row]:
    """The entries of a tree that no check of git's finds a fault in.

    Raises:
        UncleanError: one may; also for what git would let off, since it has the names of that.
    """
    whole, entry = _patterns(id_bytes)
    if not whole.fullmatch(content):
        raise UncleanError("a tree is malformed, or has an odd mode or name")
    # The pattern has one way to match, so that each entry begins where the one before it ends.
    found: list[Row] = entry.findall(content)
    if bytes(id_bytes) in content:
        raise UncleanError("a tree may have the null id")
    keys = [name + b"/" if mode == DIRECTORY else name for mode, name, _ in found]
    names = [name for _, name, _ in found]
    # A file and a directory of one name need not stand side by side.
    if not all(map(operator.lt, keys, keys[1:])) or len(set(names)) != len(names):
        raise UncleanError("a tree is out of order, or has a name twice")
    if _may_be_doubtful(names) and any(map(_is_doubtful, found)):
        raise UncleanError("a tree has a name that may mean another")
    return found


@cache
def _patterns(id_bytes: int) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """The pattern of a whole tree, and that of one entry with its parts."""
    whole = rb"(?:(?:%s) [^/\0]+\0.{%d})*" % (_MODE, id_bytes)
    entry = rb"(%s) ([^/\0]+)\0(.{%d})" % (_MODE, id_bytes)
    return re.compile(whole, re.DOTALL), re.compile(entry, re.DOTALL)


def _may_be_doubtful(names: list[bytes]) -> bool:
    """Whether one of these may be: a few searches for all of them, since nearly none is."""
    joined = b"\0" + b"\0".join(names)
    plain = joined.isascii() and b"\\" not in joined and b"~" not in joined
    return not plain or b"\0." in joined or len(joined) > _NAME_BYTES


def _is_doubtful(row: Row) -> bool:
    mode, name, _ = row
    return bool(
        name in (b".", b"..")
        or b"\\" in name
        or len(name) > _NAME_BYTES
        or _SHORTENED.search(name)
        or _IGNORED.search(name)
        or _OWN.match(name)
        or (mode == LINK and _ACTING.match(name))
    )
