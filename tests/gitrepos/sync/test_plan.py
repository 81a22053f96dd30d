"""What becomes of each file, as tables: outcome, owner, pin, override, prune, other links."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gitrepos.sync.candidates import Candidate, Linked, error
from gitrepos.sync.ownership import NamedIds, OtherLink
from gitrepos.sync.plan import Holder, LinkTerms, Plan, mass_removal, plan

HERE, THERE = "https://git.example/here.git", "https://git.example/there.git"
LINK = LinkTerms("me", HERE, auto_create=True, adopt=False, prune=False)
KEEPS = NamedIds({"x": "s/x"})


@pytest.fixture(autouse=True)
def _nothing_left() -> None:
    """Nothing here starts a process."""


@pytest.fixture(autouse=True)
def data_dir() -> None:
    """Nothing here has a folder."""


def file(path: str, name: str = "x", says: str = "1", called: str = "", **facts: Any) -> Candidate:
    """A good file; `says` is its content, hash and blob, `called` its pack's name."""
    given = {"content": says.encode(), "content_hash": says, "name": called or name, **facts}
    return Candidate(path, says, name, **given)


def broken(path: str, name: str = "x", **facts: Any) -> Candidate:
    """A file that is refused."""
    return file(path, name, "broken", findings=(error("E001", "wrong"),), **facts)


def row(path: str, name: str = "x", says: str = "1", outcome: str = "synced") -> Linked:
    """The row of a file at the last sync."""
    return Linked(path, name, says, outcome, says)


def held(owner: str = "me", force: str = "1", git: str = "1", **facts: Any) -> Holder:
    """A configuration: its owner, what is in force, and what git said last."""
    given = {"archived": False, "pinned": False, "name": "x", "origin_url": HERE, **facts}
    return Holder(owner=owner, content_hash=force, git_hash=git, **given)


def other(name: str = "sib", *, names: NamedIds = KEEPS, **facts: Any) -> OtherLink:
    """Another link, which has a file for each id that it names."""
    given = {"sibling": True, "kept": frozenset(names.named), **facts}
    return OtherLink(name, names=names, **given)


def planned(
    files: Sequence[Candidate] = (),
    rows: Sequence[Linked] = (),
    holders: dict[str, Holder] | None = None,
    others: Sequence[OtherLink] = (),
    **terms: Any,
) -> Plan:
    """The plan of a link."""
    link = replace(LINK, **terms)
    return plan(files, linked=rows, holders=holders or {}, link=link, others=others)


def told(made: Plan) -> set[str]:
    """A plan in words."""
    words = set()
    for d in made.decisions:
        codes = [f.code for f in d.findings if f.code != "E001"]
        does = [name for name in ("publish", "adopt") if getattr(d, name)]
        ends = ([f"replaces {d.replaced}"] if d.replaced else []) + (
            [f"from {d.taken_from}"] if d.taken_from else []
        )
        words.add(" ".join([d.candidate.path, d.outcome, *does, *ends, *codes]))
    retired = set(made.retired)
    words |= {f"{r.path} missing{' waits' * (r in made.waits)}" for r in made.missing}
    words |= {f"{r.path} archived{' now' * (r in retired)}" for r in made.archived}
    words |= {f"{r.path} dropped" for r in made.dropped}
    return words


GAVE_UP = other(names=NamedIds())
STRANGER = other(sibling=False)
GONE_STRANGER = other(sibling=False, names=NamedIds())
TAKEN = "p synced adopt from sib"
OWNED = "p conflict owned_by_another_link"

