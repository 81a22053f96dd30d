"""Commits as `git fsck` and `git log` read them: clean in every way, or left to git. Pure.

Source: git-fsck(1), "FSCK MESSAGES"; git-log(1), "raw".
"""

import re
from typing import NamedTuple

from gitrepos.snapshot.packs.errors import UncleanError

_MOST_BYTES = 256 * 1024
# Years of four digits, and zones as nearly all commits have them.
_PERSON = rb"[^<>\n]+ <[^<>\n]*> (?:0|[1-9][0-9]{0,11}) [+-][0-9]{4}"
_COMMIT = (
    rb"tree (?P<tree>[0-9a-f]{%d})\n"
    rb"(?:parent [0-9a-f]{%d}\n)*"
    rb"author " + _PERSON + rb"\n"
    rb"committer " + _PERSON + rb"\n"
    rb"(?:[^\n]+\n)*\n"
)
# git writes such a message anew, and leaves the line out.
_ENCODED = b"\nencoding "
_AUTHOR = re.compile(rb"\nauthor ")
_TRIMMED = b" \t\r"


class StoredCommit(NamedTuple):
    """A commit: the id of its tree, its header lines, and its message."""

    tree: bytes
    header: bytes
    message: bytes


def read(content: bytes, *, id_bytes: int) -> StoredCommit:
    """A commit that no check of git's finds a fault in; lines of the message end without blanks.

    Raises:
        UncleanError: one may, or git would show its message in other bytes.
    """
    if len(content) > _MOST_BYTES or b"\0" in content:
        raise UncleanError("a commit is too large, or has a NUL")
    digits = 2 * id_bytes
    match = re.match(_COMMIT % (digits, digits), content)
    if match is None:
        raise UncleanError("a commit has an odd header")
    header = match[0][:-2]
    if _ENCODED in header or len(_AUTHOR.findall(header)) != 1:
        raise UncleanError("a commit has an encoding, or two authors")
    message = content[match.end() :]
    lines = [line.rstrip(_TRIMMED) for line in message.split(b"\n")]
    return StoredCommit(bytes.fromhex(match["tree"].decode()), header, b"\n".join(lines))
