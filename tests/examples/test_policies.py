"""The example policies hold what they promise."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from kt.cli.main import main
from kt.policy.language import KINDS
from kt.policy.schema import schema
from kt.policy.testing.suites import run_suites
from tests.support.stack import ROOT

POLICIES = sorted((ROOT / "examples/policies").glob("*/policy-config.yaml"))
PASSING = {"allow", "redact"}


def _names(path: Path) -> str:
    return path.parent.name


@pytest.mark.parametrize("path", POLICIES, ids=_names)
def test_an_example_has_no_finding(path: Path) -> None:
    """Not a warning either."""
    assert main(["policy", "lint", "--strict", str(path)]) == 0


@pytest.mark.parametrize("path", POLICIES, ids=_names)
def test_an_example_passes_its_own_tests(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each case comes out as it says."""
    assert main(["policy", "test", "--json", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True


@pytest.mark.parametrize("path", POLICIES, ids=_names)
def test_an_editor_shows_no_finding_in_an_example(path: Path) -> None:
    """The schema that `kt policy schema` prints accepts it."""
    jsonschema.validate(yaml.safe_load(path.read_text()), schema())


@pytest.mark.parametrize("path", POLICIES, ids=_names)
def test_an_example_tests_both_directions(path: Path) -> None:
    """A policy that stops everything, or nothing, would pass tests of one direction."""
    suites = yaml.safe_load(path.read_text())["testing"]["suites"]
    verdicts = {case["expected"]["verdict"] for suite in suites for case in suite["cases"]}

    assert "allow" in verdicts
    assert verdicts - PASSING


@pytest.mark.parametrize("path", POLICIES, ids=_names)
def test_an_example_tests_every_kind_that_can_refuse(path: Path) -> None:
    """With a kind taken out of the chain, one of its tests fails."""
    policy = yaml.safe_load(path.read_text())
    kinds = [entry if isinstance(entry, str) else next(iter(entry)) for entry in _chain(policy)]
    untested = [kind for kind in kinds if kind != "audit-logger" and _passes_without(policy, kind)]

    assert untested == []


def _chain(policy: dict) -> list:  # type: ignore[type-arg]
    return policy["policies"]["chain"]


def _passes_without(policy: dict, kind: str) -> bool:  # type: ignore[type-arg]
    left = [entry for entry in _chain(policy) if entry != kind and kind not in entry]
    return all(case.passed for case in run_suites({**policy, "policies": {"chain": left}}))


def test_every_kind_stands_in_an_example() -> None:
    """Whoever wants to see one in use finds it.

    A classifier has no answer where no operator names its model, so its page has the example.
    """
    page = (ROOT / "docs/classifiers.md").read_text()
    documented = {"classifier"} if "\npolicy:\n  classifier:\n" in page else set()
    used = {kind for path in POLICIES for kind in yaml.safe_load(path.read_text())["policy"]}
    chained = {
        entry if isinstance(entry, str) else next(iter(entry))
        for path in POLICIES
        for entry in _chain(yaml.safe_load(path.read_text()))
    }

    assert used | chained | documented == set(KINDS)


def test_a_first_example_names_a_provider_and_no_key() -> None:
    """`support-bot` is what a pipeline starts a gateway with."""
    path = ROOT / "examples/policies/support-bot/policy-config.yaml"
    policy = yaml.safe_load(path.read_text())
    (target,) = policy["providers"]["targets"]

    assert target["provider"] == "openai"
    assert target["secret_key_ref"] == {"env": "OPENAI_API_KEY"}
    assert "api_key" not in target