# Whose is the id? The holder, the link that feeds it, the settings, what comes of an equal file.
WHOSE: list[tuple[str, Holder | None, OtherLink | None, dict[str, Any], str]] = [
    ("nobody has it", None, None, {}, "p synced publish"),
    ("nobody has it", None, None, {"auto_create": False}, "p unlinked unlinked"),
    ("nobody has it", None, None, {"adopt": True}, "p synced publish"),
    ("this link", held(), None, {}, "p synced"),
    ("this link", held(), None, {"auto_create": False}, "p synced"),
    ("this link, from another url", held(origin_url=THERE), None, {}, "p synced"),
    ("the API", held("", git="", origin_url=""), None, {}, "p conflict not_adopted"),
    ("the API", held("", git="", origin_url=""), None, {"adopt": True}, "p synced adopt"),
    ("the API", held("", git="", origin_url=""), None, {"auto_create": False}, "p synced adopt"),
    ("a deleted link of this url", held(""), None, {}, "p synced adopt"),
    ("a deleted link of this url", held(""), None, {"auto_create": False}, "p synced adopt"),
    ("a deleted link elsewhere", held("", origin_url=THERE), None, {}, "p conflict not_adopted"),
    ("a deleted link elsewhere", held("", origin_url=THERE), None, {"adopt": True},
     "p synced adopt"),
    ("a sibling with its file", held("sib"), other(), {}, OWNED),
    ("a sibling with its file", held("sib"), other(), {"adopt": True}, OWNED),
    ("a sibling with its file", held("sib"), other(), {"auto_create": False}, OWNED),
    ("a sibling without", held("sib"), GAVE_UP, {}, TAKEN),
    ("a sibling without", held("sib"), GAVE_UP, {"adopt": True}, TAKEN),
    ("a sibling without", held("sib"), GAVE_UP, {"auto_create": False}, TAKEN),
    ("a sibling without, from another url", held("sib", origin_url=THERE), GAVE_UP, {}, TAKEN),
    ("a suspended sibling with its file", held("sib"), other(suspended=True), {}, OWNED),
    ("a suspended sibling without", held("sib"), other(names=NamedIds(), suspended=True), {},
     TAKEN),
    ("a sibling whose file only may name it", held("sib"), other(names=NamedIds(unread=("q",))), {},
     TAKEN),
    ("a sibling that says it has it still", held("sib"),
     other(names=NamedIds(), kept=frozenset({"x"})), {}, OWNED),
    ("an archiving sibling without", held("sib", archived=True), GAVE_UP, {},
     "p synced publish from sib"),
    ("an archiving sibling with its file", held("sib", archived=True), other(), {}, OWNED),
    ("a stranger with its file", held("sib"), STRANGER, {}, OWNED),
    ("a stranger with its file", held("sib"), STRANGER, {"adopt": True}, OWNED),
    ("a stranger without", held("sib"), GONE_STRANGER, {}, OWNED),
    ("a stranger without", held("sib"), GONE_STRANGER, {"adopt": True}, OWNED),
    ("a stranger with its file, archived", held("sib", archived=True), STRANGER, {}, OWNED),
    ("a stranger without, archived", held("sib", archived=True), GONE_STRANGER, {},
     "p synced publish from sib"),
    ("a stranger elsewhere, archived", held("sib", archived=True, origin_url=THERE), GONE_STRANGER,
     {}, "p conflict not_adopted"),
    ("a stranger elsewhere, archived", held("sib", archived=True, origin_url=THERE), GONE_STRANGER,
     {"adopt": True}, "p synced publish from sib"),
    ("somebody unknown", held("sib"), None, {"adopt": True}, OWNED),
]  # fmt: skip


@pytest.mark.parametrize(("holder", "feeder", "terms", "expected"), [c[1:] for c in WHOSE],
                         ids=[f"{c[0]} {c[3] or ''}" for c in WHOSE])  # fmt: skip
def test_whose_id_it_is(
    holder: Holder | None, feeder: OtherLink | None, terms: dict[str, Any], expected: str
) -> None:
    """A link feeds what is free, what is its own, and what a link of its branch gave up."""
    holders = {"x": holder} if holder else {}
    made = planned([file("p")], holders=holders, others=[feeder] if feeder else [], **terms)

    assert told(made) == {expected}
    assert told(planned([broken("p")], holders=holders)) == {"p quarantined"}


