"""Edits of url and branch: what was fed follows, and another branch is no rewrite."""

from collections.abc import Callable, Sequence
from importlib import import_module

import pytest
from django.apps import apps
from rest_framework.test import APIClient

from configurations.models import Configuration
from events.models import Event
from gitrepos.models import Link
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import (
    codes,
    confirm,
    content,
    edit,
    files,
    get,
    link,
    poll,
    run_due,
    shown,
    unlink,
)

pytestmark = pytest.mark.django_db

BOT = "bot/policy-config.yaml"


def another_url(forge: Forge, repo: Repo) -> str:
    """Another url under which the same repository is served."""
    return f"{forge.url}/{forge.alias(repo)}"


@pytest.mark.parametrize("synced", [True, False])
def test_what_a_link_feeds_follows_its_url(
    admin: APIClient, forge: Forge, repo: Repo, synced: bool
) -> None:
    """A link of the url that it had last takes everything back, whether or not it was synced."""
    repo.commit({BOT: policy("One"), "old/policy-config.yaml": policy("Old")})
    first = link(admin, repo.url)
    run_due()
    repo.commit({"old/policy-config.yaml": None})
    poll()
    moved = another_url(forge, repo)
    edit(admin, first, url=moved)
    if synced:
        run_due()
    unlink(admin, first)
    repo.commit({BOT: policy("Two"), "old/policy-config.yaml": policy("Back")})

    second = link(admin, moved)
    run_due()

    assert {path: codes(row) for path, row in files(admin, second).items()} == {
        BOT: [],
        "old/policy-config.yaml": [],
    }
    assert content(admin, "bot") == policy("Two").encode()
    assert get(admin, "/v1/configurations/old")["git_repo"] == second["id"]


