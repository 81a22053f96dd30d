"""Which id a file names, and what another link still has a file for, as tables."""

from typing import Any

import pytest

from gitrepos.snapshot.values import Commit, Defect, File, Snapshot
from gitrepos.sync import ownership
from gitrepos.sync.candidates import Candidate, Linked, read
from kt.policy.verify import verify
from tests.support.repo import policy

PATH = "p/bot/policy-config.yaml"
WRONG = "nonsense: 1\n"
POINTER = Defect("lfs_pointer", "is a pointer")


@pytest.fixture(autouse=True)
def _nothing_left() -> None:
    """Nothing here starts a process."""


@pytest.fixture(autouse=True)
def data_dir() -> None:
    """Nothing here has a folder."""


def row(name: str, outcome: str = "synced", path: str = PATH, blob: str = "old") -> Linked:
    """A file at the last sync."""
    return Linked(path, name, blob, outcome)


# The file, the row of its path if it had one: what it is taken for, what it says itself, and
# whether nobody can tell.
FILES: list[tuple[str, str | Defect, Linked | None, tuple[str, str, bool]]] = [
    ("an id", policy(id="x"), None, ("x", "", False)),
    ("no id: the directory's", policy(), None, ("bot", "", False)),
    ("an id, where another was", policy(id="x"), row("y"), ("x", "", False)),
    ("an id, refused", policy(id="x") + WRONG, None, ("x", "", False)),
    ("an id, refused, where another was", policy(id="x") + WRONG, row("y"), ("y", "x", False)),
    ("an id, refused, where it was", policy(id="x") + WRONG, row("x"), ("x", "", False)),
    ("an id, refused, where another went", policy(id="x") + WRONG, row("y", "missing"),
     ("x", "", False)),
    ("no id, refused", policy() + WRONG, None, ("bot", "", False)),
    ("an id, and no end", policy(id="x") + "bad: [\n", None, ("x", "", False)),
    ("an id, and no end, where another was", policy(id="x") + "bad: [\n", row("y"),
     ("y", "x", False)),
    ("no id, and no end", policy() + "bad: [\n", None, ("bot", "", True)),
    ("no pack", "pack: [\n", None, ("bot", "", True)),
    ("no pack, where one was", "pack: [\n", row("y"), ("y", "", True)),
    ("prose", "Nothing here.\n", None, ("bot", "", True)),
    ("nothing", "", None, ("bot", "", True)),
    ("a list", "- pack\n", None, ("bot", "", True)),
    ("an id that is none", policy(id="Not An Id"), None, ("", "", True)),
    ("an id that is none, where one was", policy(id="Not An Id"), row("y"), ("y", "", True)),
    ("an id that is too long with the prefix", policy(id="x" * 200), None, ("", "", True)),
    ("a pointer", POINTER, None, ("", "", True)),
    ("a pointer, where one was", POINTER, row("y"), ("y", "", True)),
    ("a pointer, where one went", POINTER, row("y", "archived"), ("", "", True)),
]  # fmt: skip


@pytest.mark.parametrize(("given", "before", "expected"), [c[1:] for c in FILES],
                         ids=[c[0] for c in FILES])  # fmt: skip
def test_which_id_a_file_names(
    given: str | Defect, before: Linked | None, expected: tuple[str, str, bool]
) -> None:
    """A refused file keeps the id that it had; what it says itself counts for others."""
    content, defect = (given.encode(), None) if isinstance(given, str) else (None, given)
    file = File(PATH, "new", content, defect)
    prefix = "eu-" if "x" * 200 in str(given) else ""
    rows = [before] if before else []

    [found] = read(Snapshot(Commit("c", "", ""), "t", (file,)), rows, verify=verify, prefix=prefix)

    assert (found.configuration, found.named, found.unread) == expected


def file(name: str, **facts: Any) -> Candidate:
    """A file of the commit."""
    return Candidate(PATH, "new", name, **facts)


X, Y, NONE = [row("x")], [row("y")], [row("x", "missing")]
HAS, HAS_NOT, UNREAD = [file("x")], [], [file("", unread=True)]
APART, IDLE, FAILS = {"together": False}, {"suspended": True}, {"failing": True}
UNSIGNED = {"signed": False}

# Its rows, its files in the commit (None: not read), how it stands; whether it keeps x, whether
# it names x, and whether a file of it may be anything.
LINKS: list[tuple[list[Linked], list[Candidate] | None, dict[str, bool], str]] = [
    (X, HAS, {}, "keeps names"),
    (X, HAS_NOT, {}, ""),
    (NONE, HAS, {}, "keeps names"),
    (NONE, HAS_NOT, {}, ""),
    (X, None, {}, "keeps names"),
    (NONE, None, {}, ""),
    (X, HAS_NOT, APART, "keeps names"),
    (NONE, HAS, APART, "keeps names"),
    (NONE, HAS_NOT, APART, ""),
    (X, HAS_NOT, UNSIGNED, "keeps names"),
    (NONE, HAS, UNSIGNED, "keeps names"),
    (NONE, HAS_NOT, UNSIGNED, ""),
    (X, HAS, IDLE, "keeps names"),
    (X, HAS_NOT, IDLE, ""),
    (NONE, HAS, IDLE, "names"),
    (X, HAS_NOT, {**IDLE, **APART}, ""),
    (NONE, HAS, {**IDLE, **APART}, "names"),
    (X, HAS_NOT, {**IDLE, **UNSIGNED}, "keeps names"),
    (X, HAS, FAILS, "keeps names"),
    (X, HAS_NOT, FAILS, ""),
    (X, HAS_NOT, {**FAILS, **APART}, ""),
    (NONE, HAS, {**FAILS, **APART}, "names"),
    (X, None, {**FAILS, **APART}, "keeps names"),
    (X, UNREAD, {}, "any"),
    (X, [file("x", unread=True)], {}, "keeps names"),
    (Y, [file("y", unread=True)], {}, "any"),
    ([row("z")], [file("z", unread=True)], {}, ""),
    (Y, [file("y", named="x")], {}, "keeps names"),
    (X, [file("x", named="y")], {}, ""),
    ([row("x", "quarantined", blob="new")], [file("x", named="y")], APART, ""),
    ([row("x", "quarantined", blob="old")], [file("x", named="y")], APART, "keeps names"),
    ([row("w", "quarantined")], None, {}, "any"),
    ([row("z", "quarantined")], None, {}, ""),
]


@pytest.mark.parametrize(("rows", "files", "stands", "expected"), LINKS)
def test_what_another_link_still_has(
    rows: list[Linked], files: list[Candidate] | None, stands: dict[str, bool], expected: str
) -> None:
    """A link that goes on by itself keeps what it said; one that does not is what git says."""
    found = ownership.seen("sib", rows, files, fed={"x", "z"}, sibling=True, **stands)

    words = {"keeps": "x" in found.kept, "names": "x" in found.names.named,
             "any": bool(found.names.unread)}  # fmt: skip
    assert " ".join(word for word, holds in words.items() if holds) == expected


@pytest.mark.parametrize("configuration", ["x", ""])
def test_a_path_is_that_of_the_present_file(configuration: str) -> None:
    """Where a file moved within its link, the place that it left is not told."""
    rows = [row(configuration, path="b"), row(configuration, "missing", path="a")]

    assert ownership.seen("sib", rows, None, fed=(), sibling=True).paths == {configuration: "b"}
