"""The mutants of policies: which there are, what becomes of them, and cases that kill them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.policy.decision import compile_policy
from kt.policy.decision.detectors.harmful import MODES
from kt.policy.decision.kinds import COMPILERS
from kt.policy.decision.snapshot import recompile
from kt.policy.language.regions import ID_COUNTRIES
from kt.policy.lint import lint
from kt.policy.mutants.globs import covers, meet
from kt.policy.mutants.measure import Mutation, Tried, mutate
from kt.policy.mutants.mutant import Mutant
from kt.policy.mutants.operators import mutants
from kt.policy.mutants.pasting import pasted
from kt.policy.mutants.patterns import altered, samples
from kt.policy.mutants.searching import Proposal
from kt.policy.nodes import MappingNode
from kt.policy.testing.suites import run_suites
from kt.policy.yaml.document import read
from tests.kt.policy.builders import policy
from tests.kt.policy.made import data_of, policies
from tests.support.stack import ROOT

EXAMPLES = sorted((ROOT / "examples/policies").glob("*/policy-config.yaml"))


def _mutated(made: Any, extra: Any = (), **options: Any) -> Mutation:
    data = made if isinstance(made, bytes) else data_of(made)
    assert lint(data).ok, lint(data).errors
    root = read(data).root
    assert isinstance(root, MappingNode)
    return mutate(root, extra, **options)


def _suites(proposal: Proposal) -> list[dict[str, Any]]:
    """The suite that a proposed case makes, as it is pasted."""
    (case,) = yaml.safe_load(pasted(proposal))
    target = {"target": proposal.target} if proposal.target else {}
    return [{"name": "s", "cases": [case], **target}]


def _kills(made: dict[str, Any], tried: Tried) -> bool:
    assert tried.proposal is not None
    suites = _suites(tried.proposal)
    assert lint(data_of({**made, "testing": {"suites": suites}})).ok
    passes = all(one.passed for one in run_suites(made, suites))
    return passes and not all(one.passed for one in run_suites(dict(tried.mutant.policy), suites))


def _survivors(seed: int) -> Iterator[tuple[dict[str, Any], Tried]]:
    for made in policies(seed):
        for tried in _mutated(made, most=25).of("survived"):
            yield made, tried


def test_a_proposed_case_kills_its_survivor() -> None:
    """As it is pasted, of policies made by chance."""
    assert all(_kills(made, tried) for made, tried in islice(_survivors(1), 40))


@pytest.mark.soak
def test_two_hundred_proposed_cases_kill_two_hundred_survivors() -> None:
    """200 of 200, of a few dozen policies; and hardly a mutant is left undecided."""
    killed = [_kills(made, tried) for made, tried in islice(_survivors(7), 200)]
    assert (len(killed), sum(killed)) == (200, 200)
    fates = [one.fate for made in islice(policies(8), 40) for one in _mutated(made).tried]
    assert fates.count("undecided") < 0.05 * len(fates)


@pytest.mark.soak
def test_a_thousand_mutants_take_a_minute_at_most() -> None:
    """Of the CPU, with a proposed case for each that survives."""
    start, tried = time.process_time(), 0
    for made in policies(9):
        tried += len(_mutated(made).tried)
        if tried >= 1000:
            break
    assert time.process_time() - start < 60


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_the_tests_of_an_example_notice_its_mutants(path: Any) -> None:
    """At least 95 of a hundred, and the policy passes them itself."""
    found = _mutated(path.read_bytes())

    assert found.failing == ()
    assert found.percent >= 95
    assert len(found.of("undecided")) <= 1


FULL = {
    "safety-filter": {
        "block_if": ["red falcon"],
        "fuzzy_matching": True,
        "max_distance": 1,
        "mode": "education",
    },
    "prompt-injection": {
        "detection": {"attack_patterns": ["zz9+x"]},
        "encoding": {"decode_base64": True, "normalize_unicode": True, "detect_homoglyphs": False},
        "boundaries": {"reject_fake_boundaries": True},
        "scope": "tool_results",
    },
    "pii-detector": {
        "healthcare_mode": True,
        "pci_mode": True,
        "action": "redact",
        "phone_regions": ["DE", "US", "JP"],
        "national_ids": [*ID_COUNTRIES],
    },
    "dlp-filter": {"blocked_terms": ["blue heron"], "detect_patterns": [r"\bT-[0-9]{3}\b"]},
    "rbac": {
        "deny_if_missing": ["X-User-ID"],
        "require_auth": True,
        "roles": {"reader": {"allowed_tools": ["search", "read_*"], "denied_tools": ["read_mail"]}},
        "data_access": {"reader": {"max_sensitivity": "internal"}},
    },
    "agent-firewall": {
        "max_tool_calls": 3,
        "tools": {"roles": {"reader": {"allowed": ["search", "rm*"], "denied": ["rm_all"]}}},
    },
    "data-routing-policy": {"require_no_training": True, "max_retention_days": 7},
    "human-oversight": {"require_human_for": ["sign it"], "action": "escalate"},
}
TARGETS = {
    "targets": [
        {
            "id": "kept",
            "provider": "openai",
            "model": "gpt-4o",
            "data_policy": {"training_opt_out": True, "retention_days": 7},
        },
        {"id": "open", "provider": "openai", "model": "gpt-4o-mini"},
        {"id": "other", "provider": "anthropic", "model": "claude-*"},
        {"id": "mine", "provider": "openai", "model": "llama-*"},
    ]
}


def _of_kind(kind: str) -> Mutation:
    when = {"header": {"X-Team": "a"}, "model": ["gpt-*", "claude-*"]}
    made = policy({kind: {"when": when}}, blocks={kind: FULL[kind]}, providers=TARGETS)
    return _mutated(made)


OPERATORS = [
    (
        "safety-filter",
        "term_dropped action_swapped switched threshold_moved stage_narrowed mode_swapped",
    ),
    ("prompt-injection", "pattern_dropped pattern_altered switched action_swapped"),
    ("pii-detector", "switched action_swapped stage_narrowed country_dropped"),
    ("dlp-filter", "term_dropped pattern_dropped pattern_altered action_swapped"),
    ("rbac", "list_shortened list_dropped denial_dropped role_dropped threshold_moved switched"),
    ("agent-firewall", "list_shortened list_dropped denial_dropped role_dropped threshold_moved"),
    ("data-routing-policy", "switched threshold_moved"),
    ("human-oversight", "term_dropped action_swapped"),
]


@pytest.mark.parametrize(("kind", "operators"), OPERATORS)
def test_each_setting_has_its_mutants(kind: str, operators: str) -> None:
    """None of which passes unseen: for each a case is found that kills it."""
    found = _of_kind(kind)
    expected = {"entry_dropped", "condition_dropped", "list_shortened", *operators.split()}

    assert {one.mutant.operator for one in found.tried} >= expected
    assert [one.mutant.words for one in found.of("undecided")] == []


def test_all_that_is_asked_of_a_kind_is_looked_for() -> None:
    """A case is known for each mode, for each country, and for a region of telephones."""
    modes = _mutated(policy("safety-filter", blocks={"safety-filter": {"mode": "automotive"}}))
    swapped = [one.mutant.words for one in modes.of("survived") if ".mode" in one.mutant.path]
    assert swapped == [f"automotive becomes {mode}" for mode in MODES if mode != "automotive"]

    asked = {"national_ids": [*ID_COUNTRIES], "phone_regions": ["DE"]}
    made = policy("pii-detector", blocks={"pii-detector": asked})
    found = [one for one in _mutated(made).of("survived") if "country" in one.mutant.operator]
    assert len(found) == len(ID_COUNTRIES) + 1
    assert all(_kills(made, tried) for tried in found)


@pytest.mark.parametrize(
    ("promised", "demanded", "fates"),
    [
        ({"training_opt_out": True}, {"require_no_training": True}, ["survived"]),
        ({"training_opt_out": True}, {"max_retention_days": 7}, ["equivalent"]),
        ({"retention_days": 7}, {"max_retention_days": 7}, ["survived", "equivalent"]),
        ({"retention_days": 0}, {"max_retention_days": 7}, ["equivalent"]),
        ({"retention_days": 36_500}, {"max_retention_days": 36_500}, ["equivalent"]),
        ({"zero_data_retention": False, "retention_days": 9}, {"max_retention_days": 7},
         ["survived", "equivalent", "equivalent"]),
        (None, {"require_no_training": True}, []),
    ],
)  # fmt: skip
def test_what_a_target_promises_is_tested_where_it_counts(
    promised: dict[str, Any] | None, demanded: dict[str, Any], fates: list[str]
) -> None:
    """Also where another target serves the model: then of that target alone."""
    of_one = {} if promised is None else {"data_policy": promised}
    held = {"zero_data_retention": True, "training_opt_out": True, "retention_days": 0}
    others = [{"id": "b", "provider": "openai", "data_policy": held}]
    for more in ([], others):
        targets = {"targets": [{"id": "a", "provider": "openai", **of_one}, *more]}
        blocks = {"data-routing-policy": demanded}
        made = policy("data-routing-policy", blocks=blocks, providers=targets)
        own = [one for one in _mutated(made).tried if one.mutant.aim == "a"]

        assert [one.fate for one in own] == fates
        survived = [one for one in own if one.fate == "survived"]
        assert all(_kills(made, one) for one in survived)
        assert {one.proposal.target for one in survived if one.proposal} <= (
            {"a"} if more else {None, "a"}
        )


def test_every_kind_that_judges_has_mutants() -> None:
    """But one that asks a model, which no case sees without it."""
    assert {*FULL, "classifier"} == {*COMPILERS}


def test_entries_change_places_where_that_shows() -> None:
    """Where both give the same verdict, the first one gives the reason."""
    blocks = {"dlp-filter": {"action": "block", "blocked_terms": ["heron"]}, "pii-detector": {}}
    same = _mutated(policy("prompt-injection", "dlp-filter", blocks=blocks))
    other = _mutated(policy("prompt-injection", "pii-detector", blocks=blocks))

    assert "entries_swapped" in {one.mutant.operator for one in same.of("survived")}
    assert "entries_swapped" not in {one.mutant.operator for one in other.tried}


def test_a_policy_that_is_disabled_or_never_runs_has_no_mutants() -> None:
    """No case could notice any."""
    off = policy("prompt-injection") | {"pack": {"name": "p", "version": "1.0.0", "enabled": False}}
    away = policy({"prompt-injection": {"when": {"path": "/v1/messages"}}})

    assert [*mutants(off)] == [*mutants(away)] == []


def _dropped(kind: str, block: dict[str, Any], path: str, operator: str = "") -> str:
    """The fate of the mutant at a path of a block."""
    found = _mutated(policy(kind, blocks={kind: block}, providers=TARGETS))
    return next(
        one.fate
        for one in found.tried
        if one.mutant.path == f"policy.{kind}.{path}" and one.mutant.operator.startswith(operator)
    )


EQUIVALENT: list[tuple[str, dict[str, Any], str, str]] = [
    ("safety-filter", {"block_if": ["heron", "blue heron"]}, "block_if[1]", ""),
    (
        "dlp-filter",
        {"detect_patterns": ["(?i)abc-[0-9]+x"]},
        "detect_patterns[0]",
        "pattern_altered",
    ),
    ("agent-firewall", {"blocked_tools": ["rm*", "rm_all"]}, "blocked_tools[1]", ""),
    (
        "agent-firewall",
        {"allowed_tools": ["search"], "blocked_tools": ["rm*"]},
        "blocked_tools[0]",
        "list_shortened",
    ),
    (
        "safety-filter",
        {"block_if": ["elk"], "fuzzy_matching": True, "max_distance": 1},
        "max_distance",
        "",
    ),
    (
        "data-routing-policy",
        {"require_no_training": True, "max_retention_days": 3000},
        "max_retention_days",
        "",
    ),
    (
        "rbac",
        {"data_access": {"a": {"max_sensitivity": "public"}, "b": {"max_sensitivity": "internal"}}},
        "data_access.a",
        "role_dropped",
    ),
]


@pytest.mark.parametrize(("kind", "block", "path", "operator"), EQUIVALENT)
def test_what_decides_the_same_is_no_survivor(
    kind: str, block: dict[str, Any], path: str, operator: str
) -> None:
    """It is shown to be equivalent, and counts for nothing."""
    assert _dropped(kind, block, path, operator) == "equivalent"


def test_only_what_changes_is_compiled() -> None:
    """All else is taken over as it is."""
    before = policy("dlp-filter", "pii-detector", "prompt-injection",
                    blocks={"dlp-filter": {"blocked_terms": ["a b", "c d"]}})  # fmt: skip
    snapshot = compile_policy(before)
    after = {**before, "policy": {"dlp-filter": {"blocked_terms": ["a b"]}}}
    changed = recompile(after, before, snapshot)

    kept = [one.policy is other.policy for one, other in
            zip(snapshot.steps, changed.steps, strict=True)]  # fmt: skip
    assert kept == [False, True, True]


def test_a_change_of_targets_compiles_what_demands_something_of_them() -> None:
    """And nothing else."""
    before = policy("data-routing-policy", "pii-detector", providers=TARGETS,
                    blocks={"data-routing-policy": {"require_no_training": True}})  # fmt: skip
    snapshot = compile_policy(before)
    changed = recompile({**before, "providers": {"targets": []}}, before, snapshot)

    assert changed.steps[0].policy is not snapshot.steps[0].policy
    assert changed.steps[1].policy is snapshot.steps[1].policy


def test_cases_that_fail_kill_nothing() -> None:
    """They are named instead."""
    case = {"name": "c", "input": {"messages": [{"role": "user", "content": "hello"}]}}
    suites = [{"name": "s", "cases": [{**case, "expected": {"verdict": "block"}}]}]
    found = _mutated(policy("prompt-injection"), suites)

    assert found.failing == ("s: c",)
    assert found.of("killed") == ()
    assert found.percent == 0


CLASSIFIER = {"model": "guard", "stage": "pre-request"}
STOPPED = {"name": "c", "input": {"messages": [{"role": "user", "content": "heron"}]},
           "expected": {"verdict": "block"}}  # fmt: skip


def test_a_policy_that_asks_a_model_has_mutants_without_it() -> None:
    """What no case could show without the model is left out of the search, and kills nothing."""
    blocks = {"dlp-filter": {"action": "block", "blocked_terms": ["heron", "owl"]},
              "classifier": CLASSIFIER}  # fmt: skip
    for cases in ([], [STOPPED]):
        suites = [{"name": "s", "cases": cases}] if cases else []
        made = policy("dlp-filter", "classifier", blocks=blocks)
        found = _mutated(made, suites)

        assert found.of("survived")
        assert all(_kills(made, tried) for tried in found.of("survived"))
        assert "entry_dropped" in {one.mutant.operator for one in found.tried}


def test_the_same_policy_has_the_same_result() -> None:
    """No chance is in it, and a choice of mutants is spread over the policy."""
    made = next(policies(3))
    whole, part = _mutated(made), _mutated(made, most=5)

    assert _told(whole) == _told(_mutated(made))
    assert len(part.tried) == 5
    assert {one.mutant.path for one in part.tried} <= {one.mutant.path for one in whole.tried}


def _told(found: Mutation) -> list[Any]:
    return [(one.mutant.signature, one.fate, one.killer, one.proposal) for one in found.tried]


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_a_pasted_case_is_the_case(text: str, name: str) -> None:
    """Whatever it says, YAML reads what was proposed."""
    given = {
        "messages": [{"role": "user", "content": text}],
        "headers": {"X-A": text},
        "upstream_response": {"choices": [{"message": {"content": text, "tool_calls": None}}]},
    }
    proposal = Proposal(name, None, given, "block", "x.y")

    (case,) = yaml.safe_load(pasted(proposal, indent=4))
    assert case == {
        "name": name,
        "input": given,
        "expected": {"verdict": "block", "reason_code": "x.y"},
    }


@pytest.mark.parametrize(
    "word", ["yes", "No", "null", "1e3", "0x1f", "~", "", "2026-01-01", "a: b"]
)
def test_words_of_yaml_stay_texts(word: str) -> None:
    """They are quoted."""
    given = {"messages": [{"role": "user", "content": word}]}
    (case,) = yaml.safe_load(pasted(Proposal("n", None, given, "allow", word)))

    assert case["input"] == given
    assert case["expected"]["reason_code"] == word


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("*", "a", True), ("a*", "ab*", True), ("ab*", "a*", False), ("a?", "a*", False),
        ("a*c", "abc", True), ("?", "a", True), ("a", "?", False), ("*b*", "ab?", True),
    ],
)  # fmt: skip
def test_a_glob_covers_another(wide: str, narrow: str, expected: bool) -> None:
    """When it has all names of it."""
    assert covers(wide, narrow) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a*", "*b", True), ("a*", "b*", False), ("?", "a", True), ("??", "a", False),
        ("*_x", "y_*", True), ("", "*", True), ("ab", "ac", False), ("read_*", "write_*", False),
    ],
)  # fmt: skip
def test_two_globs_meet(one: str, other: str, expected: bool) -> None:
    """When a name has both."""
    assert meet(one, other) is meet(other, one) is expected


def test_samples_match_their_pattern() -> None:
    """Where no boundary objects; and no altered pattern is the pattern itself."""
    import re2

    for pattern in (
        r"\bACC-[0-9]{4}\b",
        r"(red|green) (fox|hare)?",
        r"[^a-c]{2}\.\d+x?",
        r"(?i)abc",
    ):
        assert all(re2.search(pattern, text) for text in samples(pattern, 20))
        others = [other for other, _ in altered(pattern)]
        assert pattern not in others
        assert len(others) == len({*others})


def test_a_mutant_is_known_wherever_it_stands() -> None:
    """By its signature, for what a change touches."""
    here = Mutant("term_dropped", "policy.x.y[3]", "w", "x", {}, lambda: iter(()))
    there = Mutant("term_dropped", "policy.x.y[0]", "w", "x", {}, lambda: iter(()))

    assert here.signature == there.signature
