"""Ways by which one person might confirm what is his own: a link, a name, or a history of it."""

import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from access.bearers import Bearer
from configurations.models import Configuration
from configurations.requests import writer
from gitrepos.links import links
from gitrepos.models import Link
from tests.support.api import created
from tests.support.eyes import ask, confirmed, decide, person, refused, strong, weak
from tests.support.repo import Repo
from tests.support.syncing import content, edit, link, outcomes, poll, run_due, shown

pytestmark = [pytest.mark.django_db]

FILE = "p/bot/policy-config.yaml"
OTHER = {"p/x/policy-config.yaml": strong("x")}


def guard(by: APIClient, name: str = "bot") -> None:
    answer = by.patch(f"/v1/configurations/{name}", {"four_eyes": True}, format="json")
    assert answer.status_code == 200


def commit_as(repo: Repo, name: str, files: dict[str, str | None], *, address: str = "") -> str:
    """A commit that says of itself that somebody else made it, pushed."""
    for path, text in files.items():
        if text is None:
            (repo.clone / path).unlink()
        else:
            repo.write(path, text)
    repo.git("add", "--all")
    address = address or f"{name}@keeptrusts.example"
    who = f"GIT_AUTHOR_EMAIL={address} GIT_COMMITTER_EMAIL={address}"
    repo.git("-c", f"alias.as=!{who} git commit --quiet -m Change", "as")
    return repo.push()


def post(by: APIClient, row: dict[str, Any], commit: str) -> Any:
    return by.post(f"/v1/git-repos/{row['id']}/confirm", {"commit": commit}, format="json")


def takes_two(row: dict[str, Any], commit: str, one: APIClient, two: APIClient) -> None:
    """Nobody confirms it without another person who asked."""
    assert refused(post(one, row, commit)) in [
        (409, "second_person_needed"),
        (403, "nobody_known"),  # A pipeline asked.
    ]
    asked = ask(one, "git_repo.confirm", row["id"], {"commit": commit})
    assert refused(decide(one, asked)) == (403, "same_token")
    confirmed(two, asked)
    run_due()


def test_a_link_of_ones_own_brings_nothing_alone(
    author: APIClient, bob: APIClient, repo: Repo
) -> None:
    """Who makes a link chooses a repository, whose commits say what that person likes."""
    body = {"id": "bot", "content": strong(), "four_eyes": True}
    created(author.post("/v1/configurations", body, format="json"))
    commit = commit_as(repo, "somebody", {FILE: weak()})
    row = link(author, repo.url, branch="main", path="p", adopt=True, four_eyes=True)
    run_due()
    assert shown(author, row)["held"]["reason"] == "weaker"

    takes_two(row, commit, author, bob)

    assert content(author, "bot") == weak().encode()


@pytest.mark.parametrize("fields", [{"branch": "mine"}, {"prune": True}, {"allowed_signers": ""}])
def test_edits_of_a_link_are_guarded_as_what_it_feeds(
    author: APIClient, bob: APIClient, repo: Repo, fields: dict[str, Any]
) -> None:
    """Also where the configuration alone is under four eyes."""
    repo.commit({FILE: strong()})
    row = link(author, repo.url, branch="main", path="p")
    run_due()
    if "allowed_signers" in fields:
        Link.objects.update(allowed_signers="somebody")
    guard(author)

    answer = author.patch(f"/v1/git-repos/{row['id']}", fields, format="json")

    assert refused(answer) == (409, "second_person_needed")
    removal = author.delete(f"/v1/git-repos/{row['id']}")
    assert refused(removal) == (409, "second_person_needed")
    edit(author, row, poll_interval_seconds=600)
    confirmed(bob, ask(author, "git_repo.edit", row["id"], fields))
    assert {name: shown(author, row)[name] for name in fields} == fields


def test_a_rename_into_what_is_there_takes_four_eyes_with_it(author: APIClient, repo: Repo) -> None:
    """An id of the same content that lost its file, and stayed in force."""
    repo.commit({FILE: strong(), **OTHER, "p/robot/policy-config.yaml": strong()})
    link(author, repo.url, branch="main", path="p")
    run_due()
    guard(author)
    body = {"id": "edge", "configuration": "bot"}
    created(person("root", role="admin").post("/v1/gateways", body, format="json"))
    repo.commit({"p/robot/policy-config.yaml": None})
    poll()
    repo.commit({FILE: None, "p/robot/policy-config.yaml": strong()})
    poll()

    found = dict(Configuration.objects.values_list("pk", "four_eyes"))
    assert found == {"bot": True, "robot": True, "x": False}
    repo.commit({"p/robot/policy-config.yaml": weak()})
    poll()
    assert content(author, "robot") == strong().encode()


