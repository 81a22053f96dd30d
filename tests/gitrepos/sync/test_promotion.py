"""A policy moves from one link's directory into another's: the id goes with its file."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from events.models import Event
from gitrepos.models import Link
from gitrepos.sync import preview
from tests.support.repo import Repo, policy
from tests.support.syncing import (
    codes,
    content,
    edit,
    files,
    get,
    hashes,
    link,
    outcomes,
    override,
    poll,
    run_due,
    shown,
    unlink,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]

OLD, NEW = "staging/bot/policy-config.yaml", "production/bot/policy-config.yaml"
KEEP, PROD = "staging/keep/policy-config.yaml", "production/prod/policy-config.yaml"
ONE, TWO = (policy("Bot", description=word, id="bot") for word in ("one", "two"))
AT = ("staging", "production")
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 300\n"
Row = dict[str, Any]


def links(admin: APIClient, repo: Repo, **owner: Any) -> tuple[Row, Row]:
    """Links of `staging`, which feeds the bot, and of `production`."""
    repo.commit({OLD: ONE, KEEP: policy("Keep"), PROD: policy("Prod")})
    made = link(admin, repo.url, path="staging", **owner), link(admin, repo.url, path="production")
    run_due()
    poll()
    return made


def fed(admin: APIClient, pk: str = "bot") -> tuple[str, int, str]:
    """Status, version and owner of a configuration."""
    row = get(admin, f"/v1/configurations/{pk}")
    return row["status"], row["version"], row["git_repo"]


@pytest.mark.parametrize("prune", [False, True])
def test_a_promotion_is_taken_up_by_the_link_that_has_it_now(
    admin: APIClient, repo: Repo, prune: bool
) -> None:
    """In one sync, with every version, edited or not; an event tells from where."""
    as_it_was, there, here = (
        policy("Same", id="same"),
        *(f"{d}/same/policy-config.yaml" for d in AT),
    )
    repo.commit({there: as_it_was})
    staging, production = links(admin, repo, prune=prune)
    repo.commit({OLD: None, NEW: TWO, there: None, here: as_it_was})

    poll()

    assert fed(admin) == ("active", 2, production["id"])
    assert fed(admin, "same") == ("active", 1, production["id"])
    assert content(admin, "bot") == TWO.encode()
    assert content(admin, "same") == as_it_was.encode()
    said = outcomes(admin, production)
    assert (said[NEW, "bot"], said[here, "same"]) == ("synced", "synced")
    assert outcomes(admin, staging) == {(KEEP, "keep"): "synced"}
    assert shown(admin, staging)["files"] == {"synced": 1}
    events = list(Event.objects.order_by("configuration"))
    assert [(event.kind, event.git_repo, event.configuration) for event in events] == [
        ("renamed", production["id"], "bot"), ("renamed", production["id"], "same"),
    ]  # fmt: skip
    assert [event.details for event in events] == [
        {"from_path": old, "path": new, "renamed_from": pk, "from_git_repo": staging["id"]}
        for pk, old, new in (("bot", OLD, NEW), ("same", there, here))
    ]


@pytest.mark.parametrize("which", ["suspended", "failing", "apart", "path gone"])
def test_however_the_link_that_had_it_stands(admin: APIClient, repo: Repo, which: str) -> None:
    """It changes hands once, whoever syncs first, and is in force all the while."""
    apart = {"access_token": "its-own"} if which in ("apart", "failing") else {}
    staging, production = links(admin, repo, prune=True, **apart)
    moved = {KEEP: None, "production/keep/policy-config.yaml": policy("Keep")}
    gone = moved if which == "path gone" else {}
    if which == "suspended":
        edit(admin, staging, suspended=True)
    if which == "failing":
        Link.objects.filter(pk=staging["id"]).update(error_code="auth_failed")
        Link.objects.get(pk=staging["id"]).remote.__class__.objects.filter(
            links=staging["id"]
        ).update(next_poll_at=None)
    repo.commit({OLD: None, NEW: TWO, **gone})

    for _ in range(2):
        poll()
        assert "bot" in hashes()

    assert fed(admin) == ("active", 2, production["id"])
    assert Event.objects.filter(kind="renamed", configuration="bot").count() == 1
    assert shown(admin, staging)["held"] is None


@pytest.mark.parametrize(
    ("moved", "place"),
    [
        ("pack: [\n", "staging/moved"),
        (POINTER, "production/moved"),
        (ONE + "nonsense: 1\n", "production/moved"),
    ],
)
def test_what_moved_and_cannot_be_read_is_not_archived(
    admin: APIClient, repo: Repo, moved: str, place: str
) -> None:
    """`prune` waits with a finding, until the file says what it is."""
    staging, production = links(admin, repo, prune=True)
    path = f"{place}/policy-config.yaml"
    repo.commit({OLD: None, path: moved})
    poll()
    waits = fed(admin)
    said = files(admin, staging).get(OLD)
    repo.commit({path: TWO})

    poll()

    assert waits == ("active", 1, staging["id"])
    if said is not None:  # Else the file says its id, under the same link.
        assert (said["outcome"], codes(said)) == ("missing", ["prune_waits"])
        assert path in said["findings"][0]["message"]
    owner = staging if place.startswith("staging") else production
    assert fed(admin) == ("active", 2, owner["id"])


def test_what_waited_is_archived_once_nothing_can_be_it(admin: APIClient, repo: Repo) -> None:
    """The file that nobody could read is removed, by a commit that leaves the link's own alone."""
    staging, _ = links(admin, repo, prune=True)
    repo.commit({OLD: None, "production/moved/policy-config.yaml": POINTER})
    poll()
    repo.commit({"production/moved/policy-config.yaml": None})

    poll()

    assert fed(admin)[0] == "archived"
    assert codes(files(admin, staging)[OLD]) == []