# What comes of content? What is in force and git said last, what the file says now, the outcome.
# An owner that is another link, or nobody, is replaced in any case.
CONTENT: list[tuple[str, Holder, str, str]] = [
    ("as it was", held(), "1", "synced"),
    ("changed", held(), "2", "synced publish"),
    ("an override, as it was", held(force="9"), "1", "synced"),
    ("an override, changed", held(force="9"), "2", "synced publish replaces 9"),
    ("an override, now said by git", held(force="9"), "9", "synced adopt"),
    ("a pin, as it was", held(pinned=True), "1", "synced"),
    ("a pin, changed", held(pinned=True), "2", "pinned adopt"),
    ("a pinned override, as it was", held(force="9", pinned=True), "1", "pinned"),
    ("a pinned override, changed", held(force="9", pinned=True), "2", "pinned adopt"),
    ("a pinned override, now said by git", held(force="9", pinned=True), "9", "synced adopt"),
    ("a released pin", held(force="9", git=""), "1", "synced publish"),
    ("a released pin, now said by git", held(force="9", git=""), "9", "synced adopt"),
    ("archived, as it was", held(archived=True), "1", "synced publish"),
    ("archived, changed", held(archived=True), "2", "synced publish"),
]


@pytest.mark.parametrize("owner", ["me", "", "sib"])
@pytest.mark.parametrize(("holder", "says", "expected"), [c[1:] for c in CONTENT],
                         ids=[c[0] for c in CONTENT])  # fmt: skip
def test_what_comes_of_content(holder: Holder, says: str, expected: str, owner: str) -> None:
    """The same whoever had the id before: an override and a pin outlive the link that fed them."""
    made = planned([file("p", says=says)], holders={"x": replace(holder, owner=owner)},
                   others=[GAVE_UP])  # fmt: skip

    takes = owner != "me" and "publish" not in expected and "adopt" not in expected
    words = f"{expected}{' adopt' * takes}{' from sib' * (owner == 'sib')}"
    assert told(made) == {f"p {words}"}
    assert made.writes == ("publish" in words or "adopt" in words)


UNREAD = broken("q", "", unread=True)
IN_PLACE = broken("q", "y", unread=True)
LIVE_Y = {"y": held()}
SAYS_X = broken("q", "y", named="x")
NAMES = NamedIds({"x": "s/x"})
NOBODY_READS = NamedIds(unread=("s/q",))
OUT, STAYS, WAITS = "p archived now", "p missing", "p missing waits"

# A file is gone: the configuration, the rest of the commit, other links, with prune and without.
LOST: list[tuple[str, Holder, list[Candidate], list[OtherLink], str, str]] = [
    ("and nothing is left", held(), [], [], OUT, STAYS),
    ("and another stays", held(), [file("q", "y")], [], OUT, STAYS),
    ("and one breaks where it was", held(), [IN_PLACE], [], OUT, STAYS),
    ("with an override", held(force="9"), [], [], OUT, STAYS),
    ("with a pin", held(pinned=True), [], [], STAYS, STAYS),
    ("archived already", held(archived=True), [], [], "p archived", "p archived"),
    ("and one that nobody can read came", held(), [UNREAD], [], WAITS, STAYS),
    ("and one came whose directory is guessed", held(), [broken("q", "z", unread=True)], [], WAITS,
     STAYS),
    ("and the file of another id names it, broken", held(), [SAYS_X], [], WAITS, STAYS),
    ("and one came that names it, broken", held(), [broken("q")], [], "p dropped", "p dropped"),
    ("and two came that name it", held(), [file("q"), file("r")], [], "p dropped", "p dropped"),
    ("and a sibling has it", held(), [], [other(names=NAMES)], WAITS, STAYS),
    ("and a suspended sibling has it", held(), [], [other(names=NAMES, suspended=True)], WAITS,
     STAYS),
    ("and a sibling has one that nobody can read", held(), [], [other(names=NOBODY_READS)], WAITS,
     STAYS),
    ("and a stranger has it", held(), [], [other(names=NAMES, sibling=False)], WAITS, STAYS),
    ("and a stranger has one that nobody can read", held(), [],
     [other(names=NOBODY_READS, sibling=False)], OUT, STAYS),
    ("and a sibling has another", held(), [], [other(names=NamedIds({"y": "s/y"}))], OUT, STAYS),
    ("pinned, and a sibling has it", held(pinned=True), [], [other(names=NAMES)], STAYS, STAYS),
    ("and a sibling feeds it by now", held("sib"), [], [other(names=NAMES)], "p dropped",
     "p dropped"),
    ("and nobody feeds it", held(""), [], [], "p dropped", "p dropped"),
]  # fmt: skip


