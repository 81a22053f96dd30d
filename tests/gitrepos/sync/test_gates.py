"""Gates of a link: what the tests of a policy must reach and notice before it goes into force."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from gitrepos.models import Link, LinkedFile
from gitrepos.snapshot.values import Commit, File, Snapshot
from gitrepos.sync import preview
from gitrepos.sync.candidates import Linked, read
from keeptrusts.judge import policies
from kt.policy.findings import Finding
from kt.policy.mutants.gates import Gates
from kt.policy.verify import verify
from tests.gitrepos.sync.test_preview import draft, dry_run
from tests.support.repo import Repo
from tests.support.syncing import (
    codes,
    content,
    edit,
    files,
    hashes,
    kinds,
    link,
    override,
    pin,
    poll,
    run_due,
    shown,
    unpin,
)

pytestmark = pytest.mark.django_db

BOT, TWO = "bot/policy-config.yaml", "two/policy-config.yaml"
Row = dict[str, Any]


def made(*cases: str, terms: tuple[str, ...] = ("falcon", "heron"), more: str = "") -> str:
    """A policy that blocks terms, with a case for each of some."""
    listed = "".join(f"    - {term}\n" for term in terms)
    suites = "".join(
        f"        - name: {text}\n"
        f"          input: {{messages: [{{role: user, content: {text}}}]}}\n"
        "          expected: {verdict: block}\n"
        for text in cases
    )
    suites += (
        "        - name: of an answer\n"
        "          input:\n"
        "            messages: [{role: user, content: Hi}]\n"
        f"            upstream_response: {terms[0]}\n"
        "          expected: {verdict: block}\n"
    )
    return (
        f"pack:\n  name: Bot\n  version: 1.0.0\n  enabled: true\n{more}"
        "policies:\n  chain:\n    - dlp-filter\n"
        f"policy:\n  dlp-filter:\n    action: block\n    blocked_terms:\n{listed}"
        + (f"testing:\n  suites:\n    - name: s\n      cases:\n{suites}" if cases else "")
    )


GOOD, BAD = made("falcon", "heron"), made("falcon", terms=("falcon", "heron", "owl"))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, Gates]]:
    """What judges were asked to measure."""
    asked: list[tuple[bytes, Gates]] = []
    real = policies.measure

    def counted(data: bytes, gates: Gates) -> Any:
        asked.append((data, gates))
        found, seconds = real(data, gates)
        return found, max(seconds, 1e-6)  # Some clocks of processes go in steps of 10 ms.

    monkeypatch.setattr(policies, "measure", counted)
    return asked


@pytest.mark.smoke
def test_a_file_whose_tests_kill_too_few_is_quarantined_until_they_do(
    admin: APIClient, repo: Repo, measured: list[Any]
) -> None:
    """With the change that nothing notices, its line, and a case to paste."""
    repo.commit({BOT: GOOD, TWO: GOOD.replace("Bot", "Two")})
    row = link(admin, repo.url, minimum_killed=100)
    run_due()
    assert (set(hashes()), len(measured)) == ({"bot", "two"}, 2)

    repo.commit({BOT: BAD})
    poll()

    broken = files(admin, row)[BOT]
    assert (broken["outcome"], content(admin, "bot")) == ("quarantined", GOOD.encode())
    error, *survived = broken["findings"]
    assert (error["code"], error["severity"]) == ("too_few_killed", "error")
    assert error["message"].endswith("the link asks for 100 %")
    owl = next(one for one in survived if '"owl" is dropped' in one["message"])
    assert (owl["code"], owl["line"]) == ("mutant_survived", BAD.split("\n").index("    - owl") + 1)
    assert owl["suggestion"].split("\n")[1].startswith("- name: ")
    assert "quarantined" in kinds()
    assert shown(admin, row)["files"] == {"quarantined": 1, "synced": 1}

    repo.commit({BOT: made("falcon", "heron", "owl", terms=("falcon", "heron", "owl"))})
    poll()
    assert (set(codes(files(admin, row)[BOT])), b"owl" in content(admin, "bot")) == (set(), True)


def test_a_file_whose_tests_reach_too_little_is_quarantined(admin: APIClient, repo: Repo) -> None:
    """With what they miss, by line; a first publish as any other."""
    repo.commit({BOT: BAD})
    row = link(admin, repo.url, minimum_coverage=90)

    run_due()

    found = files(admin, row)[BOT]["findings"]
    assert (hashes(), found[0]["code"]) == ({}, "too_little_covered")
    assert {one["code"] for one in found[1:]} == {"not_reached"}
    assert "no test reaches policy.dlp-filter.blocked_terms[2]" in {one["message"] for one in found}


def test_a_gate_is_for_what_lint_and_the_tests_themselves_accept(
    admin: APIClient, repo: Repo, measured: list[Any]
) -> None:
    """What is refused before is not measured; tests in other files are not there."""
    failing = GOOD.replace("verdict: block", "verdict: allow")
    suite = '{"suites": [{"name": "s", "cases": []}]}'
    repo.commit({BOT: failing, TWO: "pack: 1\n", "bot/tests/more.json": suite})
    row = link(admin, repo.url, minimum_killed=1, minimum_coverage=1)

    run_due()

    assert measured == []
    assert "suite_failed" in codes(files(admin, row)[BOT])


def test_what_was_measured_once_is_not_measured_again(
    admin: APIClient, repo: Repo, measured: list[Any]
) -> None:
    """Until its bytes, the gates or the rules change; a pinned file, too, which passed."""
    repo.commit({BOT: GOOD, TWO: BAD})
    row = link(admin, repo.url, minimum_killed=100)
    run_due()
    pin(admin, "bot", reason="stay")
    changed = GOOD.replace("Bot", "Other")
    repo.commit({BOT: changed})
    poll()
    assert [data for data, _ in measured] == [GOOD.encode(), BAD.encode(), changed.encode()]

    repo.commit({"more.txt": "x"})
    poll()
    repo.commit({"third/policy-config.yaml": GOOD.replace("Bot", "Third")})
    poll()
    assert len(measured) == 4
    before = files(admin, row)[TWO]
    assert (before["outcome"], before["findings"][0]["code"]) == ("quarantined", "too_few_killed")

    Link.objects.update(observed_rules="older")
    poll()
    assert [data for data, _ in measured[4:]] == [changed.encode(), BAD.encode()]
    unpin(admin, "bot")
    run_due()
    assert content(admin, "bot") == changed.encode()


def test_a_gate_that_is_raised_judges_all_files_again(
    admin: APIClient, repo: Repo, measured: list[Any]
) -> None:
    """What is in force stays there, and its file is quarantined; lowered, it is let out."""
    repo.commit({BOT: GOOD, TWO: BAD})
    row = link(admin, repo.url)
    run_due()
    assert (set(hashes()), measured) == ({"bot", "two"}, [])
    before = hashes()

    edit(admin, row, minimum_killed=100)
    run_due()
    told = {path: file["outcome"] for path, file in files(admin, row).items()}
    assert (told, hashes()) == ({BOT: "synced", TWO: "quarantined"}, before)

    edit(admin, row, poll_interval_seconds=600)
    run_due()
    assert len(measured) == 2

    edit(admin, row, minimum_killed=0)
    run_due()
    told = {path: file["outcome"] for path, file in files(admin, row).items()}
    assert (told, hashes(), len(measured)) == ({BOT: "synced", TWO: "synced"}, before, 2)


@pytest.mark.django_db(transaction=True)
def test_a_gate_that_is_raised_while_a_sync_runs_counts(
    admin: APIClient, repo: Repo, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    """The sync that began before it writes nothing."""
    repo.commit({BOT: GOOD})
    row = link(admin, repo.url)
    run_due()
    repo.commit({BOT: BAD})
    meanwhile(lambda: edit(admin, row, minimum_killed=100))
    poll()
    run_due()

    assert files(admin, row)[BOT]["outcome"] == "quarantined"
    assert content(admin, "bot") == GOOD.encode()


def test_a_gate_that_was_raised_counts_after_a_sync_that_failed(
    admin: APIClient, repo: Repo
) -> None:
    """What was measured by the gates before is forgotten with the edit."""
    repo.commit({BOT: GOOD})
    row = link(admin, repo.url, minimum_killed=1)
    run_due()
    pin(admin, "bot", reason="stay")
    repo.commit({BOT: BAD})
    poll()
    assert files(admin, row)[BOT]["outcome"] == "pinned"

    edit(admin, row, minimum_killed=100, branch="gone")
    run_due()
    Link.objects.update(branch="main", held=None)
    unpin(admin, "bot")
    run_due()

    assert files(admin, row)[BOT]["outcome"] == "quarantined"
    assert content(admin, "bot") == GOOD.encode()


def test_an_override_stays_while_the_file_in_git_passes_no_gate(
    admin: APIClient, repo: Repo
) -> None:
    """It is the API's, and no gate of a link is asked."""
    repo.commit({BOT: GOOD})
    row = link(admin, repo.url, minimum_killed=100)
    run_due()
    by_hand = BAD.replace("Bot", "By hand")
    override(admin, "bot", by_hand)
    repo.commit({BOT: BAD})
    poll()

    assert files(admin, row)[BOT]["outcome"] == "quarantined"
    assert content(admin, "bot") == by_hand.encode()