def test_a_copy_waits_until_the_first_goes(admin: APIClient, repo: Repo) -> None:
    """Both have the id: a conflict that says what to do; the removal of the first solves it."""
    staging, production = links(admin, repo, prune=True)
    repo.commit({NEW: TWO})
    poll()
    refused = files(admin, production)[NEW]
    kept = fed(admin)
    repo.commit({OLD: None})

    poll()

    assert (refused["outcome"], codes(refused)) == ("conflict", ["owned_by_another_link"])
    assert OLD in refused["findings"][0]["message"]
    assert kept == ("active", 1, staging["id"])
    assert fed(admin) == ("active", 2, production["id"])


def test_an_override_moves_with_its_file(admin: APIClient, repo: Repo) -> None:
    """What git says did not change."""
    _, production = links(admin, repo)
    override(admin, "bot", policy("Bot", id="bot", description="by hand"))
    repo.commit({OLD: None, NEW: ONE})

    poll()

    assert fed(admin) == ("active", 2, production["id"])
    assert get(admin, "/v1/configurations/bot")["overridden"]


def test_it_goes_back_and_forth(admin: APIClient, repo: Repo) -> None:
    """The branch is set back, and forth again."""
    staging, production = links(admin, repo, prune=True)
    before = repo.git("rev-parse", "HEAD")
    after = repo.commit({OLD: None, NEW: TWO})
    owners = []
    for commit in (after, before, after):
        repo.git("reset", "--hard", "--quiet", commit)
        repo.push()
        poll()
        owners.append(fed(admin))

    assert owners == [
        ("active", 2, production["id"]), ("active", 3, staging["id"]),
        ("active", 4, production["id"]),
    ]  # fmt: skip


def test_an_edit_of_the_link_gives_it_up_too(admin: APIClient, repo: Repo) -> None:
    """It leaves the file out, and the other link includes it: one sync."""
    staging, production = links(admin, repo, prune=True)
    repo.commit({NEW: TWO})
    poll()

    edit(admin, staging, exclude=["staging/bot"])
    poll()

    assert fed(admin) == ("active", 2, production["id"])


def test_signers_of_the_link_that_had_it_are_asked(
    admin: APIClient, repo: Repo, signer_line: str
) -> None:
    """A commit that it would not take does not take its ids away."""
    staging, production = links(admin, repo)
    edit(admin, staging, allowed_signers=signer_line)
    repo.commit({OLD: None, NEW: TWO})

    poll()

    assert shown(admin, staging)["held"]["reason"] == "unverified_commit"
    assert codes(files(admin, production)[NEW]) == ["owned_by_another_link"]
    assert fed(admin) == ("active", 1, staging["id"])


@pytest.fixture
def signer_line() -> str:
    """An allowed signer whose key signs nothing here."""
    key = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
    return f"author@keeptrusts.example ssh-ed25519 {key}"


@pytest.mark.parametrize(("elsewhere", "adopt"), [("branch", False), ("url", False), ("url", True)])
def test_a_link_elsewhere_stays_a_conflict(
    admin: APIClient, make_repo: Callable[[], Repo], elsewhere: str, adopt: bool
) -> None:
    """It is another history; once the id is archived there, it is free by the usual rules."""
    ours, theirs = make_repo(), make_repo()
    ours.commit({OLD: ONE, KEEP: policy("Keep")})
    staging = link(admin, ours.url, branch="main", path="staging")
    run_due()
    if elsewhere == "branch":
        theirs = ours
        ours.git("checkout", "--quiet", "-b", "next")
    theirs.commit({NEW: TWO})
    production = link(admin, theirs.url, branch="next" if elsewhere == "branch" else "main",
                      path="production", adopt=adopt)  # fmt: skip
    run_due()
    if elsewhere == "branch":
        ours.git("checkout", "--quiet", "main")
    ours.commit({OLD: None})
    poll()
    poll()
    refused = files(admin, production)[NEW]
    kept = fed(admin)
    assert admin.delete("/v1/configurations/bot?override=true").status_code == 200

    poll()

    assert (refused["outcome"], codes(refused)) == ("conflict", ["owned_by_another_link"])
    assert "archive" in refused["findings"][0]["message"]
    assert kept == ("active", 1, staging["id"])
    free = adopt or elsewhere == "branch"
    assert fed(admin) == (("active", 2, production["id"]) if free else
                          ("archived", 1, staging["id"]))  # fmt: skip
    assert codes(files(admin, production)[NEW]) == ([] if free else ["not_adopted"])


def test_a_dry_run_shows_a_promotion(admin: APIClient, repo: Repo) -> None:
    """Nothing would be removed there, and a version made here."""
    staging, production = links(admin, repo, prune=True)
    repo.commit({OLD: None, NEW: TWO})

    rows = [
        Link.objects.select_related("remote").get(pk=row["id"]) for row in (staging, production)
    ]
    lost, taken = map(preview.of, rows)

    assert lost["would_remove"] == []
    assert [(f["outcome"], f["version"]) for f in taken["files"] if f["path"] == NEW] == [
        ("synced", 2)
    ]
    assert unlink(admin, staging) == ["bot", "keep"]