@pytest.mark.parametrize("prune", [True, False])
@pytest.mark.parametrize("before", ["synced", "pinned", "quarantined", "missing"])
@pytest.mark.parametrize(("holder", "files", "others", "pruned", "kept"), [c[1:] for c in LOST],
                         ids=[c[0] for c in LOST])  # fmt: skip
def test_what_comes_of_a_lost_file(
    holder: Holder,
    files: list[Candidate],
    others: list[OtherLink],
    pruned: str,
    kept: str,
    before: str,
    prune: bool,
) -> None:
    """Nothing is archived that a file names, or may name; a row says what it waits for."""
    rows = [row("p", outcome=before), row("q", "y")]
    made = planned(files, rows, {"x": holder, **LIVE_Y}, others, prune=prune)

    assert {word for word in told(made) if word.startswith("p ")} == {pruned if prune else kept}
    assert {f.code for f in made.waits.values()} <= {"prune_waits"}
    assert all(f.severity == "warning" and f.message for f in made.waits.values())


@pytest.mark.parametrize("prune", [True, False])
def test_what_was_restored_from_the_archive_stays(prune: bool) -> None:
    """The row says that it was archived, and git said nothing new."""
    made = planned([], [row("p", outcome="archived")], {"x": held()}, prune=prune)

    assert told(made) == {"p archived"}
    assert not made.writes


TWO = {"x": held(), "y": held(force="2", git="2", name="y")}
X_ROW = row("p")

# Moves: the commit, what is known, who came from whom, and whether gateways follow.
MOVES: list[tuple[str, list[Candidate], dict[str, Holder], set[str]]] = [
    ("to another path", [file("n"), file("q", "y", "2")], TWO, {"p x > n x"}),
    ("to a new id", [file("n", "n"), file("q", "y", "2")], TWO, {"p x > n n follow"}),
    ("to a new id, edited", [file("n", "n", "3", called="x"), file("q", "y", "2")], TWO,
     {"p x > n n"}),
    ("to a new id, edited, named otherwise", [file("n", "n", "3")], {"x": held()}, set()),
    ("to two ids", [file("n", "n"), file("m", "m")], TWO, set()),
    ("both to new ids", [file("n", "n"), file("m", "m", "2")], TWO,
     {"p x > n n follow", "q y > m m follow"}),
    ("with an override", [file("n", "n")], {"x": held(force="9")}, {"p x > n n"}),
    ("with a pin", [file("n", "n")], {"x": held(pinned=True)}, {"p x > n n"}),
    ("to an id in its archive", [file("n", "n")], {"x": held(), "n": held(archived=True)},
     {"p x > n n follow"}),
    ("back to an id without a file", [file("n", "n")], {"x": held(), "n": held()},
     {"p x > n n follow"}),
    ("back to an id with an override", [file("n", "n")], {"x": held(), "n": held(force="9")},
     {"p x > n n"}),
    ("to an id of the API", [file("n", "n")], {"x": held(), "n": held("", origin_url="")}, set()),
    ("in its place", [file("p", "n")], {"x": held()}, {"p x > p n"}),
    ("to a new id, broken", [broken("n", "n")], {"x": held()}, set()),
    ("and another of the same bytes went", [file("n", "n")],
     {"x": held(), "y": held(name="z")}, set()),
    ("and copied", [file("p"), file("n", "n")], {"x": held()}, set()),
]  # fmt: skip


