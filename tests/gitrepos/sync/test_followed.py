"""Links that follow a tag, the newest in a range, or a commit: through real git to a version."""

import dataclasses
from typing import Any

import pytest
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from gitrepos.forge.wire import ls_refs
from gitrepos.models import Link, Remote
from gitrepos.snapshot import ancestry
from gitrepos.sync import preview
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import (
    confirm,
    content,
    edit,
    get,
    kinds,
    link,
    poll,
    request,
    run_due,
    shown,
)

pytestmark = pytest.mark.django_db

BOT = "bot/policy-config.yaml"
NOBODY = "0" * 40


def release(repo: Repo, name: str, *, message: str = "") -> str:
    """A commit whose policy is named as its tag; with a message the tag is annotated."""
    commit = repo.commit({BOT: policy(name)})
    repo.tag(name, message=message)
    return commit


def in_force(admin: APIClient) -> str:
    """The name of the tag whose policy is in force."""
    return next(
        line.split()[1]
        for line in content(admin, "bot").decode().splitlines()
        if line.startswith("  name:")
    )


def told(admin: APIClient, row: dict[str, Any]) -> tuple[object, ...]:
    """Status, commit and tag of a link."""
    now = shown(admin, row)
    return now["status"], now["last_commit"], now["last_tag"]


@pytest.mark.smoke
def test_a_tag_is_followed_and_not_the_branch_behind_it(admin: APIClient, repo: Repo) -> None:
    """To its commit, also where it is annotated; the version says by which ref it came."""
    commit = release(repo, "v1.0.0")
    repo.tag("v1.0.1", message="A release")
    rows = {tag: link(admin, repo.url, tag=tag, id_prefix=f"{tag}-") for tag in TAGS}
    run_due()
    repo.commit({BOT: policy("Later")})

    poll()

    for tag, row in rows.items():
        assert told(admin, row) == ("synced", commit, tag)
        [version] = get(admin, f"/v1/configurations/{tag}-bot/versions")
        assert (version["commit"], version["ref"]) == (commit, f"refs/tags/{tag}")
        assert shown(admin, row)["conditions"][0]["message"] == (
            f"Commit {commit} of tag {tag} is synced."
        )


TAGS = ("v1.0.0", "v1.0.1")


def test_a_moved_tag_without_the_path_is_told_as_moved(admin: APIClient, repo: Repo) -> None:
    """That the path is gone follows from it; a preview says the same."""
    first = release(repo, "v1.0.0")
    row = link(admin, repo.url, tag="v1.0.0", path="bot")
    run_due()
    second = repo.commit({BOT: None, "readme.md": "Nothing.\n"})
    repo.tag("v1.0.0")

    poll()

    held = shown(admin, row)["held"]
    assert (held["reason"], held["commit"]) == ("tag_moved", second)
    assert held["message"] == (
        f"The tag v1.0.0 was moved from {first} to {second}. The commit has no file or directory"
        " 'bot'. What loses its file stays in force: the link has `prune` off."
    )
    assert preview.of(Link.objects.get())["held"] == {
        "reason": held["reason"],
        "message": held["message"],
    }
    assert in_force(admin) == "v1.0.0"

    confirm(admin, row)
    run_due()

    now = shown(admin, row)
    assert (now["held"], now["error"]["code"]) == (None, "path_not_found")


def test_a_moved_tag_is_held_until_somebody_confirms_it(admin: APIClient, repo: Repo) -> None:
    """An edit of something else does not let it pass either."""
    first = release(repo, "v1.0.0", message="A release")
    row = link(admin, repo.url, tag="v1.0.0")
    run_due()
    second = repo.commit({BOT: policy("Moved")})
    repo.tag("v1.0.0", message="Another release")

    poll()
    poll()
    edit(admin, row, poll_interval_seconds=600)
    run_due()

    held = shown(admin, row)["held"]
    assert (held["reason"], held["commit"], held["tag"]) == ("tag_moved", second, "v1.0.0")
    assert first in held["message"]
    assert (told(admin, row), in_force(admin)) == (("held", first, "v1.0.0"), "v1.0.0")
    confirm(admin, row)
    run_due()
    poll()
    assert (told(admin, row), in_force(admin)) == (("synced", second, "v1.0.0"), "Moved")
    assert set(kinds(git_repo=row["id"])) == {"held", "confirmed"}


@pytest.mark.parametrize("files", [{BOT: policy("Moved")}, {BOT: None, "other": ""}])
def test_a_held_tag_is_not_fetched_again(
    admin: APIClient, repo: Repo, packs: list[bytes], files: dict[str, str | bytes | None]
) -> None:
    """Whatever it is held for."""
    release(repo, "v1.0.0")
    row = link(admin, repo.url, tag="v1.0.0", path="bot")
    run_due()
    repo.commit(files)
    repo.tag("v1.0.0", message="Another")
    poll()
    held = shown(admin, row)["held"]
    packs.clear()

    poll()

    assert held["tag"] == "v1.0.0"
    assert (packs, shown(admin, row)["held"]) == ([], held)


