"""Each check of objects that git makes, and whether a failure of it is let off."""

import re

import pytest

from gitrepos.errors import UnsafeObjectError
from gitrepos.forge.git import complaints
from gitrepos.forge.git.object_checks import LET_OFF, failed

OBJECT = "ab" * 20
# Source: git-fsck(1) of git 2.52, "FSCK MESSAGES", without those of refs.
HARMLESS = re.findall(
    r"\w+",
    """
badDate badDateOverflow badEmail badFilemode badName badTagName badTimezone extraHeaderEntry
gitattributesBlob gitattributesLarge gitattributesLineLength gitattributesMissing
gitattributesSymlink gitignoreSymlink gitmodulesBlob gitmodulesLarge gitmodulesMissing
gitmodulesName gitmodulesParse gitmodulesPath gitmodulesSymlink gitmodulesUpdate gitmodulesUrl
largePathname mailmapSymlink missingAuthor missingCommitter missingEmail missingNameBeforeEmail
missingSpaceBeforeDate missingSpaceBeforeEmail missingTaggerEntry multipleAuthors nulInCommit
zeroPaddedDate zeroPaddedFilemode
""",
)
HARMFUL = re.findall(
    r"\w+",
    """
badObjectSha1 badParentSha1 badTree badTreeSha1 badType duplicateEntries emptyName fullPathname
hasDot hasDotdot hasDotgit missingObject missingTag missingTagEntry missingTree missingType
missingTypeEntry nulInHeader nullSha1 treeNotSorted unknownType unterminatedHeader
""",
)


@pytest.mark.parametrize("check", HARMLESS)
def test_what_harms_no_reader_of_blobs_is_let_off(check: str) -> None:
    """People, times, modes, and files that act on a checkout."""
    assert failed(1, f"error in tree {OBJECT}: {check}: words\n") <= LET_OFF


@pytest.mark.parametrize("check", [*HARMFUL, "aCheckOfALaterGit"])
def test_what_makes_paths_doubtful_is_refused(check: str) -> None:
    """And what nobody can read, and what is not known."""
    assert failed(1, f"error in tree {OBJECT}: {check}: words\n") - LET_OFF == {check}


LINE = f"error in commit {OBJECT}: badTimezone: words\n"
STOPPED = f"error: object {OBJECT}: zeroPaddedFilemode: contains zero-padded file modes\n"


@pytest.mark.parametrize(
    ("status", "complaint", "checks"),
    [
        (1, LINE, {"badTimezone"}),
        (4, LINE, {"badTimezone"}),
        (1, f"notice: HEAD points to an unborn branch (main)\n{LINE}", {"badTimezone"}),
        (1, f"{LINE}warning in tree {OBJECT}: hasDot: words\n", {"badTimezone", "hasDot"}),
        (128, f"{STOPPED}fatal: fsck error in packed object\n", {"zeroPaddedFilemode"}),
        (128, f"{STOPPED}fatal: fetch-pack: invalid index-pack output\n", {"zeroPaddedFilemode"}),
        # Something else is wrong besides.
        (3, LINE, {"badTimezone", "unknown"}),
        (1, f"{LINE}error: {OBJECT}: object corrupt or missing: x\n", {"badTimezone", "unknown"}),
        (128, f"{LINE}fatal: out of memory\n", {"badTimezone", "unknown"}),
        (1, f"{LINE}error in tree {OBJECT}: broken links\n", {"badTimezone", "unknown"}),
        # Nothing is said of a check.
        (1, f"error: {OBJECT}: object corrupt or missing: x\n", set()),
        (128, "fatal: the remote end hung up unexpectedly\n", set()),
        (0, "", set()),
    ],
)  # fmt: skip
def test_the_checks_that_failed_are_read_from_what_git_says(
    status: int, complaint: str, checks: set[str]
) -> None:
    """With a mark that is never let off where it says anything else."""
    assert failed(status, complaint) == checks


def test_a_refused_object_is_named_and_blamed_on_the_check() -> None:
    """The one that is not let off, though another was told before it."""
    words = f"{LINE}error in tree {'cd' * 20}: hasDotdot: contains '..'\n"

    error = complaints.translated(1, words, is_late=False)

    assert isinstance(error, UnsafeObjectError)
    assert (error.code, error.fault) == ("unsafe_object", "user")
    assert error.message == (
        "Our own check refuses an object of the repository:"
        f" {'cd' * 20} (hasDotdot: contains '..')."
    )