@pytest.mark.parametrize("four_eyes", ["link", "configuration"])
def test_commits_below_are_counted_whatever_is_guarded(
    author: APIClient, bob: APIClient, repo: Repo, four_eyes: str
) -> None:
    """Who pushes on top makes nobody else of the one below."""
    repo.commit({FILE: strong()})
    row = link(author, repo.url, branch="main", path="p", four_eyes=four_eyes == "link")
    run_due()
    if four_eyes == "configuration":
        guard(author)
    repo.commit({FILE: weak()})
    top = commit_as(repo, "dora", {"p/readme.md": "On top."})
    poll()

    assert refused(post(author, row, top)) == (403, "own_commit")
    assert post(bob, row, top).status_code == 202


def test_commits_between_two_tags_are_counted(
    author: APIClient, bob: APIClient, repo: Repo
) -> None:
    """As those of a branch."""
    repo.commit({FILE: strong()})
    repo.tag("v1.0.0")
    row = link(author, repo.url, semver="1.x", path="p", four_eyes=True)
    run_due()
    repo.commit({FILE: weak()})
    top = commit_as(repo, "dora", {"p/readme.md": "On top."})
    repo.tag("v1.1.0")
    poll()

    assert refused(post(author, row, top)) == (403, "own_commit")
    assert post(bob, row, top).status_code == 202


def test_what_waited_behind_a_pin_takes_two(author: APIClient, bob: APIClient, repo: Repo) -> None:
    """The commit that made it was taken long ago; who is on top of it did not make it."""
    repo.commit({FILE: strong()})
    row = link(author, repo.url, branch="main", path="p", four_eyes=True)
    run_due()
    until = (timezone.now() + timedelta(hours=1)).isoformat()
    pin = {"reason": "stay", "expires_at": until}
    confirmed(bob, ask(author, "configuration.pin", "bot", pin))
    repo.commit({FILE: weak()})
    poll()
    assert set(outcomes(author, row).values()) == {"pinned"}
    top = commit_as(repo, "dora", {"p/readme.md": "On top."})
    poll()
    Configuration.objects.update(pin_expires_at=timezone.now())
    links.expire_pins()
    run_due()
    assert shown(author, row)["held"]["commit"] == top

    takes_two(row, top, author, bob)


def test_an_unsigned_commit_names_nobody(
    author: APIClient, bob: APIClient, repo: Repo, tmp_path: Path
) -> None:
    """Where signatures are asked for, what a commit without one says of itself is not believed."""
    key = tmp_path / "key"
    row = signed(author, repo, key)
    commit = commit_as(repo, "somebody", {FILE: weak()})
    poll()
    assert shown(author, row)["held"]["reason"] == "unverified_commit"

    takes_two(row, commit, author, bob)


def test_a_signature_on_top_vouches_for_nobody_below(
    author: APIClient, bob: APIClient, repo: Repo, tmp_path: Path
) -> None:
    """Nor does a commit below without one."""
    key = tmp_path / "key"
    row = signed(author, repo, key)
    commit_as(repo, "somebody", {FILE: weak()})
    repo.commit({"p/readme.md": "On top."})
    top = repo.sign(key)
    poll()
    assert shown(author, row)["held"]["reason"] == "weaker"

    takes_two(row, top, person("dora"), bob)


def test_a_commit_that_names_no_address_names_nobody(
    author: APIClient, bob: APIClient, repo: Repo
) -> None:
    """A colleague's commit on top of it does."""
    repo.commit({FILE: strong()})
    row = link(author, repo.url, branch="main", path="p", four_eyes=True)
    run_due()
    commit_as(repo, "somebody", {FILE: weak()}, address="nowhere")
    top = commit_as(repo, "dora", {"p/readme.md": "On top."})
    poll()
    assert shown(author, row)["held"]["people"]["addresses"] == ["dora@keeptrusts.example"]

    takes_two(row, top, author, bob)


@pytest.mark.parametrize("follows", [{"branch": "main"}, {"semver": "1.x"}])
def test_who_sets_git_back_is_not_who_made_the_older_commit(
    author: APIClient, bob: APIClient, repo: Repo, follows: dict[str, str]
) -> None:
    """A branch that is pushed back to it, or a newer tag that is deleted."""
    older = commit_as(repo, "dora", {FILE: weak()})
    repo.tag("v1.0.0")
    repo.commit({FILE: strong()})
    repo.tag("v1.1.0")
    row = link(author, repo.url, **follows, path="p", four_eyes=True)
    run_due()
    repo.git("reset", "--quiet", "--hard", older)
    repo.push()
    repo.untag("v1.1.0")
    poll()
    assert shown(author, row)["held"]["commit"] == older

    takes_two(row, older, author, bob)