def test_a_tag_that_is_gone_is_held(admin: APIClient, repo: Repo) -> None:
    """As a branch is."""
    release(repo, "v1.0.0")
    row = link(admin, repo.url, tag="v1.0.0")
    run_due()
    repo.untag("v1.0.0")

    poll()

    now = shown(admin, row)
    assert (now["status"], now["held"]["reason"]) == ("held", "tag_not_found")
    assert (now["held"]["commit"], in_force(admin)) == (NOBODY, "v1.0.0")


@pytest.mark.smoke
def test_the_newest_tag_in_a_range_is_followed(admin: APIClient, repo: Repo) -> None:
    """By its number, without pre-releases, whatever branch it is on."""
    release(repo, "v1.9.0", message="A release")
    row = link(admin, repo.url, semver="^1.2")
    run_due()
    newest = release(repo, "v1.10.0", message="A release")
    for name in ("v1.11.0-rc.1", "v2.0.0", "v1.1.0", "nightly"):
        release(repo, name)

    poll()

    assert (told(admin, row), in_force(admin)) == (("synced", newest, "v1.10.0"), "v1.10.0")
    versions = get(admin, "/v1/configurations/bot/versions")
    assert [version["ref"] for version in versions] == ["refs/tags/v1.10.0", "refs/tags/v1.9.0"]
    assert kinds(git_repo=row["id"]) == []


def test_a_lower_tag_is_held_until_somebody_confirms_it(admin: APIClient, repo: Repo) -> None:
    """The one in force was deleted; a higher one passes by itself, and ends the hold."""
    lower = release(repo, "v1.1.0")
    row = link(admin, repo.url, semver="^1")
    higher = release(repo, "v1.2.0")
    run_due()
    repo.untag("v1.2.0")

    poll()

    held = shown(admin, row)["held"]
    assert (held["reason"], held["commit"], held["tag"]) == ("tag_lower", lower, "v1.1.0")
    assert "v1.2.0" in held["message"]
    assert (told(admin, row), in_force(admin)) == (("held", higher, "v1.2.0"), "v1.2.0")
    highest = release(repo, "v1.2.1")
    poll()
    assert told(admin, row) == ("synced", highest, "v1.2.1")
    repo.untag("v1.2.1")
    poll()
    confirm(admin, row)
    run_due()
    assert (told(admin, row), in_force(admin)) == (("synced", lower, "v1.1.0"), "v1.1.0")


def test_a_higher_tag_of_the_same_commit_is_the_one_in_force(admin: APIClient, repo: Repo) -> None:
    """So a return to the lower one is a step back."""
    commit = release(repo, "v1.1.0")
    row = link(admin, repo.url, semver="^1")
    run_due()
    repo.tag("v1.2.0")

    poll()
    forward = told(admin, row)
    repo.untag("v1.2.0")
    poll()

    assert forward == ("synced", commit, "v1.2.0")
    assert shown(admin, row)["held"]["reason"] == "tag_lower"


def test_a_range_without_a_tag_is_an_error(admin: APIClient, repo: Repo) -> None:
    """Until there is one."""
    release(repo, "v1.0.0")
    row = link(admin, repo.url, semver="^2")
    run_due()
    before = shown(admin, row)

    release(repo, "v2.0.0")
    poll()

    assert (before["status"], before["error"]["code"]) == ("error", "tag_not_found")
    assert shown(admin, row)["status"] == "synced"


def test_a_tag_that_leads_to_no_commit_is_an_error(admin: APIClient, repo: Repo) -> None:
    """A tag of a tag leads on."""
    commit = repo.commit({BOT: policy("One")})
    repo.tag("inner", message="Inner")
    repo.tag("v1.0.0", "inner", message="Outer")
    repo.tag("v2.0.0", "HEAD^{tree}")
    repo.tag("v3.0.0", "HEAD^{tree}", message="A directory")
    rows = [link(admin, repo.url, tag=name) for name in ("v1.0.0", "v2.0.0", "v3.0.0")]

    run_due()

    assert told(admin, rows[0]) == ("synced", commit, "v1.0.0")
    for row in rows[1:]:
        assert shown(admin, row)["error"]["code"] == "not_a_commit"


