"""Gates before a judge: what it says, and what the measure of tests may cost."""

from pathlib import Path

import pytest

from keeptrusts.judge import asking, gates, policies
from keeptrusts.judge.asking import Asker
from keeptrusts.judge.errors import CrashedError, UnansweredError
from kt.policy.lint import lint
from kt.policy.mutants.gates import OPEN, Gates, findings
from kt.policy.nodes import MappingNode
from kt.policy.verify import verify
from kt.policy.yaml.document import read
from tests.support.costly import POLICIES, blocking, terms
from tests.support.repo import policy

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(ROOT.glob("examples/policies/*/*.yaml"))
FULL = Gates(coverage=100, killed=100)
SHORT = Asker(seconds=0.3, patience=400)
# What is compared must be whole, however slow the machine is.
LONG = Asker(seconds=100, patience=100)
MANY = blocking(terms(200), *terms(200)).replace(b"verdict: allow", b"verdict: block")


def test_a_judge_says_what_is_said_in_process_of_every_file() -> None:
    """Nothing is left that it would have to open a file for."""
    contents = [path.read_bytes() for path in EXAMPLES]
    contents += [
        content
        for path in sorted(ROOT.glob("tests/cases/*/*.yaml"))
        if lint(content := path.read_bytes()).ok
    ]

    judged = [gates.measure(content, FULL, asker=LONG)[0] for content in contents]

    for content, found in zip(contents, judged, strict=True):
        root = read(content).root
        assert isinstance(root, MappingNode)
        assert found == findings(root, FULL)
    assert len(judged) > 15


@pytest.mark.parametrize(
    "name", [name for name, content in POLICIES.items() if len(content) < 4e5 and lint(content).ok]
)
def test_a_costly_policy_passes_no_gate_for_want_of_time(name: str) -> None:
    """It is measured, or says that it was not; and its neighbour is judged."""
    found, seconds = gates.measure(POLICIES[name], Gates(killed=100), asker=SHORT)

    assert {"too_few_killed", "tests_not_measured"} & {one.code for one in found}
    assert 0 < seconds < 1
    good = policy("Neighbour").encode()
    assert policies.verify(good, directory="p") == verify(good, directory="p")


def test_mutants_that_are_left_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what helps."""
    # Of a machine that is shared, whoever else has it may count as the time of a mutant.
    monkeypatch.setattr(gates, "_SHARE", 0.2)
    short = Asker(seconds=3, patience=100)
    ((finding,), seconds) = gates.measure(MANY, Gates(killed=1), asker=short)

    assert (finding.code, finding.severity) == ("tests_not_measured", "error")
    assert "were tried before the time was over" in finding.message
    assert finding.suggestion.startswith("make it smaller")
    assert 0.6 <= seconds <= 3


def test_a_measure_that_crashes_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing passes by it."""

    def crash(*_: object) -> None:
        raise CrashedError("Traceback: here")

    monkeypatch.setattr(gates, "ask", crash)

    assert [one.code for one in gates.measure(MANY, FULL)[0]] == ["tests_not_measured"]


def test_measures_of_a_commit_leave_time_for_the_next_sync(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those that come after them are not judged by this one, and say so; open gates take none."""
    monkeypatch.setattr(policies, "measure", lambda content, gates: ((), 2.0))
    commit = policies.Commit(wasted_seconds=5)

    found = [[one.code for one in commit.measure(b"", FULL)] for _ in range(4)]

    assert found == [[], [], [], ["not_judged"]]
    assert commit.measure(b"", OPEN) == ()
    assert [one.code for one in commit.verify(b"").findings] == ["not_judged"]


def test_a_judge_that_is_killed_or_starved_lets_nothing_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next sync measures it."""

    def late(*_: object, **__: object) -> None:
        raise UnansweredError("The machine is too slow.")

    monkeypatch.setattr(policies, "measure", late)
    commit = policies.Commit()

    assert [one.code for one in commit.measure(b"good", FULL)] == ["not_judged"]
    assert commit._left_seconds == policies.WASTED_SECONDS - asking.SECONDS
