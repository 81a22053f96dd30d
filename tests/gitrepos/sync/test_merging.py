"""Merges of files, by what each of two branches did since they parted; pure."""

import pytest

from gitrepos.snapshot.values import File
from gitrepos.sync.candidates import Candidate
from gitrepos.sync.merging import marked, merge

PATH = "a/policy-config.yaml"


def side(blob: str) -> tuple[File, ...]:
    """The files of a branch; a dash for none."""
    return () if blob == "-" else (File(PATH, blob, blob.encode()),)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged", "both"),
    [
        ("1", "1", "1", "1", False),
        ("1", "1", "2", "2", False),  # Changed by the branch.
        ("1", "2", "1", "2", False),  # Changed since by the branch that is merged into.
        ("1", "2", "2", "2", False),  # Picked by both.
        ("1", "2", "3", "3", True),
        ("-", "-", "1", "1", False),  # Added by the branch.
        ("-", "1", "-", "1", False),  # Added since.
        ("-", "1", "1", "1", False),
        ("-", "1", "2", "2", True),
        ("1", "1", "-", "-", False),  # Removed by the branch.
        ("1", "-", "1", "-", False),  # Removed since.
        ("1", "-", "-", "-", False),
        ("1", "2", "-", "2", True),
        ("1", "-", "2", "2", True),
    ],
)
def test_a_file_is_as_whoever_changed_it_has_it(
    base: str, ours: str, theirs: str, merged: str, both: bool
) -> None:
    """Where both did, each in its way, nobody knows before the merge."""
    found = merge(side(ours), side(theirs), side(base))

    assert found.files == side(merged)
    assert found.both == (frozenset([PATH]) if both else frozenset())


def test_files_are_sorted_each_path_once() -> None:
    """As a snapshot has them."""
    ours = (File("b", "1"), File("d", "1"))
    theirs = (File("a", "1"), File("b", "1"), File("c", "1"))

    assert [file.path for file in merge(ours, theirs, ()).files] == ["a", "b", "c", "d"]


def test_what_both_changed_has_a_warning() -> None:
    """It may be enforced all the same; its neighbours have none."""
    candidates = Candidate(PATH, "1", "a"), Candidate("b", "1", "b")

    first, second = marked(candidates, frozenset([PATH]))

    assert [(one.code, one.severity) for one in first.findings] == [("changed_on_both", "warning")]
    assert first.ok
    assert second is candidates[1]
