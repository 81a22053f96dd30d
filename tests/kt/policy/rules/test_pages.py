"""Manual pages of rules: their form, and their examples under lint."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from kt.policy.lint import lint
from kt.policy.rules.base import CATALOGUE, Rule

# Rules whose bad case needs more than a file: a directory, a neighbour, a megabyte of text.
_NOT_A_FILE = {"E013", "E029", "E030", "W014", "W003", "W013"}
_DEFAULTS = {
    "pack": "pack: {name: page, version: 1.0.0, enabled: true}\n",
    "policies": "policies:\n  chain: [%s]\n",
}
_RULES = [pytest.param(rule, id=code) for code, rule in sorted(CATALOGUE.items())]


def _example(rule: type[Rule], which: str) -> bytes | None:
    """The piece of a policy after `Wrong:` or `Right:`, made whole."""
    found = re.search(rf"^{which}:\n\n((?:    .*\n|\n)+)", rule.page() + "\n", flags=re.M)
    if found is None:
        return None
    text = textwrap.dedent(found.group(1)).rstrip("\n") + "\n"
    if text.startswith("version:"):
        return text.encode()
    kinds = re.findall(r"^  ([a-z-]+):", text, flags=re.M) if "policy:" in text else []
    for key, default in _DEFAULTS.items():
        if not re.search(rf"^{key}:", text, flags=re.M):
            text += default % ", ".join(kinds or ["audit-logger"]) if "%" in default else default
    return text.encode()


@pytest.mark.parametrize("rule", _RULES)
def test_a_page_has_a_title_and_says_more(rule: type[Rule]) -> None:
    """The title is one sentence; what to do about it follows."""
    title, _, rest = rule.page().partition("\n")
    assert title.endswith(".")
    assert len(title) <= 90
    assert rest.strip()


@pytest.mark.parametrize("rule", _RULES)
def test_the_wrong_example_of_a_page_is_found(rule: type[Rule]) -> None:
    """What a page calls wrong has that finding."""
    example = _example(rule, "Wrong")
    if example is not None:
        assert rule.code in {finding.code for finding in lint(example).findings}


@pytest.mark.parametrize("rule", _RULES)
def test_the_right_example_of_a_page_is_clean(rule: type[Rule]) -> None:
    """What a page calls right has no finding at all."""
    example = _example(rule, "Right")
    if example is not None:
        assert lint(example).findings == ()


def test_a_page_with_a_wrong_example_has_a_right_one() -> None:
    """A reader who is shown the mistake is shown the way out."""
    for rule in CATALOGUE.values():
        assert ("\nWrong:\n" in rule.page()) == ("\nRight:\n" in rule.page()), rule.code


def test_every_rule_has_a_golden_case(root: Path) -> None:
    """A code that no case shows could change without anybody noticing."""
    shown = {path.name.partition("-")[0] for path in (root / "tests/cases/bad").glob("*.yaml")}
    assert set(CATALOGUE) - _NOT_A_FILE == shown