def test_a_file_that_moves_is_measured_where_it_comes(admin: APIClient, repo: Repo) -> None:
    """By the gates of the link that has it then; the one that it left asked for nothing."""
    repo.commit({f"p/{BOT}": BAD, f"q/{TWO}": GOOD.replace("Bot", "Two")})
    link(admin, repo.url, path="p")
    strict = link(admin, repo.url, path="q", minimum_killed=100)
    run_due()
    assert set(hashes()) == {"bot", "two"}

    repo.commit({f"p/{BOT}": None, f"q/{BOT}": BAD + "# moved\n"})
    poll()
    poll()

    assert files(admin, strict)[f"q/{BOT}"]["outcome"] == "quarantined"
    assert content(admin, "bot") == BAD.encode()


def test_a_rename_takes_nothing_through_a_gate(admin: APIClient, repo: Repo) -> None:
    """The same bytes under another id are measured anew."""
    repo.commit({BOT: BAD})
    row = link(admin, repo.url)
    run_due()
    edit(admin, row, minimum_killed=100)
    repo.commit({BOT: None, TWO: BAD})
    run_due()

    assert files(admin, row)[TWO]["outcome"] == "quarantined"
    assert set(hashes()) == {"bot"}


def test_a_weaker_commit_is_held_whatever_its_tests_reach(admin: APIClient, repo: Repo) -> None:
    """A link may ask for all three."""
    repo.commit({BOT: GOOD})
    row = link(admin, repo.url, minimum_killed=100, minimum_coverage=1, fail_on="weaker")
    run_due()

    repo.commit({BOT: made("falcon", terms=("falcon",))})
    poll()
    assert shown(admin, row)["held"]["reason"] == "weaker"

    repo.commit({BOT: BAD})
    poll()
    assert shown(admin, row)["held"] is None
    assert files(admin, row)[BOT]["outcome"] == "quarantined"
    assert content(admin, "bot") == GOOD.encode()