@pytest.mark.parametrize(("files", "holders", "expected"), [c[1:] for c in MOVES],
                         ids=[c[0] for c in MOVES])  # fmt: skip
def test_what_moved_where(
    files: list[Candidate], holders: dict[str, Holder], expected: set[str]
) -> None:
    """Gateways follow where exactly what is in force has another id now; never after an edit."""
    rows = [X_ROW]
    if "y" in holders:
        rows.append(row("q", "y", holders["y"].content_hash))

    def moved(**terms: Any) -> set[str]:
        return {
            f"{m.before.path} {m.before.configuration} > {m.after.path} {m.after.configuration}"
            + " follow" * m.carries
            for m in planned(files, rows, holders, **terms).moves
        }

    assert moved() == expected
    assert moved(prune=True) == expected
    assert moved(renames=False) == {word.removesuffix(" follow") for word in expected}


OWN = {name: held(force=name, git=name) for name in "abcde"}

MASS: list[tuple[str, str, dict[str, Any], bool]] = [
    ("three of five go", "ab", {}, True),
    ("two of four go", "bc", {"rows": "abcd"}, False),
    ("three of four go", "c", {"rows": "abcd"}, True),
    ("all of three go", "", {"rows": "abc"}, False),
    ("two of five go", "abc", {}, False),
    ("all go", "", {}, True),
    ("all go to a sibling", "", {"others": [other(names=NamedIds(dict.fromkeys("abcde", "s")))]},
     False),
    ("three go, one to a sibling", "ab", {"others": [other(names=NamedIds({"c": "s"}))]}, False),
    ("all go, a stranger has them",
     "", {"others": [other(sibling=False, names=NamedIds(dict.fromkeys("abcde", "s")))]}, True),
    ("all may be what nobody can read", "", {"others": [other(names=NOBODY_READS)]}, True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("left", "terms", "waits"), [c[1:] for c in MASS], ids=[c[0] for c in MASS]
)
def test_what_waits_for_a_person(left: str, terms: dict[str, Any], waits: bool) -> None:
    """Over half of at least four, not counting what another link of the branch has."""
    files = [file(name, name, name) for name in left]
    rows = [row(name, name, name) for name in terms.pop("rows", "abcde")]

    assert (mass_removal(planned(files, rows, OWN, **terms)) is not None) == waits


def test_two_files_of_one_id_are_both_refused() -> None:
    """Good or not, in this link; nobody guesses."""
    made = planned([file("p"), broken("q"), file("r", "y")])

    assert told(made) == {
        "p conflict duplicate_id",
        "q conflict duplicate_id",
        "r synced publish",
    }
    said = [decision.findings[-1] for decision in made.decisions if decision.findings]
    assert [finding.message for finding in said] == [
        "q names the id 'x' too",
        "p names the id 'x' too",
    ]
    assert all("pack.id" in finding.suggestion for finding in said)


def test_one_file_under_two_links_is_nobodys_to_remove() -> None:
    """Whoever removed one of the two would remove the policy."""
    same = other(names=NamedIds({"x": "p"}))
    made = planned([file("p")], holders={"x": held("sib")}, others=[same])
    [finding] = made.decisions[0].findings

    assert finding.message == (
        "the configuration 'x' is fed by the link sib, which has this same file; exclude it there,"
        " or delete this link"
    )


def test_a_file_that_another_link_took_meanwhile_is_no_longer_in_force() -> None:
    """It was not read again, as it had not changed; the next look reads it."""
    made = planned([file("p", unchanged=True)], [row("p")], {"x": held("sib")}, [other()])

    assert told(made) == {OWNED}


def test_a_refusal_says_what_to_do() -> None:
    """It names the link, and the other file where there is one."""
    said = {
        feeder.sibling: planned([file("p")], holders={"x": held("sib")}, others=[feeder])
        .decisions[0]
        .findings[-1]
        .message
        for feeder in (other(), STRANGER)
    }

    assert "link sib" in said[True] and "s/x" in said[True] and "remove one" in said[True]
    assert "link sib" in said[False] and "archive it" in said[False]
