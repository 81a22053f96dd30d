"""`diff`: the changes between two policies and their effect on enforcement."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kt.policy.changes import compare
from kt.policy.diff import diff
from kt.policy.language import KINDS
from kt.policy.language.shapes import Field, MapOf, Text

BASE = """\
pack: {name: p, version: 1.0.0, enabled: true}
policies:
  chain:
    - rbac
    - prompt-injection: {when: {path: /v1/chat, header: {X-Team: a}, model: [gpt-4o]}}
    - dlp-filter
    - pii-detector
    - agent-firewall
    - data-routing-policy
policy:
  rbac: {deny_if_missing: [X-User-ID], data_access: {analyst: {max_sensitivity: internal}}}
  prompt-injection: {attack_patterns: [alpha, beta]}
  dlp-filter: {action: block, blocked_terms: [one, two]}
  agent-firewall: {allowed_tools: [search], max_tool_calls: 5}
  data-routing-policy: {require_no_training: true, max_retention_days: 30}
  safety-filter: {mode: education}
providers:
  targets:
    - {id: a, provider: openai, model: gpt-4o-mini, data_policy: {training_opt_out: true}}
    - {id: b, provider: anthropic}
  fallback: {triggers: [timeout]}
global_rate_limit: {max_requests: 10, window_seconds: 60}
testing: {suites: []}
"""


def _changes(old: str, new: str) -> list[str]:
    assert BASE.count(old) == 1
    changed = BASE.replace(old, new)
    return [f"{change.effect} {change.message}" for change in diff(BASE.encode(), changed.encode())]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "  safety-filter: {mode: education}\n",
            "  safety-filter: {mode: education}\n  pii-detector: {restore: true}\n",
            "other policy.pii-detector.restore: false becomes true",
        ),
        ("version: 1.0.0", "version: 1.0.1", 'other pack.version: "1.0.0" becomes "1.0.1"'),
        ("enabled: true", "enabled: false", "weaker pack.enabled: true becomes false"),
        ("    - pii-detector\n", "", "weaker policies.chain: pii-detector no longer runs"),
        (
            "    - pii-detector\n",
            "    - pii-detector\n    - audit-logger\n",
            "stronger policies.chain: audit-logger now runs",
        ),
        (
            "    - dlp-filter\n    - pii-detector\n",
            "    - pii-detector\n    - dlp-filter\n",
            "other policies.chain: its order changes",
        ),
        (
            "    - pii-detector\n",
            "    - pii-detector: {stage: pre-request}\n",
            (
                "weaker policies.chain.pii-detector: it runs at pre-request, "
                "before at pre-request and post-response"
            ),
        ),
        (
            "    - pii-detector\n",
            "    - pii-detector: {stage: pre-request}\n    - pii-detector: {parallel: true}\n",
            "other policies.chain.pii-detector: 1 entries become 2",
        ),
        (
            "    - pii-detector\n",
            "    - pii-detector: {when: {path: /v1}}\n",
            'weaker policies.chain.pii-detector.when.path: not set becomes "/v1"',
        ),
        (
            "path: /v1/chat, ",
            "",
            'stronger policies.chain.prompt-injection.when.path: "/v1/chat" becomes not set',
        ),
        (
            "path: /v1/chat",
            "path: /v1",
            'stronger policies.chain.prompt-injection.when.path: "/v1/chat" becomes "/v1"',
        ),
        (
            "path: /v1/chat",
            "path: /v1/chat/completions",
            (
                'weaker policies.chain.prompt-injection.when.path: "/v1/chat" becomes '
                '"/v1/chat/completions"'
            ),
        ),
        (
            "path: /v1/chat",
            "path: /v2",
            'other policies.chain.prompt-injection.when.path: "/v1/chat" becomes "/v2"',
        ),
        (
            "X-Team: a",
            "X-Team: a, X-Stage: b",
            (
                'weaker policies.chain.prompt-injection.when.header: {"X-Team": "a"} becomes '
                '{"X-Team": "a", "X-Stage": "b"}'
            ),
        ),
        (
            "model: [gpt-4o]",
            "model: [gpt-4o, gpt-5]",
            (
                'stronger policies.chain.prompt-injection.when.model: ["gpt-4o"] becomes '
                '["gpt-4o", "gpt-5"]'
            ),
        ),
        (
            "action: block",
            "action: redact",
            'weaker policy.dlp-filter.action: "block" becomes "redact"',
        ),
        ("one, two", "one", 'weaker policy.dlp-filter.blocked_terms: "two" is dropped'),
        ("one, two", "one, two, six", 'stronger policy.dlp-filter.blocked_terms: "six" is added'),
        ("one, two", "two, one", "other policy.dlp-filter.blocked_terms: its order changes"),
        (
            "alpha, beta",
            "alpha",
            'weaker policy.prompt-injection.detection.attack_patterns: "beta" is dropped',
        ),
        (
            "max_sensitivity: internal",
            "max_sensitivity: restricted",
            (
                "weaker policy.rbac.data_access.analyst.max_sensitivity: "
                '"internal" becomes "restricted"'
            ),
        ),
        (
            "data_access: {analyst:",
            "data_access: {auditor: {max_sensitivity: public}, analyst:",
            "other policy.rbac.data_access.auditor is added",
        ),
        (
            "allowed_tools: [search]",
            "allowed_tools: [search, shell]",
            'weaker policy.agent-firewall.allowed_tools: "shell" is added',
        ),
        (
            "allowed_tools: [search], ",
            "",
            'weaker policy.agent-firewall.allowed_tools: ["search"] becomes not set',
        ),
        (
            "max_tool_calls: 5",
            "max_tool_calls: 4",
            "stronger policy.agent-firewall.max_tool_calls: 5 becomes 4",
        ),
        (
            ", max_retention_days: 30",
            "",
            "weaker policy.data-routing-policy.max_retention_days: 30 becomes not set",
        ),
        (
            "max_requests: 10",
            "max_requests: 20",
            "weaker global_rate_limit.max_requests: 10 becomes 20",
        ),
        (
            "window_seconds: 60",
            "window_seconds: 600",
            "stronger global_rate_limit.window_seconds: 60 becomes 600",
        ),
        (
            "global_rate_limit: {max_requests: 10, window_seconds: 60}\n",
            "",
            "weaker global_rate_limit is removed",
        ),
        (
            "testing:",
            "size_limits: {max_body_bytes: 1000}\ntesting:",
            "stronger size_limits is added",
        ),
        (
            "testing:",
            "unjudged: block\ntesting:",
            'stronger unjudged: "allow" becomes "block"',
        ),
        (
            "model: gpt-4o-mini",
            'model: "gpt-*"',
            'weaker providers.targets.a.model: "gpt-4o-mini" becomes "gpt-*"',
        ),
        (
            "model: gpt-4o-mini",
            "model: o3",
            'other providers.targets.a.model: "gpt-4o-mini" becomes "o3"',
        ),
        (
            "model: gpt-4o-mini",
            'model: {from: gpt-4o-mini, to: "o3"}',
            'other providers.targets.a.model.to: not set becomes "o3"',
        ),
        (
            "    - {id: b, provider: anthropic}\n",
            "",
            "other providers.targets.b no longer serves",
        ),
        (
            "training_opt_out: true",
            "training_opt_out: false",
            "other providers.targets.a.data_policy.training_opt_out: true becomes false",
        ),
        (
            "triggers: [timeout]",
            "triggers: []",
            'other providers.fallback.triggers: "timeout" is dropped',
        ),
        ("suites: []", "suites: [{name: s, cases: []}]", "other testing: the tests change"),
    ],
)
def test_a_change_is_told_with_its_effect(old: str, new: str, expected: str) -> None:
    """One change of the file gives one line that says what it does."""
    assert [expected] == _changes(old, new)


def test_an_alias_of_more_models_is_weaker() -> None:
    """What it stands for is told apart."""
    assert _changes("model: gpt-4o-mini", 'model: {from: "gpt-*", to: o3}') == [
        'weaker providers.targets.a.model: "gpt-4o-mini" becomes "gpt-*"',
        'other providers.targets.a.model.to: not set becomes "o3"',
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("attack_patterns: [alpha, beta]", "detection: {attack_patterns: [alpha, beta]}"),
        ("action: block", "action: block, fuzzy_matching: false"),
        ("mode: education", "mode: automotive"),
        ("    - pii-detector\n", "    - pii-detector: {parallel: true}\n"),
        ("{id: b, provider: anthropic}", "{provider: anthropic, id: b}"),
    ],
)
def test_what_changes_nothing_is_not_told(old: str, new: str) -> None:
    """Another place for the same thing, a default written out, a block that never runs."""
    assert _changes(old, new) == []


def test_the_reverse_of_a_change_has_the_opposite_effect() -> None:
    """Stronger one way is weaker the other way."""
    changed = BASE.replace("one, two", "one").replace("max_requests: 10", "max_requests: 5")
    there = [change.effect for change in diff(BASE.encode(), changed.encode())]
    back = [change.effect for change in diff(changed.encode(), BASE.encode())]
    assert (there, back) == (["weaker", "stronger"], ["stronger", "weaker"])


class _Told(str):
    """A text that counts how often it is compared with another."""

    __slots__ = ()
    __hash__ = str.__hash__
    compared = 0

    def __eq__(self, other: object) -> bool:
        _Told.compared += 1
        return str.__eq__(self, other)


def _comparisons(before: list[str], after: list[str]) -> int:
    _Told.compared = 0
    field = KINDS["safety-filter"].block.fields["block_if"]
    assert list(compare(field, list(map(_Told, before)), list(map(_Told, after)), "block_if"))
    return _Told.compared


@pytest.mark.parametrize("changed", ["all of them", "every second one", "the first"])
def test_the_comparisons_of_a_list_grow_with_its_length(changed: str) -> None:
    """Not with its square: anybody may ask for the difference of two versions."""
    counts = []
    for length in (500, 2000):
        before = [f"term {number}" for number in range(length)]
        step = {"all of them": 1, "every second one": 2, "the first": length}[changed]
        after = [f"{term} or so" if at % step == 0 else term for at, term in enumerate(before)]
        counts.append(_comparisons(before, after))

    few, many = counts
    assert many <= 4 * few + 10
    assert many <= 4 * 2000


@given(
    st.lists(st.sampled_from("abcd"), max_size=6),
    st.lists(st.sampled_from("abcd"), max_size=6),
)
def test_a_list_tells_what_went_and_what_came(before: list[str], after: list[str]) -> None:
    """Each as often and in the order in which it stands; else that the order changes."""
    field = KINDS["safety-filter"].block.fields["block_if"]
    told = [f"{one.effect} {one.message}" for one in compare(field, before, after, "p")]
    gone = [f'weaker p: "{item}" is dropped' for item in before if item not in after]
    came = [f'stronger p: "{item}" is added' for item in after if item not in before]
    moved = ["other p: its order changes"] if before != after else []

    assert told == ([*gone, *came] or moved)


def test_a_map_tells_what_went_in_the_order_of_the_file() -> None:
    """And not in the order of a set, which is another in each process."""
    kept = MapOf(Text(), Text())
    names = [f"key{number}" for number in range(9)]
    found = list(compare(Field(kept), dict.fromkeys(names, "x"), {}, "p"))

    assert [one.path for one in found] == [f"p.{name}" for name in names]


_CLASSIFIED = (
    "pack: {{name: p, version: 1.0.0, enabled: true}}\npolicies: {{chain: [classifier]}}\n"
    "policy: {{classifier: {{model: guard, {}}}}}\n"
)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("threshold: 0.5", "threshold: 0.8", ["weaker {}.threshold: 0.5 becomes 0.8"]),
        ("threshold: 0.8", "threshold: 0", ["stronger {}.threshold: 0.8 becomes 0"]),
        ("action: block", "action: escalate", ['weaker {}.action: "block" becomes "escalate"']),
        (
            "on_no_answer: allow",
            "on_no_answer: block",
            ['stronger {}.on_no_answer: "allow" becomes "block"'],
        ),
        ("roles: [user, tool]", "roles: [user]", ['weaker {}.roles: "tool" is dropped']),
        (
            "labels: [a]", "labels: [b]",
            ['other {}.labels: "a" is dropped', 'other {}.labels: "b" is added'],
        ),
        (
            "stage: pre-request",
            "threshold: 0.5",
            [
                (
                    "stronger policies.chain.classifier: it runs at pre-request and post-response, "
                    "before at pre-request"
                ),
                'other {}.stage: "pre-request" becomes not set',
            ],
        ),
        (
            f"sha256: {'a' * 64}",
            f"sha256: {'b' * 64}",
            [f'other {{}}.sha256: "{"a" * 64}" becomes "{"b" * 64}"'],
        ),
    ],
)  # fmt: skip
def test_a_change_of_a_classifier_has_its_effect(
    before: str, after: str, expected: list[str]
) -> None:
    """A higher threshold finds less."""
    files = [_CLASSIFIED.format(one).encode() for one in (before, after)]
    told = [f"{one.effect} {one.message}" for one in diff(*files)]
    assert told == [one.replace("{}", "policy.classifier") for one in expected]
