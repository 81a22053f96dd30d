"""What a policy enforces, in words."""

from pathlib import Path

import pytest

from kt.policy.explaining.enforced import enforced
from kt.policy.lint import lint

ROOT = Path(__file__).parents[4]
EXAMPLES = sorted(ROOT.glob("examples/policies/*/*.yaml"))
_HEAD = "pack: {name: A, version: 1.0.0, enabled: true}\n"
_TARGETS = "providers:\n  targets:\n    - {id: one, provider: mock, model: gpt-*}\n"


def _told(text: str) -> list[tuple[str, str]]:
    assert lint(text.encode()).ok
    return [(one.path, one.message) for one in enforced(text.encode())]


def test_a_kind_says_where_it_runs_and_what_it_looks_for() -> None:
    """With its conditions, and what a hit leads to."""
    chain = (
        "policies:\n  chain:\n    - dlp-filter: {stage: post-response,"
        " when: {path: /v1/chat, header: {X-Team: a}, model: [gpt-4o, claude-*]}}\n"
        "policy:\n  dlp-filter: {blocked_terms: [a1, b2, c3, d4, e5], action: block}\n"
    )

    assert _told(_HEAD + chain + _TARGETS) == [
        (
            "policies.chain[0]",
            (
                "dlp-filter, on answers: own terms and patterns, and secrets, where the path begins"
                ' with "/v1/chat", where the header X-Team is "a", where the model is "gpt-4o",'
                ' "claude-*"'
            ),
        ),
        ("policy.dlp-filter.blocked_terms", 'terms to look for: "a1", "b2", "c3" and 2 more'),
        ("policy.dlp-filter.action", 'what a hit leads to: "block"'),
        ("providers.targets.one", 'one serves "gpt-*"'),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            _HEAD.replace("true", "false"),
            ("pack.enabled", "The pack is disabled: no call is judged."),
        ),
        (_HEAD + "unjudged: block\n", ("unjudged", "What no kind can read is blocked.")),
        (
            _HEAD + "size_limits: {max_body_bytes: 1000}\n",
            ("size_limits.max_body_bytes", "the largest request: 1000"),
        ),
    ],
)
def test_what_is_beside_the_chain_is_told(text: str, said: tuple[str, str]) -> None:
    """Limits, what is not read, and a pack that is off."""
    assert said in _told(text + "policies: {chain: [audit-logger]}\n" + _TARGETS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_every_example_is_told(path: Path) -> None:
    """A sentence at least for each entry of its chain, none of them empty or endless."""
    content = path.read_bytes()

    sentences = enforced(content)

    heads = [one for one in sentences if one.path.startswith("policies.chain[")]
    assert len(heads) == len(lint(content).chain)
    assert all(0 < len(one.message) < 2000 for one in sentences)


def test_a_classifier_says_which_model_it_asks_and_at_which_stage() -> None:
    """The stage of its block is where it runs."""
    text = (
        f"{_HEAD}policies: {{chain: [classifier]}}\n"
        "policy: {classifier: {model: guard, threshold: 0.8, stage: pre-request}}\n"
    )
    told = dict(_told(text))

    assert told["policies.chain[0]"] == (
        "classifier, on requests: what a model of the operator's says of a text"
    )
    assert told["policy.classifier.model"].endswith(': "guard"')
    assert told["policy.classifier.threshold"] == ("the score from which on a text is a hit: 0.8")
    assert told["policy.classifier.action"] == 'what a hit leads to: "escalate"'
