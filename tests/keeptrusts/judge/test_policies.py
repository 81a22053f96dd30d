"""Policies before a judge: what it says of them, and what they may cost."""

import time
from itertools import pairwise
from pathlib import Path

import pytest

from keeptrusts.judge import asking, policies
from keeptrusts.judge.asking import Asker
from keeptrusts.judge.errors import CrashedError, TooCostlyError, UnansweredError
from kt.policy.diff import diff
from kt.policy.language.regions import ID_COUNTRIES, REGIONS
from kt.policy.lint import lint
from kt.policy.report import Report
from kt.policy.verify import verify
from tests.support.costly import POLICIES, blocking, terms
from tests.support.repo import policy

ROOT = Path(__file__).parents[3]
FILES = sorted([*ROOT.glob("tests/cases/*/*.yaml"), *ROOT.glob("examples/policies/*/*.yaml")])
GOOD = policy("Neighbour").encode()
SHORT = Asker(seconds=0.15, patience=400)


def test_a_judge_says_what_is_said_in_process_of_every_file() -> None:
    """Nothing is left that it would have to open a file for, or that a message does not hold."""
    contents = [path.read_bytes() for path in FILES]

    judged = [policies.verify(content, directory="policies") for content in contents]

    assert judged == [verify(content, directory="policies") for content in contents]
    assert len(judged) > 70


def test_a_judge_knows_what_a_policy_may_name() -> None:
    """Numbers of every region, ids of every country: their plans are files, read when asked for."""
    content = f"""
pack: {{id: everywhere, name: Everywhere, version: 1.0.0, enabled: true}}
policies: {{chain: [pii-detector]}}
policy:
  pii-detector:
    action: block
    phone_regions: {list(REGIONS)}
    national_ids: {list(ID_COUNTRIES)}
testing:
  suites:
    - name: numbers
      cases:
        - name: of Berlin
          input: {{messages: [{{role: user, content: "Call +49 30 901820 today"}}]}}
          expected: {{verdict: block}}
        - name: of Iceland, as written there
          input: {{messages: [{{role: user, content: "Sími 561 1234"}}]}}
          expected: {{verdict: allow}}
""".encode()

    report = policies.verify(content, directory="everywhere")

    assert report == verify(content, directory="everywhere")
    assert "internal" not in {finding.code for finding in report.findings}


def test_a_judge_compares_as_is_compared_in_process() -> None:
    """And says of a refused policy that it cannot be compared."""
    contents = [content for path in FILES if lint(content := path.read_bytes()).ok]
    pairs = list(pairwise(contents))

    assert [policies.compare(*pair) for pair in pairs] == [diff(*pair) for pair in pairs]
    assert policies.compare(contents[0], b"pack: 1") is None
    assert policies.compare(b"pack: 1", contents[0]) is None


@pytest.mark.parametrize("name", POLICIES)
def test_a_costly_policy_is_judged_or_too_costly_and_its_neighbour_is_judged(name: str) -> None:
    """Whatever it is that costs."""
    before = time.process_time()
    report = policies.verify(POLICIES[name], asker=SHORT)
    taken = time.process_time() - before

    if policies.TOO_COSTLY not in {finding.code for finding in report.findings}:
        assert report == verify(POLICIES[name])
    assert policies.verify(GOOD, directory="p") == verify(GOOD, directory="p")
    # What a judge answers costs who asks little.
    assert taken < 0.2


@pytest.mark.soak
@pytest.mark.parametrize("name", POLICIES)
def test_the_costliest_policies_of_all_are_still_judged(name: str) -> None:
    """What the limits of a file allow has the time that it takes, on a machine that is not busy."""
    report = policies.verify(POLICIES[name], asker=Asker(patience=100))

    assert policies.TOO_COSTLY not in {finding.code for finding in report.findings}


def test_a_policy_that_takes_too_much_says_what_to_change() -> None:
    """In one finding about the file as a whole."""
    report = policies.verify(blocking(terms(20_000), "hi"), asker=SHORT)

    [finding] = report.findings
    assert (report.ok, report.pack, report.complete) == (False, None, False)
    assert (finding.code, finding.severity, finding.line) == ("too_costly", "error", 1)
    assert finding.message == "the file takes over 0.15 s of processor time to check"
    assert finding.suggestion == "make it smaller: fewer or shorter terms, patterns and cases"


def test_a_comparison_that_takes_too_much_is_an_error() -> None:
    """Both versions stand."""
    old = blocking(terms(40_000, "{0:x} falcon"))

    with pytest.raises(TooCostlyError, match=r"over 0\.15 s"):
        policies.compare(old, old.replace(b"falcon", b"eagle"), asker=SHORT)

    assert policies.compare(GOOD, GOOD) == ()


def test_a_policy_that_crashes_the_rules_has_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """And its neighbours have theirs."""

    def crash(*_: object) -> None:
        raise CrashedError("Traceback: here")

    monkeypatch.setattr(policies, "ask", crash)

    assert [f.code for f in policies.verify(GOOD).findings] == ["internal"]


def test_costly_files_of_a_commit_leave_time_for_the_next_sync(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those that come after them are not judged by this one, and say so."""
    costly = Report((policies._unread("too_costly", "costly", "").findings), None, ())
    reports = {b"costly": costly, b"good": Report((), None, ())}
    monkeypatch.setattr(policies, "verify", lambda content, directory: reports[content])
    commit = policies.Commit(wasted_seconds=2.5 * asking.SECONDS)

    files = [b"costly", b"good", b"costly", b"good", b"costly", b"good", b"costly"]
    found = [[f.code for f in commit.verify(content).findings] for content in files]

    assert found == [["too_costly"], [], ["too_costly"], [], ["too_costly"], *[["not_judged"]] * 2]


def test_a_judge_that_is_killed_or_starved_makes_no_file_too_costly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next sync judges it."""

    def late(*_: object, **__: object) -> None:
        raise UnansweredError("The machine is too slow.")

    monkeypatch.setattr(policies, "verify", late)
    commit = policies.Commit()

    assert [f.code for f in commit.verify(b"good").findings] == ["not_judged"]