def test_an_archived_one_comes_back_by_git_with_two(
    author: APIClient, bob: APIClient, repo: Repo
) -> None:
    """As by the API."""
    repo.commit({FILE: strong()})
    row = link(author, repo.url, branch="main", path="p", four_eyes=True)
    run_due()
    confirmed(bob, ask(author, "configuration.archive", "bot", {"override": True}))
    commit = repo.commit({FILE: strong() + "# again\n"})
    poll()

    assert shown(author, row)["held"]["weakens"] == ["bot: it comes back into force"]
    assert Configuration.objects.get().status == "archived"
    assert refused(post(author, row, commit)) == (403, "own_commit")
    assert post(bob, row, commit).status_code == 202
    run_due()
    assert Configuration.objects.get().status == "active"


def test_a_pipeline_vouches_for_no_commit(author: APIClient, bob: APIClient, repo: Repo) -> None:
    """Who pushes what it runs is who pushed the commit."""
    body = {"id": "bot", "content": strong(), "four_eyes": True}
    created(author.post("/v1/configurations", body, format="json"))
    commit = commit_as(repo, "somebody", {FILE: weak()})
    row = link(author, repo.url, branch="main", path="p", adopt=True)
    run_due()
    job = Bearer("trust", "1", "a job", "editor")
    number = writer.ask("git_repo.confirm", row["id"], {"commit": commit}, reason="ci", by=job)()

    asked = {"id": number, "shows": {"commit": commit}}
    assert refused(decide(author, asked)) == (403, "nobody_known")
    takes_two(row, commit, author, bob)


def test_a_kind_that_runs_nowhere_is_held(author: APIClient, repo: Repo) -> None:
    """Two entries under conditions that no call meets are no more of it than one."""
    repo.commit({FILE: strong()})
    row = link(author, repo.url, branch="main", path="p", four_eyes=True)
    run_due()
    entries = "".join(f"    - pii-detector: {{when: {{path: /{one}}}}}\n" for one in "ab")
    repo.commit({FILE: strong().replace("    - pii-detector\n", entries)})
    poll()

    assert content(author, "bot") == strong().encode()
    assert shown(author, row)["held"]["reason"] == "weaker"


def test_signers_below_are_people_of_the_commit(
    author: APIClient, bob: APIClient, repo: Repo, tmp_path: Path
) -> None:
    """Whatever name they commit in."""
    keys = [tmp_path / "key", tmp_path / "other"]
    row = signed(author, repo, *keys)
    commit_as(repo, "somebody", {FILE: weak()})
    repo.sign(keys[1])
    repo.commit({"p/readme.md": "On top."})
    top = repo.sign(keys[0])
    poll()

    people = shown(author, row)["held"]["people"]
    assert (len(people["keys"]), people["is_whole"]) == (2, True)
    for name in ("key", "other"):
        assert refused(post(person(name), row, top)) == (403, "own_commit")
    assert post(bob, row, top).status_code == 202


def signed(by: APIClient, repo: Repo, *keys: Path) -> dict[str, Any]:
    """A link under four eyes that takes what these keys signed, with a first commit."""
    lines = []
    for key in keys:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        public = key.with_suffix(".pub").read_text().strip()
        lines.append(f"{key.name}@keeptrusts.example {public}")
    signers = "\n".join(lines)
    repo.commit({FILE: strong()})
    repo.sign(keys[0])
    row = link(by, repo.url, branch="main", path="p", four_eyes=True, allowed_signers=signers)
    run_due()
    assert shown(by, row)["status"] == "synced"
    return row


@pytest.mark.parametrize("text", [strong(), strong() + "# as strong\n"])
def test_a_link_of_ones_own_takes_nothing_over_alone(
    author: APIClient, bob: APIClient, repo: Repo, text: str
) -> None:
    """What feeds it from then on says itself who made what: also while the content stays."""
    body = {"id": "bot", "content": strong(), "four_eyes": True}
    created(author.post("/v1/configurations", body, format="json"))
    commit = commit_as(repo, "somebody", {FILE: text})
    row = link(author, repo.url, branch="main", path="p", adopt=True, four_eyes=True)
    run_due()
    assert shown(author, row)["held"]["weakens"] == ["bot: this link did not feed it until now"]
    assert Configuration.objects.get().owner == ""

    takes_two(row, commit, author, bob)

    assert Configuration.objects.get().owner == row["id"]
    assert content(author, "bot") == text.encode()
