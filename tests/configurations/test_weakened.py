"""What may weaken a policy: also what is neither stronger nor weaker, where it is about calls."""

import pytest

from configurations import checks

POLICY = """\
pack: {{name: {name}, version: 1.0.0, enabled: true}}
policies:
  chain: [{chain}]
policy:
  safety-filter: {{mode: {mode}}}
providers:
  targets: [{{id: a, provider: openai, model: {model}}}]
"""
_NOWHERE = "pii-detector: {when: {path: %s}}"
_ONE = {"name": "n", "chain": "safety-filter, pii-detector", "mode": "education", "model": "m"}


def policy(**changes: str) -> bytes:
    return POLICY.format(**{**_ONE, **changes}).encode()


def chain(entry: str) -> str:
    return f"safety-filter, {entry}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("pii-detector", f"{{{_NOWHERE % '/a'}}}, {{{_NOWHERE % '/b'}}}"),
        (f"{{{_NOWHERE % '/v1'}}}", f"{{{_NOWHERE % '/a'}}}"),
        ("{pii-detector: {when: {model: [gpt]}}}", "{pii-detector: {when: {model: [none]}}}"),
        ("{pii-detector: {when: {header: {a: x}}}}", "{pii-detector: {when: {header: {a: y}}}}"),
        ("{pii-detector: {stage: pre-request}}", "{pii-detector: {stage: post-response}}"),
    ],
)
def test_what_runs_elsewhere_runs_no_more_where_it_did(before: str, after: str) -> None:
    """Neither is a part of the other, so that something is let off."""
    old, new = policy(chain=chain(before)), policy(chain=chain(after))

    assert len(checks.weakened(old, new)) == len(checks.weakened(new, old)) == 1


def test_another_list_of_terms_is_weaker() -> None:
    """Nobody can tell which of the two blocks more."""
    assert len(checks.weakened(policy(), policy(mode="automotive"))) == 1


@pytest.mark.parametrize("changes", [{"name": "x"}, {"model": "other"}, {}])
def test_what_judges_no_call_weakens_nothing(changes: dict[str, str]) -> None:
    """A name, or which model serves."""
    assert checks.weakened(policy(), policy(**changes)) == []
    assert len(checks.compared(policy(), policy(**changes))) == len(changes)