def test_time_that_is_over_is_no_pass_and_the_next_poll_goes_on(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch, measured: list[Any]
) -> None:
    """Each file is measured in the end, and none twice."""
    names = [f"{name}/policy-config.yaml" for name in "abcd"]
    repo.commit(dict.fromkeys(names, BAD))
    row = link(admin, repo.url, minimum_killed=100)
    real, looks = policies.Commit.__init__, []

    def hasty(self: policies.Commit, **_: float) -> None:
        looks.append(self)
        real(self, wasted_seconds=1e-9)

    monkeypatch.setattr(policies.Commit, "__init__", hasty)

    run_due()
    for _ in range(4):
        poll()
    told = [codes(files(admin, row)[name])[0] for name in names]

    assert told == ["too_few_killed"] * 4
    assert len(looks) >= 4
    assert len(measured) == 4
    assert hashes() == {}


@pytest.mark.smoke
def test_a_dry_run_says_what_a_gate_would_say(
    admin: APIClient, repo: Repo, measured: list[Any]
) -> None:
    """As the sync does; of what is in force nothing is measured, unless the gates are others."""
    repo.commit({BOT: GOOD, TWO: BAD.replace("Bot", "Two")})
    row = link(admin, repo.url)
    run_due()
    edit(admin, row, minimum_killed=30)
    run_due()
    measured.clear()
    worse = made(terms=("falcon", "heron", "owl"))
    repo.commit({BOT: worse})

    answer = {one["path"]: one for one in dry_run(row)["files"]}

    assert [data for data, _ in measured] == [worse.encode()]
    assert {path: one["outcome"] for path, one in answer.items()} == {
        BOT: "quarantined",
        TWO: "synced",
    }
    poll()
    assert answer[BOT]["findings"] == files(admin, row)[BOT]["findings"][:10]
    stricter = preview.of(draft(repo.url, minimum_killed=100))
    assert {one["path"]: one["outcome"] for one in stricter["files"]} == dict.fromkeys(
        (BOT, TWO), "quarantined"
    )
    open_again = preview.of(draft(repo.url, minimum_killed=0))
    assert {one["outcome"] for one in open_again["files"]} == {"synced"}


