"""Holds: commits that wait for a person, and are confirmed or replaced in git."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from events.models import Event
from gitrepos.models import Link, LinkedFile, SyncRun
from tests.support.api import error
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import (
    confirm,
    content,
    edit,
    hashes,
    kinds,
    link,
    outcomes,
    poll,
    request,
    run_due,
    runs,
    shown,
)

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

NOBODY = "0" * 40
IDS = ("a", "b", "c", "d", "e")
FOUR = {f"p/{name}/policy-config.yaml": policy(name) for name in IDS[:4]}
FIVE = FOUR | {"p/e/policy-config.yaml": policy("e")}
Break = Callable[[Repo], str]


def _most_removed(repo: Repo) -> str:
    repo.commit(dict.fromkeys(list(FIVE)[:3]))
    return "mass_removal"


def _all_removed(repo: Repo) -> str:
    repo.commit({**dict.fromkeys(FIVE), "p/readme.md": "Nothing.\n"})
    return "mass_removal"


def _path_removed(repo: Repo) -> str:
    repo.commit({**dict.fromkeys(FIVE), "readme.md": "Nothing.\n"})
    return "path_not_found"


def _branch_removed(repo: Repo) -> str:
    repo.git("push", "--quiet", "origin", "HEAD:refs/heads/other")
    repo.git("update-ref", "-d", "refs/heads/main", at=repo.bare)
    return "branch_not_found"


BREAKS = [_most_removed, _all_removed, _path_removed, _branch_removed]


def linked(admin: APIClient, repo: Repo, files: dict[str, str] = FIVE) -> dict[str, Any]:
    """A link of `p` on main with its first sync made."""
    repo.commit(dict(files))
    row = link(admin, repo.url, branch="main", path="p")
    run_due()
    assert shown(admin, row)["status"] == "synced"
    return row


def written() -> tuple[object, ...]:
    """Everything that a held commit leaves as it was."""
    files = list(LinkedFile.objects.order_by("pk").values())
    return hashes(), files, list(Link.objects.values("last_commit", "tree_id", "counts"))


@pytest.mark.parametrize("broken", BREAKS)
def test_what_is_held_waits_until_it_is_confirmed(
    admin: APIClient, forge: Forge, repo: Repo, packs: list[bytes], broken: Break
) -> None:
    """Nothing of it is written, it is told once, polling goes on without a fetch; then it passes.

    The link says what waits, since when, and what would go.
    """
    row = linked(admin, repo)
    before = written()
    reason = broken(repo)

    poll()

    assert written() == before
    now = shown(admin, row)
    held = now["held"]
    assert (now["status"], now["error"]["code"]) == ("held", reason)
    gone = list(FIVE)[: 3 if broken is _most_removed else 5]
    assert held == {
        "reason": reason,
        "message": now["error"]["message"],
        "commit": NOBODY if broken is _branch_removed else repo.git("rev-parse", "HEAD"),
        "since": held["since"],
        "would_remove": [{"path": path, "configuration": path.split("/")[1]} for path in gone],
    }
    _asked_and_not_fetched(admin, forge, repo, packs, row)
    assert kinds(git_repo=row["id"]) == ["held"]
    assert [run["error"] and run["error"]["code"] for run in runs(admin, row)] == [reason, None]
    assert shown(admin, row)["held"] == held

    confirm(admin, row)
    run_due()

    assert shown(admin, row)["held"] is None
    missing = {path for (path, _), said in outcomes(admin, row).items() if said == "missing"}
    assert missing == set(gone)
    assert hashes() == before[0]
    assert kinds(git_repo=row["id"])[:2] == ["held", "confirmed"]
    event = Event.objects.get(kind="confirmed")
    assert (event.details["actor"], len(event.details["would_remove"])) == ("tests", len(gone))


def _asked_and_not_fetched(
    admin: APIClient, forge: Forge, repo: Repo, packs: list[bytes], row: dict[str, Any]
) -> None:
    """A poll at its own pace, and a sync that somebody asks for."""
    forge.requests.clear()
    packs.clear()

    poll()

    assert forge.calls(repo)
    assert packs == []
    remote = Link.objects.select_related("remote").get().remote
    assert (remote.failures, remote.stalled, remote.claim_id) == (0, False, None)
    assert shown(admin, row)["status"] == "held"
    request(admin, row)
    run_due()


@pytest.mark.parametrize("broken", [_path_removed, _branch_removed])
def test_what_is_gone_and_confirmed_is_a_failure_until_it_returns(
    admin: APIClient, repo: Repo, broken: Break
) -> None:
    """Nothing is left to hold; as it was, the files are no longer missing."""
    row = linked(admin, repo)
    good = repo.git("rev-parse", "HEAD")
    reason = broken(repo)
    poll()
    confirm(admin, row)
    run_due()
    poll()
    now = shown(admin, row)

    repo.git("reset", "--hard", "--quiet", good)
    repo.push()
    poll()

    assert (now["status"], now["error"]["code"], now["held"]) == ("error", reason, None)
    assert set(outcomes(admin, row).values()) == {"synced"}
    assert shown(admin, row)["status"] == "synced"


@pytest.mark.parametrize("broken", BREAKS)
def test_git_recovers_by_itself(admin: APIClient, repo: Repo, broken: Break) -> None:
    """The branch goes back to where it was, or the next commit has the files; nobody confirms."""
    row = linked(admin, repo)
    good, before = repo.git("rev-parse", "HEAD"), shown(admin, row)["files"]
    broken(repo)
    poll()

    repo.git("reset", "--hard", "--quiet", good)
    repo.push()
    poll()

    now = shown(admin, row)
    assert (now["status"], now["held"], now["error"]) == ("synced", None, None)
    assert (now["last_commit"], now["files"]) == (good, before)
    broken(repo)
    poll()

    repo.commit({**FIVE, "p/a/policy-config.yaml": policy("Another")})
    poll()

    now = shown(admin, row)
    assert (now["status"], now["held"], now["error"]) == ("synced", None, None)
    assert content(admin, "a") == policy("Another").encode()
    assert kinds(git_repo=row["id"]) == ["held", "recovered"] * 2


def test_files_that_move_with_their_id_are_not_gone(admin: APIClient, repo: Repo) -> None:
    """A directory above them was renamed, and each configuration still has its file."""
    row = linked(admin, repo)
    repo.git("mv", "p/a", "p/b", "p/c", "p/d", "p/e", "-k", "p/")
    repo.git("mv", "p", "q")
    (repo.clone / "p").mkdir()
    repo.git("mv", "q", "p/deeper")
    repo.commit({})

    poll()

    assert shown(admin, row)["files"] == {"synced": 5}


def test_what_is_missing_already_is_not_gone_again(admin: APIClient, repo: Repo) -> None:
    """Of the three that are left, two may go."""
    row = linked(admin, repo)
    for path in list(FIVE)[:4]:
        repo.commit({path: None})
        poll()

    assert shown(admin, row)["files"] == {"missing": 4, "synced": 1}


def test_another_commit_is_not_what_was_confirmed(admin: APIClient, repo: Repo) -> None:
    """It is held in turn, and the hold lasts since its beginning."""
    row = linked(admin, repo)
    _most_removed(repo)
    poll()
    first = shown(admin, row)["held"]
    confirm(admin, row)
    repo.commit({"p/readme.md": "More.\n"})

    run_due()

    second = shown(admin, row)["held"]
    assert (shown(admin, row)["status"], second["since"]) == ("held", first["since"])
    assert second["commit"] == repo.git("rev-parse", "HEAD")
    assert Link.objects.get().confirmed_commit == ""


def test_a_confirmation_lets_one_commit_pass_and_not_the_next(admin: APIClient, repo: Repo) -> None:
    """It is used up."""
    many = FIVE | {f"p/n{n}/policy-config.yaml": policy(f"n{n}") for n in range(5)}
    row = linked(admin, repo, many)
    repo.commit(dict.fromkeys(list(many)[:6]))
    poll()
    confirm(admin, row)
    run_due()
    repo.commit(dict.fromkeys(list(many)[6:9]))

    poll()

    assert shown(admin, row)["status"] == "held"
    assert shown(admin, row)["files"] == {"synced": 4, "missing": 6}


def test_nobody_confirms_something_else(admin: APIClient, repo: Repo) -> None:
    """The body names the commit that was looked at."""
    row = linked(admin, repo)
    _most_removed(repo)
    poll()

    for sent in (NOBODY, "0123"):
        answer = admin.post(f"/v1/git-repos/{row['id']}/confirm", {"commit": sent}, format="json")

        assert (answer.status_code, error(answer)["code"]) == (409, "held_changed"), sent
    assert kinds(git_repo=row["id"]) == ["held"]


def test_what_is_not_held_cannot_be_confirmed(admin: APIClient, repo: Repo) -> None:
    """Nothing is asked for."""
    row = linked(admin, repo)
    commit = shown(admin, row)["last_commit"]

    answer = admin.post(f"/v1/git-repos/{row['id']}/confirm", {"commit": commit}, format="json")

    assert (answer.status_code, error(answer)["code"]) == (409, "not_held")
    assert Link.objects.get().requested_seq == 0


def test_an_edit_asks_anew(admin: APIClient, repo: Repo) -> None:
    """What was confirmed before it is not what would go now."""
    row = linked(admin, repo)
    _most_removed(repo)
    poll()
    confirm(admin, row)

    edit(admin, row, adopt=True)
    between = shown(admin, row)
    run_due()

    assert (between["status"], between["held"]) == ("pending", None)
    assert shown(admin, row)["status"] == "held"


def test_an_edited_path_that_holds_nothing_is_held(admin: APIClient, repo: Repo) -> None:
    """A mistyped path removes nothing; the right one ends it."""
    row = linked(admin, repo)
    edit(admin, row, path="q")
    run_due()
    held = shown(admin, row)

    edit(admin, row, path="p")
    run_due()

    assert (held["status"], held["held"]["reason"]) == ("held", "path_not_found")
    assert (shown(admin, row)["status"], shown(admin, row)["files"]) == ("synced", {"synced": 5})


def test_a_failure_during_a_hold_ends_without_ending_it(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """The forge was away, and the commit is the same when it is back."""
    row = linked(admin, repo)
    _most_removed(repo)
    poll()
    forge.answers[repo.bare.name] = (503, {}, b"")
    poll()
    away = shown(admin, row)
    forge.release(repo)

    poll()

    assert (away["status"], away["error"]["code"]) == ("held", "unreachable")
    assert shown(admin, row)["error"]["code"] == "mass_removal"
    assert kinds(git_repo=row["id"]).count("held") == 1


def test_a_hold_is_one_line_of_the_history(admin: APIClient, repo: Repo) -> None:
    """From the commit in force to the one that waits."""
    row = linked(admin, repo)
    first = shown(admin, row)["last_commit"]
    _most_removed(repo)

    poll()

    run = runs(admin, row)[0]
    assert (run["from_commit"], run["to_commit"]) == (first, repo.git("rev-parse", "HEAD"))
    assert (run["error"]["code"], run["files"]) == ("mass_removal", [])
    assert SyncRun.objects.count() == 2
