"""The diff's word for a change: what is only stronger lets nothing through that was stopped."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from kt.policy.decision import Snapshot, compile_policy
from kt.policy.decision.values import SEVERITY
from kt.policy.diff import compared
from kt.policy.mutants.operators import mutants
from kt.policy.mutants.samples import Part, of_kind
from kt.policy.mutants.searching import Search
from kt.policy.settings import settings
from kt.policy.testing.suites import CaseInput
from tests.kt.policy.made import MODELS, block, entry, is_valid, policies

Pair = tuple[dict[str, Any], dict[str, Any]]


def _pairs(seed: int) -> Iterator[Pair]:
    """Policies of which one is a change of the other, in one to three places."""
    chance = random.Random(seed)
    for made in policies(seed):
        changed = made
        for _ in range(chance.randint(1, 3)):
            changed = _changed(changed, chance)
        if changed != made and is_valid(changed):
            yield (made, changed) if chance.random() < 0.5 else (changed, made)


def _changed(made: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    found = list(mutants(made))
    chain = made["policies"]["chain"]
    if found and chance.random() < 0.6:
        return dict(chance.choice(found).policy)
    if chance.random() < 0.2:
        targets = [{**one, "model": chance.choice(MODELS)} for one in made["providers"]["targets"]]
        return {**made, "providers": {"targets": targets}}
    at = chance.randrange(len(chain)) if chain else 0
    kind = _name(chain[at]) if chain else "prompt-injection"
    if chance.random() < 0.5:
        return {**made, "policy": {**made["policy"], kind: block(kind, chance)}}
    new = [entry(kind, chance) if place == at else one for place, one in enumerate(chain)]
    return {**made, "policies": {"chain": new or ["prompt-injection"]}}


def _name(one: Any) -> str:
    return one if isinstance(one, str) else str(next(iter(one)))


def _parts(*made: dict[str, Any]) -> Iterator[Part]:
    """Inputs to which a kind of any of the policies may object."""
    for one in made:
        for kind in dict.fromkeys(map(_name, one["policies"]["chain"])):
            yield from of_kind(kind, settings(kind, one["policy"].get(kind)))


def _let_through(pair: Pair, most: int) -> str:
    """An input that the second of a pair judges less severely, "" where none is found."""
    sides: list[Snapshot] = [compile_policy(one) for one in pair]
    parts = list(_parts(*pair))
    inputs = [islice(Search(one, side).given(iter(parts)), most)
              for one, side in zip(pair, sides, strict=True)]  # fmt: skip
    for given in (one for several in inputs for one in several):
        held = CaseInput(given)
        before, after = (SEVERITY[held.decided(side).verdict] for side in sides)
        if after < before:
            return str(given)
    return ""


def _only_stronger(pair: Pair) -> bool:
    effects = {change.effect for change in compared(*pair)}
    return effects == {"stronger"}


def _counterexamples(stronger: list[Pair], most: int) -> list[tuple[Any, ...]]:
    found = ((pair, _let_through(pair, most)) for pair in stronger)
    return [(pair, given, compared(*pair)) for pair, given in found if given]


def _stronger(seed: int, count: int) -> list[Pair]:
    """Those of so many pairs that are only stronger by the diff."""
    return list(filter(_only_stronger, islice(_pairs(seed), count)))


def test_what_is_only_stronger_stops_all_that_was_stopped() -> None:
    """Of a few pairs made by chance, over inputs made from both."""
    assert _counterexamples(_stronger(1, 40), 60) == []


def test_a_target_that_serves_fewer_models_is_not_stronger() -> None:
    """A model that it refused for its target alone is then one that no target has."""
    chain = {"policies": {"chain": ["data-routing-policy"]}}
    made: dict[str, Any] = {
        "pack": {"name": "p", "version": "1.0.0", "enabled": True},
        **chain,
        "policy": {"data-routing-policy": {"require_no_training": True}},
    }
    wide, narrow = (
        {**made, "providers": {"targets": [{"id": "a", "provider": "openai", "model": model}]}}
        for model in ("gpt-*", "gpt-4o-*")
    )
    assert "'model': 'gpt-x'" in _let_through((wide, narrow), 60)
    assert [change.effect for change in compared(wide, narrow)] == ["other"]
    assert [change.effect for change in compared(narrow, wide)] == ["weaker"]


@pytest.mark.soak
def test_two_thousand_pairs_have_no_counterexample() -> None:
    """And many of them are only stronger."""
    stronger = _stronger(2, 2000)
    assert len(stronger) > 300
    assert _counterexamples(stronger, 250) == []
