"""The rule of the second person, as a table of persons."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.people import Person
from configurations.requests.rule import OBJECTIONS, Committers, may_confirm


def person(
    identity: str, marks: str = "", *, kind: str = "token", by: str = "", **of: str
) -> Person:
    """A person with addresses (words with an @) and keys (the others)."""
    words = marks.split()
    return Person(
        kind,
        identity,
        addresses=frozenset(word for word in words if "@" in word),
        keys=frozenset(word for word in words if "@" not in word),
        makers=frozenset(by.split()),
        of_makers=frozenset(of.get("makers", "").split()),
    )


def commit(marks: str, *, alone: bool = False, whole: bool = True) -> Committers:
    """The people of a commit."""
    told = person("", marks)
    return Committers(told.addresses, told.keys, alone, whole)


ADA, BOB = person("a", "ada@x"), person("b", "bob@x")
NAMELESS = person("n")
EVE = person("e", "eve@x", kind="person")
EVE_NAMELESS = person("e", kind="person")
PIPELINE = person("p", "bob@x", kind="trust")

ROWS = [
    # Who asked, who confirms, whose commit.
    (ADA, BOB, None, ""),
    (ADA, NAMELESS, None, ""),
    (person("p", kind="trust"), BOB, None, ""),
    (person("b", "ada@x", kind="trust"), BOB, None, ""),
    (ADA, ADA, None, "same_token"),
    (ADA, person("a"), None, "same_token"),
    (ADA, person("c", "ada@x"), None, "same_person"),
    (ADA, person("c", "cy@x ada@x"), None, "same_person"),
    (person("a", "KEY1"), person("c", "cy@x KEY1"), None, "same_person"),
    (person("a", "KEY1"), person("c", "cy@x KEY2"), None, ""),
    (ADA, person("c", "cy@x", by="a"), None, "made_by_asker"),
    (ADA, person("c", "cy@x", by="m a"), None, "made_by_asker"),
    (ADA, person("c", "cy@x", by="m"), None, ""),
    # Another token of who asked made the one that confirms.
    (ADA, person("c", "cy@x", by="m", makers="ada@x"), None, "same_person"),
    # Who made the asker's token may confirm: in that direction alone a second token helps.
    (person("a", "ada@x", by="b"), BOB, None, ""),
    (ADA, PIPELINE, None, "not_a_person"),
    (None, PIPELINE, commit("ada@x"), "not_a_person"),
    (None, BOB, commit("ada@x"), ""),
    (None, BOB, commit("ada@x eve@x KEY1"), ""),
    (None, BOB, commit("ada@x bob@x"), "own_commit"),
    (None, person("b", "bob@x KEY1"), commit("ada@x KEY1"), "own_commit"),
    (None, person("b", "bob@x", by="m", makers="ada@x"), commit("ada@x"), "own_commit"),
    (None, person("b", "bob@x", by="m", makers="KEY1"), commit("ada@x KEY1"), "own_commit"),
    (None, NAMELESS, commit("ada@x"), "names_no_address"),
    (None, person("n", "KEY2"), commit("ada@x"), "names_no_address"),
    (None, BOB, commit("KEY1", alone=True), "names_no_key"),
    (None, person("b", "bob@x KEY2"), commit("KEY1", alone=True), ""),
    # Who signs in by a provider: told from others who do by what it calls them, and from tokens by
    # addresses alone.
    (person("f", kind="person"), EVE_NAMELESS, None, ""),
    (EVE, EVE_NAMELESS, None, "same_token"),
    (EVE, person("f", "eve@x", kind="person"), None, "same_person"),
    (ADA, EVE, None, ""),
    (EVE, ADA, None, ""),
    (person("a", "eve@x"), EVE, None, "same_person"),
    (EVE, person("a", "cy@x", by="m", makers="eve@x"), None, "same_person"),
    (ADA, EVE_NAMELESS, None, "not_told_apart"),
    (NAMELESS, EVE, None, "not_told_apart"),
    (EVE, NAMELESS, None, "not_told_apart"),
    (EVE_NAMELESS, ADA, None, "not_told_apart"),
    (person("p", kind="trust"), EVE_NAMELESS, None, ""),
    (None, EVE, commit("ada@x"), ""),
    (None, EVE, commit("eve@x"), "own_commit"),
    (None, EVE_NAMELESS, commit("ada@x"), "no_verified_address"),
    (None, BOB, None, "nobody_known"),
    (None, BOB, commit("ada@x", whole=False), "nobody_known"),
    (ADA, BOB, commit("ada@x", whole=False), ""),
    (ADA, BOB, commit("bob@x", whole=False), "own_commit"),
    # Somebody asked for a commit besides: neither may confirm.
    (ADA, BOB, commit("cy@x"), ""),
    (ADA, BOB, commit("bob@x"), "own_commit"),
    (ADA, NAMELESS, commit("cy@x"), "names_no_address"),
    (ADA, ADA, commit("cy@x"), "same_token"),
]


@pytest.mark.parametrize(("asker", "confirmer", "people", "expected"), ROWS)
def test_who_may_confirm(
    asker: Person | None, confirmer: Person, people: Committers | None, expected: str
) -> None:
    """Somebody who is neither who asked nor of the commit, and can be told from both."""
    assert may_confirm(asker, confirmer, people) == expected


def test_each_objection_has_a_row() -> None:
    """And each says what helps."""
    assert {expected for *_, expected in ROWS} == {"", *OBJECTIONS}
    assert all("; " in text or ": " in text for text in OBJECTIONS.values())


MARKS = st.lists(st.sampled_from(["ada@x", "bob@x", "cy@x", "KEY1", "KEY2"]), max_size=3)
PEOPLE = st.builds(
    lambda identity, marks, by, above, kind: person(
        identity, " ".join(marks), by=" ".join(by), kind=kind, makers=" ".join(above)
    ),
    st.sampled_from("abc"),
    MARKS,
    st.lists(st.sampled_from("abc"), max_size=2),
    MARKS,
    st.sampled_from(["token", "trust"]),
)


@given(PEOPLE, PEOPLE, MARKS)
def test_whoever_confirms_shares_nothing_with_who_asks(
    asker: Person, confirmer: Person, marks: list[str]
) -> None:
    """Whatever tokens there are, and more marks of a commit let nobody in whom fewer keep out."""
    own = confirmer.addresses | confirmer.keys
    people = commit(" ".join(marks)) if marks else None
    if may_confirm(asker, confirmer, people) == "":
        assert confirmer.kind == "token"
        assert (asker.kind, asker.id) != (confirmer.kind, confirmer.id)
        assert asker.id not in confirmer.makers
        assert not own & (asker.addresses | asker.keys)
        assert not own & set(marks)
        assert may_confirm(asker, confirmer, None) == ""
