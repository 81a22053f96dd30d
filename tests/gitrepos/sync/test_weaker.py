"""Commits that weaken what is in force: held, and under four eyes confirmed by somebody else."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from configurations.models import ChangeRequest, Configuration
from events.models import AuditEntry, Event
from gitrepos.snapshot import ancestry
from tests.support.eyes import (
    ask,
    confirmed,
    decide,
    person,
    refused,
    strong,
    waiting,
    weak,
)
from tests.support.repo import Repo
from tests.support.syncing import content, edit, hashes, link, outcomes, poll, run_due, shown

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

FILE = "p/bot/policy-config.yaml"
Linked = dict[str, Any]


def linked(by: APIClient, repo: Repo, files: dict[str, str] | None = None, **fields: Any) -> Linked:
    """A link whose first sync is made."""
    repo.commit(dict(files or {FILE: strong()}))
    row = link(by, repo.url, branch="main", path="p", **fields)
    run_due()
    assert shown(by, row)["status"] == "synced"
    return row


def post(by: APIClient, row: Linked, commit: str) -> Any:
    return by.post(f"/v1/git-repos/{row['id']}/confirm", {"commit": commit}, format="json")


def test_a_weaker_commit_is_held_where_a_link_asks_for_it(author: APIClient, repo: Repo) -> None:
    """By anybody it may be confirmed; one that is not weaker passes."""
    row = linked(author, repo, fail_on="weaker")
    commit = repo.commit({FILE: weak()})

    poll()

    now = shown(author, row)
    assert (now["status"], now["held"]["reason"]) == ("held", "weaker")
    assert now["held"]["weakens"] == ["bot: policies.chain: pii-detector no longer runs"]
    assert now["held"]["weakens"][0] in now["held"]["message"]
    assert content(author, "bot") == strong().encode()
    assert waiting(author) == []
    assert post(author, row, commit).status_code == 202
    run_due()
    assert content(author, "bot") == weak().encode()
    repo.commit({FILE: strong()})
    poll()
    assert content(author, "bot") == strong().encode()


def test_a_link_of_no_such_wish_takes_it(author: APIClient, repo: Repo) -> None:
    """As ever."""
    linked(author, repo)
    repo.commit({FILE: weak()})

    poll()

    assert content(author, "bot") == weak().encode()


def test_the_author_cannot_confirm_and_a_colleague_can(
    author: APIClient, bob: APIClient, repo: Repo
) -> None:
    """The held commit itself asks; what is confirmed is exactly what was shown."""
    row = linked(author, repo, four_eyes=True)
    assert Configuration.objects.get().four_eyes is True
    commit = repo.commit({FILE: weak()})
    poll()

    [asked] = waiting(bob)
    assert (asked["kind"], asked["target"]) == ("git_repo.confirm", row["id"])
    assert asked["shows"] == {"commit": commit}
    assert asked["details"]["weakens"] == ["bot: policies.chain: pii-detector no longer runs"]
    assert asked["details"]["people"]["addresses"] == ["author@keeptrusts.example"]
    assert asked["asker"]["kind"] == "commit"
    for answer in (post(author, row, commit), decide(author, asked)):
        assert refused(answer) == (403, "own_commit")
    nameless = person("nameless", emails=[])
    assert refused(post(nameless, row, commit)) == (403, "names_no_address")
    assert refused(post(bob, row, "0" * 40)) == (409, "held_changed")
    assert content(bob, "bot") == strong().encode()

    assert post(bob, row, commit).status_code == 202
    run_due()

    assert content(bob, "bot") == weak().encode()
    assert waiting(bob) == []
    actions = AuditEntry.objects.order_by("pk").values_list("action", "actor_name")
    assert list(actions)[-3:] == [
        ("git_repo.confirmed", "bob"),
        ("request.confirmed", "bob"),
        ("configuration.published", repo.url),
    ]


def test_it_is_confirmed_as_a_request_too(author: APIClient, bob: APIClient, repo: Repo) -> None:
    """By its number, with the commit that it shows."""
    linked(author, repo, four_eyes=True)
    repo.commit({FILE: weak()})
    poll()

    confirmed(bob, waiting(bob)[0])
    run_due()

    assert content(bob, "bot") == weak().encode()


def test_a_newer_commit_voids_what_was_shown(author: APIClient, bob: APIClient, repo: Repo) -> None:
    """The one before is never confirmed, and its people cannot confirm the one on top of it."""
    row = linked(author, repo, four_eyes=True)
    older = repo.commit({FILE: weak()})
    poll()
    [asked] = waiting(bob)
    newer = _commit_as(repo, "bob@keeptrusts.example", {"p/readme.md": "On top."})
    poll()

    assert refused(decide(bob, asked)) == (409, "held_changed")
    assert refused(post(bob, row, older)) == (409, "held_changed")
    [now] = waiting(bob)
    assert now["shows"] == {"commit": newer}
    people = ["author@keeptrusts.example", "bob@keeptrusts.example"]
    assert now["details"]["people"]["addresses"] == people
    for one in (author, bob):
        assert refused(post(one, row, newer)) == (403, "own_commit")
    assert post(person("cy"), row, newer).status_code == 202
    run_due()
    assert content(bob, "bot") == weak().encode()


def _commit_as(repo: Repo, address: str, files: dict[str, str]) -> str:
    """A commit of another author; the committer stays."""
    for path, text in files.items():
        repo.write(path, text)
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "-m", "Other", f"--author=Other <{address}>")
    return repo.push()


def test_people_between_two_polls_are_of_the_commit(
    author: APIClient, bob: APIClient, repo: Repo
) -> None:
    """Whoever pushes on top makes nobody else of whoever weakened below."""
    row = linked(author, repo, four_eyes=True)
    repo.commit({FILE: weak()})
    top = _commit_as(repo, "bob@keeptrusts.example", {"p/readme.md": "On top."})
    _commit_as(repo, "dora@keeptrusts.example", {"p/readme.md": "On top of that."})
    top = repo.git("rev-parse", "HEAD")
    poll()

    [asked] = waiting(bob)
    assert asked["shows"] == {"commit": top}
    names = ("author", "bob", "dora")
    assert asked["details"]["people"]["addresses"] == [f"{n}@keeptrusts.example" for n in names]
    for one in (author, bob, person("dora")):
        assert refused(post(one, row, top)) == (403, "own_commit")
    assert post(person("cy"), row, top).status_code == 202


def test_who_merges_is_of_the_merge(author: APIClient, bob: APIClient, repo: Repo) -> None:
    """And has looked at what is merged: the second pair of eyes may be its author's."""
    row = linked(author, repo, four_eyes=True)
    repo.git("checkout", "--quiet", "-b", "proposal")
    _commit_as(repo, "ada@keeptrusts.example", {FILE: weak()})
    repo.git("checkout", "--quiet", "main")
    repo.git("merge", "--quiet", "--no-ff", "-m", "Merge", "proposal")
    merge = repo.push()
    poll()

    [asked] = waiting(bob)
    assert asked["shows"] == {"commit": merge}
    assert asked["details"]["people"]["addresses"] == ["author@keeptrusts.example"]
    assert refused(post(author, row, merge)) == (403, "own_commit")
    assert post(person("ada"), row, merge).status_code == 202