def test_the_url_that_a_link_had_before_takes_nothing_back(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """Whoever has that url now did not make what is in force."""
    repo.commit({BOT: policy("One")})
    first = link(admin, repo.url)
    run_due()
    edit(admin, first, url=another_url(forge, repo))
    unlink(admin, first)

    second = link(admin, repo.url)
    run_due()

    assert codes(files(admin, second)[BOT]) == ["not_adopted"]


def test_what_another_link_feeds_does_not_follow(
    admin: APIClient, forge: Forge, make_repo: Callable[[], Repo]
) -> None:
    """Only what is the edited link's own; and an edit of all else leaves the url."""
    ours, theirs = make_repo(), make_repo()
    ours.commit({BOT: policy()})
    theirs.commit({"other/policy-config.yaml": policy()})
    edited, left = link(admin, ours.url), link(admin, theirs.url)
    run_due()
    edit(admin, edited, url=another_url(forge, ours))
    edit(admin, left, poll_interval_seconds=600)
    unlink(admin, left)

    again = link(admin, theirs.url)
    run_due()

    assert codes(files(admin, again)["other/policy-config.yaml"]) == []


# What is a rewrite after an edit. `next` is a branch that grew from an older commit than main's.

Step = str


def told() -> list[tuple[str, str]]:
    """From which commit to which, of each event."""
    rows = Event.objects.filter(kind="history_rewritten").order_by("pk")
    return [
        (row["from_commit"], row["to_commit"]) for row in rows.values_list("details", flat=True)
    ]


class Story:
    """A link to main, and what is done to it and its repository, by words."""

    def __init__(self, admin: APIClient, forge: Forge, repo: Repo) -> None:
        self.admin, self.forge, self.repo = admin, forge, repo
        self.base = repo.commit({BOT: policy("Zero")})
        self.main = repo.commit({BOT: policy("One")})
        self.moved = another_url(forge, repo)
        self.link = link(admin, repo.url, branch="main")
        run_due()

    def does(self, step: Step) -> None:
        """Do one step."""
        word, _, rest = step.partition(" ")
        getattr(self, f"_{word}")(rest)

    def _edit(self, rest: str) -> None:
        name, _, value = rest.partition("=")
        to = {"moved": self.moved, "back": self.repo.url}.get(value, value)
        edit(self.admin, self.link, **{name: int(to) if to.isdigit() else to})

    def _poll(self, _: str) -> None:
        poll()

    def _fail(self, _: str) -> None:
        names = self.repo.bare.name, self.moved.rpartition("/")[2]
        self.forge.answers.update({name: (500, {}, b"") for name in names})
        poll()
        for name in names:
            del self.forge.answers[name]

    def _confirm(self, _: str) -> None:
        confirm(self.admin, self.link)

    def _push(self, branch: str) -> None:
        """A branch from the older commit, with a commit of its own."""
        self.repo.git("checkout", "--quiet", "-B", "work", self.base)
        self.repo.write(BOT, policy(f"On {branch}"))
        self.repo.git("commit", "--quiet", "--all", "--message", branch)
        self.pushed = self.repo.git("rev-parse", "HEAD")
        self.repo.git("update-ref", f"refs/heads/{branch}", self.pushed, at=self.repo.bare)

    def _delete(self, branch: str) -> None:
        self.repo.git("update-ref", "-d", f"refs/heads/{branch}", at=self.repo.bare)


NEW = ["push next", "poll"]


@pytest.mark.parametrize(
    "steps",
    [
        ["edit branch=next", "poll", "poll", "edit poll_interval_seconds=600", "poll", *NEW],
        ["push next", "edit branch=next", "fail", "poll"],
        ["push next", "edit branch=next", "poll", "edit branch=main", "fail", "poll"],
        ["edit branch=next", "poll", "edit branch=main", "poll"],
        ["edit branch=next", "poll", "confirm", "poll", *NEW],
        ["edit url=moved", "push main", "fail", "poll"],
        ["edit url=moved", "fail", "edit url=back", "fail", "poll"],
        ["edit branch=next", "edit url=moved", "poll", *NEW],
    ],
    ids=" ".join,
)
def test_another_branch_or_url_was_not_rewritten(
    admin: APIClient, forge: Forge, repo: Repo, steps: Sequence[Step]
) -> None:
    """Whatever was edited, held, confirmed or failed in between, in whichever order."""
    story = Story(admin, forge, repo)

    for step in steps:
        story.does(step)

    assert told() == []
    assert shown(admin, story.link)["status"] == "synced"


@pytest.mark.parametrize(
    "steps",
    [
        ["edit poll_interval_seconds=600", "push main", "fail", "poll"],
        ["edit branch=next", "poll", "push main", "edit branch=main", "poll"],
        ["edit branch=next", "edit branch=main", "fail", "push main", "fail", "poll"],
        ["edit url=moved", "fail", "edit url=back", "push main", "poll"],
        ["delete main", "poll", "push main", "poll"],
    ],
    ids=" ".join,
)
def test_a_rewrite_is_told_whatever_was_edited_meanwhile(
    admin: APIClient, forge: Forge, repo: Repo, steps: Sequence[Step]
) -> None:
    """The link follows the branch of its last commit again, and that lost the commit."""
    story = Story(admin, forge, repo)

    for step in steps:
        story.does(step)

    assert told() == [(story.main, story.pushed)]


def test_another_head_is_told_as_what_it_may_be(admin: APIClient, repo: Repo) -> None:
    """A link without a branch cannot know whether somebody rewrote it or chose another one."""
    repo.commit({BOT: policy("Zero")})
    trunk = repo.git("rev-parse", "HEAD")
    repo.git("update-ref", "refs/heads/trunk", trunk, at=repo.bare)
    repo.commit({BOT: policy("One")})
    link(admin, repo.url)
    run_due()
    repo.git("symbolic-ref", "HEAD", "refs/heads/trunk", at=repo.bare)

    poll()

    [message] = Event.objects.filter(kind="history_rewritten").values_list("message", flat=True)
    assert "or HEAD names another branch" in message


@pytest.mark.parametrize(("branch", "filled"), [("main", True), ("nowhere", False)])
def test_an_update_knows_the_ref_of_what_was_applied_last(
    admin: APIClient, repo: Repo, branch: str, filled: bool
) -> None:
    """And not that of a link whose last attempt was held; what links feed gets their url."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url, branch="main")
    run_due()
    if branch != "main":
        edit(admin, row, branch=branch)
        run_due()
    Link.objects.update(last_url="", last_ref="")
    Configuration.objects.update(origin_url="https://forge.example/before.git")

    import_module("gitrepos.migrations.0008_last_ref").fill(apps, None)

    known = (repo.url, "refs/heads/main") if filled else ("", "")
    assert Link.objects.values_list("last_url", "last_ref").get() == known
    assert Configuration.objects.get().origin_url == repo.url