def test_more_tags_than_are_read_are_an_error(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link to one of them goes on."""
    monkeypatch.setattr(ls_refs, "MAX_LISTED", 2)
    for name in ("v1.0.0", "v1.1.0", "v1.2.0"):
        release(repo, name, message="A release")
    every = link(admin, repo.url, semver="*")
    run_due()
    one = link(admin, repo.url, tag="v1.1.0", access_token="another")
    run_due()

    assert shown(admin, every)["error"]["code"] == "too_large"
    assert shown(admin, one)["status"] == "synced"


@pytest.mark.parametrize("behind", [0, 2])
def test_a_commit_of_a_branch_is_taken_once(
    admin: APIClient, forge: Forge, repo: Repo, monkeypatch: pytest.MonkeyPatch, behind: int
) -> None:
    """At its head or far back; later polls have nothing to ask, until somebody does."""
    monkeypatch.setattr(ancestry, "_GENERATIONS", 2)
    commit = repo.commit({BOT: policy("One")})
    for _ in range(behind):
        repo.commit({BOT: policy("Later")})
    row = link(admin, repo.url, commit=commit.upper())
    run_due()
    forge.requests.clear()

    poll()

    now = shown(admin, row)
    assert (now["status"], now["last_commit"], now["commit"]) == ("synced", commit, commit)
    assert (now["next_poll_at"], forge.calls(repo)) == (None, [])
    [version] = get(admin, "/v1/configurations/bot/versions")
    assert (version["commit"], version["ref"]) == (commit, "")
    request(admin, row)
    run_due()
    assert forge.calls(repo)
    assert shown(admin, row)["next_poll_at"] is None


@pytest.mark.smoke
def test_a_commit_that_no_branch_has_is_refused(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """Though the forge hands it out: anybody may propose one. It is asked again on request."""
    repo.commit({BOT: policy("One")})
    repo.git("checkout", "--quiet", "-b", "proposal")
    repo.write(BOT, policy("A stranger's"))
    repo.git("commit", "--quiet", "--all", "-m", "Propose")
    commit = repo.git("rev-parse", "HEAD")
    repo.git("update-ref", "refs/pull/1/head", commit, at=repo.bare)
    repo.tag("directory", "HEAD^{tree}")  # One that leads to no commit is no obstacle.
    row = link(admin, repo.url, commit=commit)
    run_due()
    forge.requests.clear()
    poll()

    refused = shown(admin, row)
    asked = forge.calls(repo)
    repo.git("commit", "--quiet", "--allow-empty", "-m", "Merge")
    repo.git("update-ref", "refs/heads/merged", repo.git("rev-parse", "HEAD"), at=repo.bare)
    request(admin, row)
    run_due()

    assert (refused["status"], refused["error"]["code"]) == ("stalled", "not_on_any_branch")
    assert (refused["next_poll_at"], asked) == (None, [])
    assert told(admin, row) == ("synced", commit, None)


def test_a_commit_leaves_the_others_of_its_remote_their_pace(admin: APIClient, repo: Repo) -> None:
    """Nothing is asked for it any more, and its interval counts no more."""
    commit = repo.commit({BOT: policy("One")})
    link(admin, repo.url, commit=commit, path="bot", poll_interval_seconds=60)
    other = link(admin, repo.url, path="other", branch="main", poll_interval_seconds=3600)
    run_due()
    newer = repo.commit({"other/policy-config.yaml": policy("Two")})

    poll()

    assert shown(admin, other)["last_commit"] == newer
    assert in_force(admin) == "One"
    assert Remote.objects.get().interval_seconds == 3600


def test_what_is_followed_can_be_edited(admin: APIClient, repo: Repo) -> None:
    """From each form to the next, without a hold or a word of a rewritten history."""
    old = release(repo, "v1.0.0")
    newer = release(repo, "v2.0.0")
    head = repo.commit({BOT: policy("Head")})
    row = link(admin, repo.url, branch="main")
    run_due()
    led = []
    for form, value in (
        ("semver", "^2"), ("semver", "^1"), ("commit", newer), ("tag", "v1.0.0"), ("tag", None),
    ):  # fmt: skip
        edit(admin, row, **{form: value})
        run_due()
        now = shown(admin, row)
        led.append((now["follows"], now["status"], now["last_commit"]))

    assert led == [
        ("semver", "synced", newer),
        ("semver", "synced", old),
        ("commit", "synced", newer),
        ("tag", "synced", old),
        ("branch", "synced", head),
    ]
    assert kinds(git_repo=row["id"]) == []


def test_a_proposal_is_followed_where_an_operator_allows_it(
    admin: APIClient, repo: Repo, settings: Settings
) -> None:
    """And no further once it is not allowed any more."""
    name = "refs/pull/1/head"
    repo.git("update-ref", name, repo.commit({BOT: policy("One")}), at=repo.bare)
    settings.ENV = dataclasses.replace(settings.ENV, git_allowed_refs=(f"{name[:-6]}*",))
    row = link(admin, repo.url, branch=name)
    run_due()
    allowed = shown(admin, row)["status"]
    settings.ENV = dataclasses.replace(settings.ENV, git_allowed_refs=())
    repo.git("update-ref", name, repo.commit({BOT: policy("Two")}), at=repo.bare)

    poll()

    now = shown(admin, row)
    assert (allowed, now["status"], now["error"]["code"]) == ("synced", "error", "ref_not_allowed")
    assert in_force(admin) == "One"


def test_a_preview_says_which_tag_and_what_would_be_held(admin: APIClient, repo: Repo) -> None:
    """As the sync does."""
    release(repo, "v1.0.0", message="A release")
    row = link(admin, repo.url, semver="*")
    run_due()
    moved = repo.commit({BOT: policy("Moved")})
    repo.tag("v1.0.0")

    answer = preview.of(Link.objects.get(pk=row["id"]))

    assert (answer["commit"], answer["tag"]) == (moved, "v1.0.0")
    assert answer["held"]["reason"] == "tag_moved"
