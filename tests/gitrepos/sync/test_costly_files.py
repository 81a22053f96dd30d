"""Files that take too much to be judged: their neighbours go on, and they are not tried again."""

from functools import partial

import pytest
from rest_framework.test import APIClient

from gitrepos.models import Link, LinkedFile
from gitrepos.snapshot.values import Commit, File, Snapshot
from gitrepos.sync import preview, steps
from gitrepos.sync.candidates import Linked, read
from keeptrusts.judge import asking, policies
from kt.policy.findings import Finding
from kt.policy.report import Report
from kt.policy.verify import verify
from tests.support.costly import blocking, terms
from tests.support.repo import Repo, policy
from tests.support.syncing import codes, files, hashes, link, poll, request, run_due, shown

pytestmark = pytest.mark.django_db

GOOD, BAD = "a/policy-config.yaml", "b/policy-config.yaml"
COSTLY = blocking(terms(8000), "hi").decode()
FINDING = Finding("too_costly", "error", "", "the file is too costly", "", 1, 1)


@pytest.mark.smoke
def test_a_costly_file_is_quarantined_and_its_neighbours_sync(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a finding that says what to change; a later sync asks no judge, until it changed."""
    contents = []
    short = partial(policies.verify, asker=asking.Asker(seconds=0.2, patience=100))

    def counted(content: bytes, /, *, directory: str | None = None) -> Report:
        contents.append(content)
        return short(content, directory=directory)

    monkeypatch.setattr(policies, "verify", counted)
    repo.commit({GOOD: policy("Good"), BAD: COSTLY, "c/policy-config.yaml": policy("Last")})
    row = link(admin, repo.url)

    run_due()

    assert (set(hashes()), shown(admin, row)["status"]) == ({"a", "c"}, "synced")
    bad = files(admin, row)[BAD]
    assert (bad["outcome"], codes(bad)) == ("quarantined", ["too_costly"])
    assert contents.count(COSTLY.encode()) == 1

    repo.commit({GOOD: policy("Changed")})
    poll()
    request(admin, row)
    run_due()
    assert (contents.count(COSTLY.encode()), codes(files(admin, row)[BAD])) == (1, ["too_costly"])

    Link.objects.update(observed_rules="older")
    poll()
    assert contents.count(COSTLY.encode()) == 2

    repo.commit({BAD: policy("Mended")})
    poll()
    assert set(hashes()) == {"a", "b", "c"}
    assert files(admin, row)[BAD]["outcome"] == "synced"


def test_a_file_that_grows_too_costly_keeps_its_last_version_in_force(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As any file that is refused."""
    repo.commit({BAD: policy("Small")})
    row = link(admin, repo.url)
    run_due()
    before = hashes()
    short = partial(policies.verify, asker=asking.Asker(seconds=0.2, patience=100))
    monkeypatch.setattr(policies, "verify", short)
    repo.commit({BAD: COSTLY})

    poll()

    assert (hashes(), set(before)) == (before, {"b"})
    assert codes(files(admin, row)[BAD]) == ["too_costly"]
    assert files(admin, row)[BAD]["configuration"] == "b"


@pytest.mark.parametrize("over", ["wasted", "late"])
def test_a_file_that_was_not_judged_is_judged_by_the_next_poll(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch, over: str
) -> None:
    """Without a commit; the costly ones before it take no time then."""
    repo.commit({GOOD: policy("Good")})
    row = link(admin, repo.url)
    real = policies.Commit.__init__
    with monkeypatch.context() as patch:
        if over == "late":
            patch.setattr(steps, "_JUDGE_SECONDS", 0)
        else:
            wasted = lambda self, **_: real(self, wasted_seconds=0)  # noqa: E731
            patch.setattr(policies.Commit, "__init__", wasted)
        run_due()
        first = codes(files(admin, row)[GOOD])

    poll()

    assert first == ["not_judged"]
    assert (files(admin, row)[GOOD]["outcome"], set(hashes())) == ("synced", {"a"})


@pytest.mark.parametrize(
    ("row", "asked"),
    [
        (Linked(BAD, "b", "blob", "quarantined", too_costly=FINDING), False),
        (Linked(BAD, "b", "other", "quarantined", too_costly=FINDING), True),
        (Linked(BAD, "b", "blob", "quarantined"), True),
        (Linked(BAD, "b", "blob", "missing", too_costly=FINDING), True),
        (Linked(GOOD, "b", "blob", "quarantined", too_costly=FINDING), True),
    ],
    ids=["the same", "other bytes", "another finding", "was gone", "another path"],
)
@pytest.mark.parametrize("every", [False, True])
def test_what_was_too_costly_is_not_verified_again(row: Linked, asked: bool, every: bool) -> None:
    """Unless its bytes changed, or the rules, by which `facts` fills the row."""
    snapshot = Snapshot(Commit("c", "", ""), "t", (File(BAD, "blob", policy("B").encode()),))
    seen = []

    def noted(data: bytes, /, *, directory: str | None = None) -> Report:
        seen.append(data)
        return verify(data, directory=directory)

    [candidate] = read(snapshot, [row], verify=noted, every=every)

    assert bool(seen) == asked
    assert candidate.ok == asked
    assert candidate.unread != asked


def test_a_preview_shows_a_costly_file_beside_the_others(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written."""
    short = partial(policies.verify, asker=asking.Asker(seconds=0.2, patience=100))
    monkeypatch.setattr(policies, "verify", short)
    repo.commit({GOOD: policy("Good"), BAD: COSTLY})
    row = link(admin, repo.url)

    answer = preview.of(Link.objects.get(pk=row["id"]))

    found = {file["path"]: [f["code"] for f in file["findings"]] for file in answer["files"]}
    assert found == {GOOD: [], BAD: ["too_costly"]}
    assert not LinkedFile.objects.exists()
