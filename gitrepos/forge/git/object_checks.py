"""Checks of objects by git (`fsck`), of which some are let off. Pure.

The rule is one question: can the object harm somebody who never checks out, and reads blobs by
their path? What stays refused makes a path name two things or none (names with a slash, `.`, `..`,
`.git`, twice the same, out of order), or cannot be read at all. A check that is not named here, as
a later git may have, is refused too.

Source: git-fsck(1), "FSCK MESSAGES".
"""

import re

# Lines about people and times, which are shown and decide nothing.
_PEOPLE = (
    "badDate", "badDateOverflow", "badEmail", "badName", "badTimezone", "missingAuthor",
    "missingCommitter", "missingEmail", "missingNameBeforeEmail", "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail", "multipleAuthors", "nulInCommit", "zeroPaddedDate",
)  # fmt: skip
# git reads such a mode as the one that was meant, here as in any checkout.
_MODES = ("badFilemode", "zeroPaddedFilemode")
# Files that act on whoever checks out or enters submodules. Attributes are read here too, by a git
# that bounds their lines wherever it has a check of them, and from regular files alone.
_ACTING = (
    "gitattributesBlob", "gitattributesLarge", "gitattributesLineLength", "gitattributesMissing",
    "gitattributesSymlink", "gitignoreSymlink", "gitmodulesBlob", "gitmodulesLarge",
    "gitmodulesMissing", "gitmodulesName", "gitmodulesParse", "gitmodulesPath",
    "gitmodulesSymlink", "gitmodulesUpdate", "gitmodulesUrl", "mailmapSymlink",
)  # fmt: skip
# Too long for some file systems; no tag is ever followed.
_OTHERS = ("badTagName", "extraHeaderEntry", "largePathname", "missingTaggerEntry")

LET_OFF = frozenset((*_PEOPLE, *_MODES, *_ACTING, *_OTHERS))

# `index-pack` and `fetch` stop at the first object, `fsck` lists all of them.
_LINE = re.compile(
    r"(?:error: object|(?:error|warning) in [a-z]+) (?P<object>[0-9a-f]{40,64}):"
    r" (?P<check>[A-Za-z0-9]+): (?P<words>.*)"
)
_STOPPED = (
    "fatal: fsck error in packed object",
    "fatal: fetch-pack: invalid index-pack output",
    "fatal: index-pack failed",
)
UNKNOWN = "unknown"
# Of `fsck` with faults in objects, loose and packed, and nothing else; of all that stop.
_STATUSES = (1, 4, 5, 128)


def failed(status: int, complaint: str) -> frozenset[str]:
    """The names of the checks that git's words say failed; empty when they are of something else.

    Whatever is said besides is among them as a name that is never let off.
    """
    lines = complaint.split("\n")
    checks = {match["check"] for line in lines if (match := _LINE.fullmatch(line))}
    if checks and (status not in _STATUSES or any(map(_is_else, lines))):
        checks.add(UNKNOWN)
    return frozenset(checks)


def first(complaint: str) -> str:
    """The first object that is refused, with the check and its words, for a message."""
    matches = [match for line in complaint.split("\n") if (match := _LINE.fullmatch(line))]
    match = next((match for match in matches if match["check"] not in LET_OFF), matches[0])
    words = "".join(c if c.isprintable() else "?" for c in match["words"])
    return f"{match['object']} ({match['check']}: {words[:200]})"


def _is_else(line: str) -> bool:
    told = line.startswith(("error: ", "error in ", "fatal: ", "missing ", "broken "))
    return told and not _LINE.fullmatch(line) and line.rstrip() not in _STOPPED