FOUND = (Finding("too_few_killed", "error", "testing", "too few", "", 1, 1),)
ROWS = [
    (Linked(BOT, "bot", "blob", "quarantined", measured=FOUND), FOUND, 0),
    (Linked(BOT, "bot", "blob", "pinned", measured=()), (), 0),
    (Linked(BOT, "bot", "blob", "pinned"), FOUND, 1),
    (Linked(BOT, "bot", "", "pinned", measured=()), FOUND, 1),
    (Linked(BOT, "bot", "other", "quarantined", measured=()), FOUND, 1),
    (Linked(BOT, "bot", "blob", "missing", measured=()), FOUND, 1),
    (Linked(TWO, "two", "blob", "pinned", measured=()), FOUND, 1),
    (Linked(BOT, "bot", "blob", "synced"), (), 0),
]


@pytest.mark.parametrize(("row", "expected", "times"), ROWS)
def test_a_file_is_measured_unless_that_was_done(
    row: Linked, expected: tuple[Finding, ...], times: int
) -> None:
    """By its path and blob; what is in force as in git is not, though it is shown."""
    asked = []

    def measure(data: bytes) -> tuple[Finding, ...]:
        asked.append(data)
        return FOUND

    snapshot = Snapshot(Commit("c", "", ""), "t", (File(BOT, "blob", GOOD.encode()),))

    [found] = read(snapshot, [row], verify=verify, measure=measure, every=True)

    assert (found.findings, len(asked)) == (expected, times)
    assert found.own_id == "bot"


def test_the_findings_of_gates_fit_into_a_row(admin: APIClient, repo: Repo) -> None:
    """A policy of hundreds of terms without a test is told of in few of them."""
    repo.commit({BOT: made(terms=tuple(f"falcon {number}" for number in range(150)))})
    link(admin, repo.url, minimum_killed=50, minimum_coverage=50)

    run_due()

    found = LinkedFile.objects.get().findings
    assert len(found) == 42
    assert len(str(found)) < 30_000
