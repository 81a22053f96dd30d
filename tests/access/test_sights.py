"""Sights: which ids and labels they see, and which sight is provably within another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access import sights
from access.sights import Sight

_IDS = st.text("ab-.", min_size=1, max_size=5)
_GLOBS = st.text("ab-.*", min_size=1, max_size=5)
_LABELS = st.dictionaries(st.sampled_from("kl"), st.sampled_from("xy"))
_SIGHTS = st.builds(
    lambda ids, labels: Sight(tuple(ids), frozenset(labels.items())),
    st.lists(_GLOBS, max_size=2),
    _LABELS,
)


@pytest.mark.parametrize(
    ("ids", "labels", "configuration_id", "its", "seen"),
    [
        (["a"], {}, "a", {}, True),
        (["a"], {}, "ab", {}, False),
        (["a*"], {}, "a", {}, True),
        (["a*"], {}, "ab.c-d", {}, True),
        (["a*"], {}, "ba", {}, False),
        (["*-a"], {}, "b-a", {}, True),
        (["a.b"], {}, "a-b", {}, False),
        (["a", "b*"], {}, "bc", {}, True),
        (["*"], {}, "a", {}, True),
        (["*"], {}, "", {}, False),
        ([], {}, "", {}, False),
        ([], {}, "a", {"k": "x"}, False),
        ([], {"k": "x"}, "a", {"k": "x", "l": "y"}, True),
        ([], {"k": "x"}, "a", {"k": "y"}, False),
        ([], {"k": "x", "l": "y"}, "a", {"k": "x"}, False),
        (["b"], {"k": "x"}, "a", {"k": "x"}, True),
        (["a"], {"k": "x"}, "a", {}, True),
    ],
)
def test_a_glob_or_all_labels_are_enough(
    ids: list[str], labels: dict[str, str], configuration_id: str, its: dict[str, str], seen: bool
) -> None:
    """Ids are matched whole, and no labels select nothing."""
    sight = Sight(tuple(ids), frozenset(labels.items()))

    assert sight.sees(configuration_id, its) == seen


@given(_SIGHTS, _SIGHTS, st.lists(_IDS, max_size=8), _LABELS)
def test_what_is_covered_sees_no_more(
    outer: Sight, inner: Sight, ids: list[str], labels: dict[str, str]
) -> None:
    """Whatever the ids and labels of configurations are."""
    if outer.covers(inner):
        assert all(outer.sees(one, labels) for one in ids if inner.sees(one, labels))


@pytest.mark.parametrize(
    ("outer", "inner", "covered"),
    [
        (["a*"], ["ab*"], True),
        (["a*"], ["a*"], True),
        (["a*", "b"], ["b", "ac"], True),
        (["a*c"], ["ab*c"], True),
        (["*"], ["a*"], True),
        (["a"], ["a*"], False),
        (["a*"], ["*a"], False),
        (["a*"], ["a", "b"], False),
        ([], ["a"], False),
        (["a"], [], True),
    ],
)
def test_globs_within_globs(outer: list[str], inner: list[str], covered: bool) -> None:
    """All that one matches is matched by one of the others."""
    assert Sight(tuple(outer)).covers(Sight(tuple(inner))) == covered


def test_labels_within_labels() -> None:
    """More labels select fewer configurations, and no labels none."""
    one, two = frozenset({("k", "x")}), frozenset({("k", "x"), ("l", "y")})

    assert Sight(labels=one).covers(Sight(labels=two))
    assert not Sight(labels=two).covers(Sight(labels=one))
    assert not Sight(("*",)).covers(Sight(labels=one))
    assert Sight(labels=one).covers(Sight())
    assert not Sight().covers(Sight(labels=one))


def test_no_sight_is_the_widest() -> None:
    """A credential without one sees all, also what a glob of all does not."""
    every = Sight(("*",))

    assert sights.covers(None, None) and sights.covers(None, every)
    assert not sights.covers(every, None)
    assert sights.covers(every, Sight(("a",)))


@given(_SIGHTS)
def test_what_is_stored_is_read_again(sight: Sight) -> None:
    """Its globs and labels are all there is."""
    assert sights.read(sight.stored()) == sight
    assert sights.read(None) is None


@pytest.mark.parametrize("glob", ["", "A", "a b", "a/b", "a?", "[a]", "****", "a" * 201, "a\n"])
def test_globs_that_are_none(glob: str) -> None:
    """What an id cannot have, and what would cost too much."""
    assert sights.problem(glob)


@pytest.mark.parametrize("glob", ["a", "team-a-*", "*.x", "*", "a*b*c*"])
def test_globs_that_are_some(glob: str) -> None:
    """Characters of ids, and a few stars."""
    assert sights.problem(glob) is None