def test_where_git_does_not_tell_two_persons_ask_and_confirm(
    author: APIClient, bob: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that sends no history leaves unknown who pushed below."""
    row = linked(author, repo, four_eyes=True)
    repo.commit({FILE: weak()})
    top = _commit_as(repo, "dora@keeptrusts.example", {"p/readme.md": "On top."})
    monkeypatch.setattr(ancestry, "_SECONDS", 0.000001)
    poll()

    assert waiting(bob) == []
    assert refused(post(bob, row, top)) == (409, "second_person_needed")
    asked = ask(bob, "git_repo.confirm", row["id"], {"commit": top})
    assert refused(decide(bob, asked)) == (403, "same_token")
    assert refused(decide(person("dora"), asked)) == (403, "own_commit")
    confirmed(person("cy"), asked)


def test_author_and_committer_are_both_of_the_commit(
    author: APIClient, bob: APIClient, repo: Repo
) -> None:
    """Neither may confirm, in whatever case they write their addresses."""
    row = linked(author, repo, four_eyes=True)
    commit = _commit_as(repo, "Bob@Keeptrusts.Example", {FILE: weak()})
    poll()

    assert refused(post(author, row, commit)) == (403, "own_commit")
    assert refused(post(bob, row, commit)) == (403, "own_commit")
    assert post(person("cy"), row, commit).status_code == 202


def test_a_signer_is_of_the_commit(bob: APIClient, repo: Repo, tmp_path: Path) -> None:
    """Whatever the commit says of its author: by the name of the signer, or by the key."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    signers = f"bob@keeptrusts.example {key.with_suffix('.pub').read_text().strip()}"
    repo.commit({FILE: strong()})
    repo.sign(key)
    row = link(bob, repo.url, branch="main", path="p", four_eyes=True, allowed_signers=signers)
    run_due()
    repo.commit({FILE: weak()})
    commit = repo.sign(key)
    poll()

    assert refused(post(bob, row, commit)) == (403, "own_commit")
    held = shown(bob, row)["held"]
    [fingerprint] = held["people"]["keys"]
    dora = person("dora", signers=[fingerprint])
    assert refused(post(dora, row, commit)) == (403, "own_commit")
    assert post(person("cy"), row, commit).status_code == 202


def test_a_change_of_what_is_in_force_meanwhile_is_held_again(
    author: APIClient, bob: APIClient, repo: Repo
) -> None:
    """The commit was confirmed against another content: what it replaces was not shown."""
    row = linked(author, repo, four_eyes=True)
    commit = repo.commit({FILE: weak()})
    poll()
    assert post(bob, row, commit).status_code == 202
    change = {"content": strong() + "  # stricter\n", "override": True}
    confirmed(bob, ask(author, "configuration.edit", "bot", change))

    run_due()

    now = shown(bob, row)
    assert (now["status"], now["held"]["commit"]) == ("held", commit)
    assert content(bob, "bot") == change["content"].encode()  # type: ignore[attr-defined]
    assert len(waiting(bob)) == 1
    assert post(bob, row, commit).status_code == 202
    run_due()
    assert content(bob, "bot") == weak().encode()


def test_a_commit_without_known_people_takes_two_tokens(
    author: APIClient, bob: APIClient, repo: Repo
) -> None:
    """Nobody knows who removed a branch: one asks, another confirms."""
    row = linked(author, repo, four_eyes=True)
    repo.git("push", "--quiet", "origin", "HEAD:refs/heads/other")
    repo.git("update-ref", "-d", "refs/heads/main", at=repo.bare)
    poll()
    held = shown(author, row)["held"]
    assert held["reason"] == "branch_not_found"
    assert waiting(bob) == []

    assert refused(post(bob, row, held["commit"])) == (409, "second_person_needed")
    ask(author, "git_repo.confirm", row["id"], {"commit": held["commit"]})
    assert refused(post(author, row, held["commit"])) == (403, "same_token")
    assert post(bob, row, held["commit"]).status_code == 202


@pytest.mark.parametrize("four_eyes", ["link", "configuration"])
def test_what_is_pruned_goes_out_of_force_with_a_second_person(
    author: APIClient, bob: APIClient, repo: Repo, four_eyes: str
) -> None:
    """A file that is removed takes everything away."""
    row = linked(author, repo, {FILE: strong(), "p/x/policy-config.yaml": strong("x")}, prune=True)
    if four_eyes == "link":
        edit(author, row, four_eyes=True)
        run_due()
    else:
        on = author.patch("/v1/configurations/bot", {"four_eyes": True}, format="json")
        assert on.status_code == 200
    commit = repo.commit({FILE: None})

    poll()

    now = shown(author, row)
    assert (now["held"]["reason"], now["held"]["weakens"]) == ("weaker", ["bot goes out of force"])
    assert "bot" in hashes()
    assert refused(post(author, row, commit)) == (403, "own_commit")
    assert post(bob, row, commit).status_code == 202
    run_due()
    assert "bot" not in hashes()


def test_a_configuration_has_four_eyes_whatever_link_feeds_it(
    author: APIClient, bob: APIClient, repo: Repo, make_repo: Callable[[], Repo]
) -> None:
    """Another link without them takes the id over, and its weaker file is held all the same."""
    row = linked(author, repo, four_eyes=True)
    confirmed(bob, ask(author, "git_repo.remove", row["id"]))
    other = make_repo()
    other.commit({FILE: weak()})
    again = link(author, other.url, branch="main", path="p", adopt=True)
    run_due()

    assert shown(author, again)["held"]["reason"] == "weaker"
    assert content(author, "bot") == strong().encode()
    commit = other.git("rev-parse", "HEAD")
    for one in (author, bob):  # Whoever made the link may be one of the two.
        assert refused(post(one, again, commit)) == (409, "second_person_needed")
    asked = ask(author, "git_repo.confirm", again["id"], {"commit": commit})
    assert refused(decide(author, asked)) == (403, "same_token")
    confirmed(bob, asked)


def test_a_sibling_link_takes_no_file_out_of_four_eyes(
    author: APIClient, bob: APIClient, repo: Repo
) -> None:
    """A file that moves from one link's path to another's is weighed there as well."""
    linked(author, repo, {FILE: strong(), "p/x/policy-config.yaml": strong("x")}, four_eyes=True)
    other = link(author, repo.url, branch="main", path="q")
    repo.commit({FILE: None, "q/bot/policy-config.yaml": weak()})

    poll()
    poll()

    assert content(author, "bot") == strong().encode()
    assert shown(author, other)["held"]["reason"] == "weaker"


def test_a_rename_takes_four_eyes_with_it(author: APIClient, repo: Repo) -> None:
    """The policy under its new id is under them: a second commit weakens it as little."""
    row = linked(author, repo, {FILE: strong(), "p/x/policy-config.yaml": strong("x")})
    on = author.patch("/v1/configurations/bot", {"four_eyes": True}, format="json")
    assert on.status_code == 200
    repo.commit({FILE: None, "p/robot/policy-config.yaml": strong()})
    poll()
    found = dict(Configuration.objects.values_list("pk", "four_eyes"))
    assert found == {"bot": True, "robot": True, "x": False}

    repo.commit({"p/robot/policy-config.yaml": weak()})
    poll()

    assert shown(author, row)["held"]["weakens"] == [
        "robot: policies.chain: pii-detector no longer runs"
    ]
    assert content(author, "robot") == strong().encode()


def test_a_pin_that_ends_lets_nothing_weaker_pass(
    author: APIClient, bob: APIClient, repo: Repo
) -> None:
    """What git has had since is weighed when it comes into force."""
    row = linked(author, repo, four_eyes=True)
    confirmed(bob, ask(author, "configuration.pin", "bot", {"reason": "stay"}))
    repo.commit({FILE: weak()})
    poll()
    assert set(outcomes(author, row).values()) == {"pinned"}
    unpin = author.delete("/v1/configurations/bot/pin")
    assert refused(unpin) == (409, "second_person_needed")
    confirmed(bob, ask(author, "configuration.unpin", "bot"))

    run_due()

    assert shown(author, row)["held"]["reason"] == "weaker"
    assert content(author, "bot") == strong().encode()


def test_what_cannot_be_compared_is_held(author: APIClient, repo: Repo) -> None:
    """Rules that refuse what is in force leave nothing to compare with."""
    row = linked(author, repo, four_eyes=True)
    known = Configuration.objects.get(pk="bot").versions.get()
    type(known).objects.filter(pk=known.pk).update(content=b"no policy")
    repo.commit({FILE: strong() + "# more\n"})

    poll()

    held = shown(author, row)["held"]
    assert held["reason"] == "weaker"
    assert "cannot be compared" in held["weakens"][0]


def test_a_broken_glass_is_told_with_each_sync(
    author: APIClient, bob: APIClient, repo: Repo
) -> None:
    """By the link's row and condition, and by an event, until somebody else confirms it."""
    admin = person("root", role="admin")
    row = linked(author, repo, four_eyes=True)
    commit = repo.commit({FILE: weak()})
    poll()
    change = {"commit": commit}
    done = ask(admin, "git_repo.confirm", row["id"], change, break_glass=True, reason="a fire")
    run_due()
    assert content(admin, "bot") == weak().encode()

    now = shown(admin, row)
    assert now["broken_glass"] is True
    assert {c["type"]: c["reason"] for c in now["conditions"]}["Warning"] == "BrokenGlass"
    assert [one["id"] for one in admin.get("/v1/git-repos?warning=true").json()["data"]] == [
        row["id"]
    ]
    assert Event.objects.filter(kind="break_glass").count() == 2
    repo.commit({"p/readme.md": "More."})
    poll()
    assert Event.objects.filter(kind="break_glass", details__request=done["id"]).count() >= 2
    assert refused(decide(admin, done)) == (403, "same_token")
    assert refused(decide(author, done)) == (403, "own_commit")

    confirmed(bob, done)

    told = Event.objects.filter(kind="break_glass").count()
    repo.commit({FILE: strong()})
    poll()
    assert Event.objects.filter(kind="break_glass").count() == told
    assert shown(admin, row)["broken_glass"] is False
    assert admin.get("/v1/git-repos?warning=true").json()["data"] == []


def test_without_four_eyes_a_sync_asks_the_database_nothing_more(
    author: APIClient, repo: Repo
) -> None:
    """Neither for requests nor for what would be weighed."""
    linked(author, repo)
    repo.commit({FILE: weak()})

    with CaptureQueriesContext(
        connection,
    ) as queries:
        poll()

    asked = [query["sql"] for query in queries if ChangeRequest._meta.db_table in query["sql"]]
    assert asked == []
    assert content(author, "bot") == weak().encode()


def test_an_edit_of_the_link_lets_nobody_off(author: APIClient, bob: APIClient, repo: Repo) -> None:
    """It ends the hold; the commit is held anew, and its people are remembered."""
    row = linked(author, repo, four_eyes=True)
    repo.commit({FILE: weak()})
    poll()
    newer = _commit_as(repo, "bob@keeptrusts.example", {"p/readme.md": "On top."})
    edit(author, row, poll_interval_seconds=600)
    run_due()

    assert refused(post(author, row, newer)) == (403, "own_commit")
    assert refused(post(bob, row, newer)) == (403, "own_commit")
    assert post(person("cy"), row, newer).status_code == 202
