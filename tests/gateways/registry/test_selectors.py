"""Selectors: the configuration that a gateway's labels bind it to."""

import pytest

from gateways.registry.selectors import Bound, SelectorRule, bind

EU = SelectorRule("eu", {"region": "eu"})
EU_CANARY = SelectorRule("canary", {"region": "eu", "ring": "canary"})
PROD = SelectorRule("prod", {"stage": "prod"})

CASES = [
    ("nothing matches", [EU], {"region": "us"}, None, Bound(None)),
    ("one matches", [EU], {"region": "eu", "x": "y"}, None, Bound("eu")),
    ("the one with more labels wins", [EU, EU_CANARY], {"region": "eu", "ring": "canary"}, None,
     Bound("canary")),
    ("all of a selector's labels are needed", [EU, EU_CANARY], {"region": "eu", "ring": "stable"},
     None, Bound("eu")),
    ("equally many disagree", [EU, PROD], {"region": "eu", "stage": "prod"}, "before",
     Bound("before", ambiguous=True)),
    ("equally many agree", [EU, SelectorRule("eu", {"stage": "prod"})],
     {"region": "eu", "stage": "prod"}, None, Bound("eu")),
    ("fewer that disagree do not count", [EU, PROD, EU_CANARY],
     {"region": "eu", "stage": "prod", "ring": "canary"}, None, Bound("canary")),
    ("what held before does not stay without a match", [EU], {}, "before", Bound(None)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "labels", "before", "expected"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_labels_bind(
    rules: list[SelectorRule], labels: dict[str, str], before: str | None, expected: Bound
) -> None:
    """The selector with the most labels wins."""
    assert bind(rules, named=None, labels=labels, before=before) == expected


def test_a_gateways_own_configuration_wins() -> None:
    """Whatever the labels say."""
    bound = bind([EU, PROD], named="own", labels={"region": "eu", "stage": "prod"}, before="eu")

    assert bound == Bound("own")
