"""Outcomes of files and owners of ids: adoption, conflict, override, quarantine, rename."""

from collections.abc import Callable

import pytest
from django.db.models import F
from rest_framework.test import APIClient

from gitrepos.models import Link, LinkedFile
from kt.policy.verify import VERIFY_VERSION
from tests.support.repo import Repo, policy
from tests.support.syncing import (
    codes,
    content,
    edit,
    files,
    get,
    hashes,
    link,
    make,
    outcomes,
    override,
    poll,
    request,
    run_due,
    runs,
    shown,
    unlink,
)

pytestmark = pytest.mark.django_db

BOT = "bot/policy-config.yaml"
BROKEN = "pack:\n  name: [\n"


def configuration(admin: APIClient, pk: str = "bot") -> tuple[str, int, str]:
    """Source, version and owner of a configuration."""
    row = get(admin, f"/v1/configurations/{pk}")
    return row["source"], row["version"], row["git_repo"]


# Without automatic creation.


@pytest.mark.smoke
def test_without_automatic_creation_a_new_id_is_unlinked(admin: APIClient, repo: Repo) -> None:
    """Nothing is made; the finding says why."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url, auto_create_configuration=False)

    run_due()

    file = files(admin, row)[BOT]
    assert (file["outcome"], codes(file), hashes()) == ("unlinked", ["unlinked"], {})
    assert shown(admin, row)["status"] == "synced"


@pytest.mark.smoke
def test_an_unlinked_file_takes_the_configuration_once_it_is_made(
    admin: APIClient, repo: Repo
) -> None:
    """By the next poll, without a commit; the same content makes no version."""
    paths = {pk: f"{pk}/policy-config.yaml" for pk in ("other", "same")}
    repo.commit(dict.fromkeys(paths.values(), policy("Bot")))
    row = link(admin, repo.url, auto_create_configuration=False)
    run_due()
    make(admin, "other", policy("Other"))
    make(admin, "same", policy("Bot"))

    poll()

    assert configuration(admin, "other") == ("git", 2, row["id"])
    assert configuration(admin, "same") == ("git", 1, row["id"])
    assert {content(admin, pk) for pk in paths} == {policy("Bot").encode()}
    assert outcomes(admin, row) == {(path, pk): "synced" for pk, path in paths.items()}


def test_an_unlinked_file_that_another_link_makes_becomes_a_conflict(
    admin: APIClient, make_repo: Callable[[], Repo]
) -> None:
    """It no longer says that there is no such configuration."""
    ours, theirs = make_repo(), make_repo()
    ours.commit({BOT: policy("Ours")})
    theirs.commit({BOT: policy("Theirs")})
    row = link(admin, ours.url, auto_create_configuration=False)
    run_due()
    link(admin, theirs.url)
    run_due()

    poll()

    file = files(admin, row)[BOT]
    assert (file["outcome"], codes(file)) == ("conflict", ["owned_by_another_link"])


# With automatic creation.


@pytest.mark.smoke
def test_with_automatic_creation_what_the_api_made_is_a_conflict(
    admin: APIClient, repo: Repo
) -> None:
    """Nothing is overwritten, and the neighbours go on."""
    make(admin, "bot", policy("By the API"))
    repo.commit({BOT: policy("By git"), "new/policy-config.yaml": policy("New")})
    row = link(admin, repo.url)

    run_due()

    assert configuration(admin) == ("api", 1, "")
    file = files(admin, row)[BOT]
    assert (file["outcome"], codes(file)) == ("conflict", ["not_adopted"])
    assert "new" in hashes()


@pytest.mark.smoke
def test_adopt_takes_over_what_the_api_made(admin: APIClient, repo: Repo) -> None:
    """Set from the start, or later on the link that reported the conflict."""
    make(admin, "bot", policy("By the API"))
    repo.commit({BOT: policy("By git")})
    row = link(admin, repo.url)
    run_due()

    edit(admin, row, adopt=True)
    run_due()

    assert configuration(admin) == ("git", 2, row["id"])
    assert outcomes(admin, row) == {(BOT, "bot"): "synced"}


@pytest.mark.smoke
def test_linking_the_same_url_again_takes_its_orphans_back(admin: APIClient, repo: Repo) -> None:
    """They stayed in force in between; the same content makes no version."""
    repo.commit({BOT: policy()})
    first = link(admin, repo.url)
    run_due()
    left = unlink(admin, first)
    orphan = configuration(admin)
    second = link(admin, repo.url)

    run_due()

    assert left == ["bot"]
    assert orphan == ("git", 1, "")
    assert configuration(admin) == ("git", 1, second["id"])


def test_a_changed_file_returns_an_archived_configuration_to_force(
    admin: APIClient, repo: Repo
) -> None:
    """The one archived by an override; it stays archived until the file changes."""
    repo.commit({BOT: policy("One")})
    row = link(admin, repo.url)
    run_due()
    assert admin.delete("/v1/configurations/bot?override=true").status_code == 200
    request(admin, row)
    run_due()
    between = get(admin, "/v1/configurations/bot")["status"]
    repo.commit({BOT: policy("Two")})

    poll()

    after = get(admin, "/v1/configurations/bot")
    assert (between, after["status"], after["version"]) == ("archived", "active", 2)


def test_a_file_that_returns_takes_its_configuration_out_of_the_archive(
    admin: APIClient, repo: Repo
) -> None:
    """Its return is a change of git, and the next version, though the bytes are as before."""
    repo.commit({BOT: policy(), "readme.md": "Stay.\n"})
    row = link(admin, repo.url)
    run_due()
    repo.commit({BOT: None})
    poll()
    assert admin.delete("/v1/configurations/bot?override=true").status_code == 200
    repo.commit({BOT: policy()})

    poll()

    assert get(admin, "/v1/configurations/bot")["status"] == "active"
    assert configuration(admin) == ("git", 2, row["id"])


# Two that want one id.


@pytest.mark.smoke
def test_two_files_of_one_id_are_both_refused(admin: APIClient, repo: Repo) -> None:
    """What was in force stays; it ends where it began, or whoever is left when one goes has it."""
    copy = "copy/policy-config.yaml"
    repo.commit({BOT: policy("One")})
    row = link(admin, repo.url)
    run_due()
    repo.commit({copy: policy("Two", id="bot")})
    poll()
    refused = outcomes(admin, row)
    kept = content(admin, "bot")
    repo.commit({copy: None})
    poll()
    assert outcomes(admin, row) == {(BOT, "bot"): "synced"}
    assert codes(files(admin, row)[BOT]) == []
    assert configuration(admin) == ("git", 1, row["id"])
    repo.commit({copy: policy("Two", id="bot")})
    poll()
    repo.commit({BOT: None})

    poll()

    assert refused == {(BOT, "bot"): "conflict", (copy, "bot"): "conflict"}
    assert kept == policy("One").encode()
    assert outcomes(admin, row) == {(copy, "bot"): "synced"}
    assert content(admin, "bot") == policy("Two", id="bot").encode()


@pytest.mark.smoke
def test_the_second_of_two_links_is_refused(
    admin: APIClient, make_repo: Callable[[], Repo]
) -> None:
    """The finding names the first; when that goes, only `adopt` takes what it left.

    By its next poll, without a commit.
    """
    pay = "pay/policy-config.yaml"
    first_repo, second_repo = make_repo(), make_repo()
    first_repo.commit({BOT: policy("First"), pay: policy("First")})
    second_repo.commit({BOT: policy("Second"), pay: policy("Second")})
    first = link(admin, first_repo.url)
    run_due()
    second = link(admin, second_repo.url, path="bot")
    adopting = link(admin, second_repo.url, path="pay", adopt=True)
    run_due()
    refused = files(admin, second)[BOT], files(admin, adopting)[pay]
    before = configuration(admin, "pay")
    unlink(admin, first)

    poll()

    for file in refused:
        assert (file["outcome"], codes(file)) == ("conflict", ["owned_by_another_link"])
        assert first["id"] in file["findings"][0]["message"]
    assert codes(files(admin, second)[BOT]) == ["not_adopted"]
    assert content(admin, "bot") == policy("First").encode()
    assert before == ("git", 1, first["id"])
    assert configuration(admin, "pay") == ("git", 2, adopting["id"])


# An override by the API.


@pytest.mark.smoke
def test_an_override_stands_until_the_file_changes(admin: APIClient, repo: Repo) -> None:
    """A commit elsewhere, a manual sync and an edit of the link leave it."""
    repo.commit({BOT: policy("One")})
    row = link(admin, repo.url)
    run_due()
    override(admin, "bot", policy("Override"))
    repo.commit({"other/policy-config.yaml": policy("Other")})
    poll()
    request(admin, row)
    run_due()
    edit(admin, row, adopt=True)
    run_due()
    stood = content(admin, "bot")
    repo.commit({BOT: policy("Two")})

    poll()

    assert stood == policy("Override").encode()
    assert content(admin, "bot") == policy("Two").encode()
    assert configuration(admin) == ("git", 3, row["id"])


def test_an_override_stands_through_a_change_that_is_taken_back(
    admin: APIClient, repo: Repo
) -> None:
    """Through a quarantine, a deletion, a conflict or a move: what git says is as before."""
    steps = ("broken", "deleted", "duplicated", "moved", "moved-and-broken")
    paths = {step: f"{step}/policy-config.yaml" for step in steps}
    one = {path: policy("One", id=step) for step, path in paths.items()}
    by_hand = {step: policy("Override", id=step) for step in steps}
    repo.commit({**one, "readme.md": "Stay.\n"})
    row = link(admin, repo.url)
    run_due()
    for step in steps:
        override(admin, step, by_hand[step])
    repo.commit(
        {
            paths["broken"]: BROKEN,
            paths["deleted"]: None,
            "b/policy-config.yaml": policy("Two", id="duplicated"),
            paths["moved"]: None,
            "c/policy-config.yaml": one[paths["moved"]],
            paths["moved-and-broken"]: None,
            "d/policy-config.yaml": one[paths["moved-and-broken"]] + "extra: 1\n",
        }
    )
    poll()
    between = {step: content(admin, step) for step in steps}
    said = outcomes(admin, row)
    repo.git("rm", "-rfq", "b", "c", "d")
    repo.commit(one)

    poll()

    assert (said[paths["broken"], "broken"], said[paths["deleted"], "deleted"]) == (
        "quarantined",
        "missing",
    )
    for step in steps:
        assert between[step] == content(admin, step) == by_hand[step].encode(), step
        assert configuration(admin, step) == ("git", 2, row["id"]), step
    assert outcomes(admin, row) == {(path, step): "synced" for step, path in paths.items()}


# Deletion, rename, another id.


@pytest.mark.smoke
def test_a_deleted_file_leaves_its_configuration_in_force(admin: APIClient, repo: Repo) -> None:
    """Missing, and later commits have no line of it; its return, changed, is the next version."""
    other = "other/policy-config.yaml"
    repo.commit({BOT: policy("One"), other: policy("Other")})
    row = link(admin, repo.url)
    run_due()
    repo.commit({BOT: None})
    poll()
    gone = outcomes(admin, row)[BOT, "bot"], get(admin, "/v1/configurations/bot")["status"]
    repo.commit({other: policy("Other two")})
    poll()
    assert outcomes(admin, row)[BOT, "bot"] == "missing"
    assert [file["path"] for file in runs(admin, row)[0]["files"]] == [other]
    counts = shown(admin, row)["files"]
    repo.commit({BOT: policy("Two")})

    poll()

    assert gone == ("missing", "active")
    assert counts == {"missing": 1, "synced": 1}
    assert outcomes(admin, row)[BOT, "bot"] == "synced"
    assert configuration(admin) == ("git", 2, row["id"])


def test_a_missing_file_is_archived_with_its_configuration(admin: APIClient, repo: Repo) -> None:
    """Whoever retires what git dropped is not asked to look at it for ever."""
    repo.commit({BOT: policy(), "other/policy-config.yaml": policy("Other")})
    row = link(admin, repo.url)
    run_due()
    repo.commit({BOT: None})
    poll()
    assert admin.delete("/v1/configurations/bot?override=true").status_code == 200
    request(admin, row)

    run_due()

    assert outcomes(admin, row)[BOT, "bot"] == "archived"
    assert shown(admin, row)["conditions"][0]["reason"] == "Synced"


@pytest.mark.smoke
def test_a_rename_keeps_id_and_history_by_its_pack_id(admin: APIClient, repo: Repo) -> None:
    """Alone it makes no version; with a change it makes the next one."""
    repo.commit({BOT: policy("One", id="stable")})
    row = link(admin, repo.url)
    run_due()
    repo.git("mv", "bot", "support-bot")
    repo.commit({})
    poll()
    moved = configuration(admin, "stable")
    repo.commit({"support-bot/policy-config.yaml": policy("Two", id="stable")})

    poll()

    assert moved == ("git", 1, row["id"])
    assert configuration(admin, "stable") == ("git", 2, row["id"])
    assert outcomes(admin, row) == {("support-bot/policy-config.yaml", "stable"): "synced"}
    assert set(hashes()) == {"stable"}


@pytest.mark.smoke
def test_a_changed_pack_id_is_another_configuration(admin: APIClient, repo: Repo) -> None:
    """At the same path; the old one is missing and stays in force, until it is changed back."""
    repo.commit({BOT: policy(id="old")})
    row = link(admin, repo.url)
    run_due()
    repo.commit({BOT: policy(id="new")})
    poll()
    assert outcomes(admin, row) == {(BOT, "old"): "missing", (BOT, "new"): "synced"}
    assert set(hashes()) == {"old", "new"}
    repo.commit({BOT: policy(id="old")})

    poll()

    assert outcomes(admin, row) == {(BOT, "old"): "synced", (BOT, "new"): "missing"}
    assert configuration(admin, "old") == ("git", 1, row["id"])


def test_two_files_may_swap_their_ids(admin: APIClient, repo: Repo) -> None:
    """Each configuration follows its id, in one commit."""
    a, b = "a/policy-config.yaml", "b/policy-config.yaml"
    repo.commit({a: policy("One", id="one"), b: policy("Two", id="two")})
    row = link(admin, repo.url)
    run_due()
    repo.commit({a: policy("Two", id="two"), b: policy("One", id="one")})

    poll()

    assert outcomes(admin, row) == {(a, "two"): "synced", (b, "one"): "synced"}
    assert {configuration(admin, pk) for pk in ("one", "two")} == {("git", 1, row["id"])}


def test_what_another_link_gave_up_can_be_taken_over(
    admin: APIClient, make_repo: Callable[[], Repo]
) -> None:
    """A file moved to another repository stays a conflict while the first link owns its id."""
    old, new = make_repo(), make_repo()
    old.commit({BOT: policy(), "readme.md": "Stay.\n"})
    first = link(admin, old.url)
    run_due()
    new.commit({BOT: policy()})
    second = link(admin, new.url, auto_create_configuration=False)
    run_due()
    old.commit({BOT: None})
    poll()
    held = outcomes(admin, second)[BOT, "bot"]
    unlink(admin, first)

    poll()

    assert held == "conflict"
    assert configuration(admin) == ("git", 1, second["id"])


# Quarantine.


@pytest.mark.smoke
def test_a_quarantine_keeps_the_last_good_and_ends_when_fixed(admin: APIClient, repo: Repo) -> None:
    """The fix is the next version; the findings go with it. One never good feeds nothing before."""
    new = "new/policy-config.yaml"
    repo.commit({BOT: policy("One"), new: BROKEN})
    row = link(admin, repo.url)
    run_due()
    repo.commit({BOT: BROKEN})
    poll()
    broken = files(admin, row)[BOT]
    kept = content(admin, "bot")
    assert set(hashes()) == {"bot"}
    repo.commit({BOT: policy("Two"), new: policy("New")})

    poll()

    assert (broken["outcome"], broken["configuration"]) == ("quarantined", "bot")
    assert broken["findings"][0]["line"] == 3
    assert kept == policy("One").encode()
    for path in (BOT, new):
        assert (files(admin, row)[path]["outcome"], codes(files(admin, row)[path])) == (
            "synced",
            [],
        )
    assert configuration(admin) == ("git", 2, row["id"])
    assert configuration(admin, "new") == ("git", 1, row["id"])


@pytest.mark.smoke
def test_another_version_of_the_rules_reads_the_quarantined_again(
    admin: APIClient, repo: Repo
) -> None:
    """Without a commit, and once; what is in force is left as it is."""
    bad = "bad/policy-config.yaml"
    repo.commit({BOT: policy("One"), bad: BROKEN})
    row = link(admin, repo.url)
    run_due()
    said = codes(files(admin, row)[bad])
    old = {**files(admin, row)[bad]["findings"][0], "code": "E999"}
    LinkedFile.objects.update(findings=[old])
    Link.objects.update(observed_rules="older")

    poll()

    found = files(admin, row)
    assert (codes(found[bad]), codes(found[BOT])) == (said, ["E999"])
    assert Link.objects.get().observed_rules == VERIFY_VERSION
    assert configuration(admin) == ("git", 1, row["id"])


def test_what_newer_rules_let_pass_is_taken(admin: APIClient, repo: Repo) -> None:
    """A file that older rules refused, as it stands in git."""
    repo.commit({BOT: policy("One")})
    row = link(admin, repo.url, auto_create_configuration=False)
    run_due()
    edit(admin, row, auto_create_configuration=True)
    LinkedFile.objects.update(outcome="quarantined")
    Link.objects.update(observed_generation=F("generation"), observed_rules="older")

    poll()

    assert outcomes(admin, row) == {(BOT, "bot"): "synced"}
    assert configuration(admin) == ("git", 1, row["id"])
