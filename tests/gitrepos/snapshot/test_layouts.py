"""Layouts of repositories, and kinds of servers that hold them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from configurations.models import Configuration
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import (
    codes,
    files,
    get,
    hashes,
    link,
    outcomes,
    poll,
    run_due,
    runs,
    shown,
)

pytestmark = pytest.mark.django_db

TREE = {
    "policy-config.yaml": policy("At the root"),
    "policies/bot/policy-config.yaml": policy("Bot"),
    "policies/production/policy-config.yaml": policy("Production"),
    "policies/production/eu/payments/policy-config.yaml": policy("Payments"),
    "policies/strict.yaml": policy("Strict"),
    "policies/production/notes.md": "No policy.\n",
    "policies-old/gone/policy-config.yaml": policy("Gone"),
    "elsewhere/POLICY-CONFIG.YAML": policy("Shouting"),
    "elsewhere/policy-config.yaml.bak": policy("Backup"),
    "elsewhere/my-policy-config.yaml": policy("Prefixed"),
}
EVERYWHERE = {"at-the-root", "bot", "production", "payments", "gone"}
PATHS = {
    "": EVERYWHERE,
    "/": EVERYWHERE,
    "policies/": {"bot", "production", "payments"},
    "policies": {"bot", "production", "payments"},
    "./policies/": {"bot", "production", "payments"},
    "policies/production/": {"production", "payments"},
    "policies/production/policy-config.yaml": {"production"},
    "policies/production/eu/payments/policy-config.yaml": {"payments"},
    "policies/strict.yaml": {"strict"},
    "policy-config.yaml": {"at-the-root"},
}


@contextmanager
def counted() -> Iterator[Callable[[], int]]:
    """Counts the queries made inside; ask for them afterwards."""
    with CaptureQueriesContext(connection) as queries:
        yield lambda: len(queries)


@pytest.mark.smoke
@pytest.mark.parametrize(("path", "ids"), PATHS.items())
def test_a_path_takes_what_stands_under_it(
    admin: APIClient, repo: Repo, path: str, ids: set[str]
) -> None:
    """A directory at any depth, or the one file it names, whatever that is called."""
    repo.commit(TREE)
    row = link(admin, repo.url, path=path)

    run_due()

    assert set(hashes()) == ids
    assert set(outcomes(admin, row).values()) == {"synced"}


def test_a_single_file_follows_its_changes(admin: APIClient, repo: Repo) -> None:
    """As a directory's files do."""
    repo.commit({"policies/strict.yaml": policy("One")})
    link(admin, repo.url, path="policies/strict.yaml")
    run_due()

    repo.commit({"policies/strict.yaml": policy("Two")})
    poll()

    assert get(admin, "/v1/configurations/strict")["version"] == 2


def test_many_policies_of_one_commit_land_together(admin: APIClient, repo: Repo) -> None:
    """In one transaction, whose queries do not grow with the files beyond the batches."""
    paths = [f"policies/bot-{number:03}/policy-config.yaml" for number in range(500)]
    few = {path: policy(path) for path in paths[:5]}
    repo.plant(few)
    row = link(admin, repo.url)
    with counted() as first:
        run_due()
    repo.plant({path: policy(path) for path in paths})
    with counted() as second:
        poll()
    repo.plant({path: policy(path + "2") for path in paths})
    with counted() as third:
        poll()

    assert shown(admin, row)["files"] == {"synced": 500}
    assert Configuration.objects.filter(version=2).count() == 500
    # The smallest batch is SQLite's: 999 variables for the columns of 500 rows.
    assert (second() - first(), third() - first()) <= (40, 60)


@pytest.mark.smoke
def test_more_policies_than_a_link_takes_are_refused_whole(admin: APIClient, repo: Repo) -> None:
    """Nothing of the commit is applied, and the last good one stays."""
    repo.commit({"bot/policy-config.yaml": policy("One")})
    row = link(admin, repo.url)
    run_due()
    repo.plant({f"p{number}/policy-config.yaml": policy() for number in range(1000)})

    poll()

    after = shown(admin, row)
    assert (after["status"], after["error"]["code"]) == ("error", "too_large")
    assert "1001 policy files" in after["error"]["message"]
    assert list(hashes()) == ["bot"]
    assert runs(admin, row)[0]["files"] == []


def test_as_many_policies_as_a_link_takes_are_taken(admin: APIClient, repo: Repo) -> None:
    """The bound is inclusive; 1,000 lines of one file are the same bytes but once."""
    repo.plant({f"p{number}/policy-config.yaml": policy() for number in range(1000)})
    row = link(admin, repo.url)

    run_due()

    assert shown(admin, row)["files"] == {"synced": 1000}


def test_policies_of_too_many_bytes_together_are_refused_whole(
    admin: APIClient, repo: Repo
) -> None:
    """Each is small enough, but no worker could lint them all in time."""
    filler = "#" + "x" * 1_040_000 + "\n"
    repo.plant({f"p{n}/policy-config.yaml": f"# {n}\n{filler}{policy()}" for n in range(33)})
    row = link(admin, repo.url)

    run_due()

    assert shown(admin, row)["error"]["code"] == "too_large"
    assert hashes() == {}


@pytest.mark.smoke
@pytest.mark.parametrize("path", ["", "docs/"])
def test_no_policy_at_all_is_synced_and_says_so(admin: APIClient, repo: Repo, path: str) -> None:
    """The commit was read to its end; there is nothing to retry."""
    commit = repo.commit({"docs/readme.md": "Nothing here.\n"})
    row = link(admin, repo.url, path=path)

    run_due()

    after = shown(admin, row)
    assert (after["status"], after["error"]["code"], after["last_commit"], after["files"]) == (
        "synced",
        "no_policy_files",
        commit,
        {},
    )


def test_the_first_policy_ends_the_notice(admin: APIClient, repo: Repo) -> None:
    """`no_policy_files` goes when a file comes."""
    repo.commit({"readme.md": "Nothing here.\n"})
    row = link(admin, repo.url)
    run_due()

    repo.commit({"bot/policy-config.yaml": policy()})
    poll()

    assert (shown(admin, row)["error"], shown(admin, row)["files"]) == (None, {"synced": 1})


def test_the_last_policys_end_is_noticed(admin: APIClient, repo: Repo) -> None:
    """What it fed stays in force, shown as missing."""
    repo.commit({"bot/policy-config.yaml": policy(), "readme.md": "Stay.\n"})
    row = link(admin, repo.url)
    run_due()

    repo.commit({"bot/policy-config.yaml": None})
    poll()

    after = shown(admin, row)
    assert (after["error"]["code"], after["files"]) == ("no_policy_files", {"missing": 1})
    assert get(admin, "/v1/configurations/bot")["status"] == "active"


@pytest.mark.smoke
def test_a_missing_branch_is_named(admin: APIClient, repo: Repo) -> None:
    """And found once it is there."""
    repo.commit({"bot/policy-config.yaml": policy()})
    row = link(admin, repo.url, branch="release")
    run_due()
    before = shown(admin, row)["error"]

    repo.git("push", "--quiet", "origin", "HEAD:refs/heads/release")
    poll()

    assert before == {
        "code": "branch_not_found",
        "message": "The repository has no branch 'release'.",
    }
    assert shown(admin, row)["status"] == "synced"


@pytest.mark.parametrize("others", [1, 2000])
def test_a_missing_branch_is_named_by_an_old_server_too(
    admin: APIClient, forge: Forge, repo: Repo, others: int
) -> None:
    """One that knows no protocol version 2, with few branches or with many."""
    forge.old.add(repo.bare.name)
    commit = repo.commit({"bot/policy-config.yaml": policy()})
    refs = "".join(f"create refs/heads/other-{number} {commit}\n" for number in range(others))
    repo.raw("update-ref", "--stdin", at=repo.bare, stdin=refs.encode())
    row = link(admin, repo.url, branch="release")

    run_due()

    assert shown(admin, row)["error"]["code"] == "branch_not_found"


@pytest.mark.smoke
def test_an_empty_repository_is_said_to_be_empty(admin: APIClient, repo: Repo) -> None:
    """And its first commit is taken."""
    row = link(admin, repo.url)
    run_due()
    before = shown(admin, row)

    repo.commit({"bot/policy-config.yaml": policy()})
    poll()

    assert (before["status"], before["error"]["code"]) == ("error", "branch_not_found")
    assert "empty" in before["error"]["message"]
    assert shown(admin, row)["status"] == "synced"


def test_a_repository_that_went_keeps_its_last_good(admin: APIClient, repo: Repo) -> None:
    """And is synced again when it is back."""
    repo.commit({"bot/policy-config.yaml": policy("One")})
    row = link(admin, repo.url)
    run_due()

    away = repo.bare.with_suffix(".away")
    repo.bare.rename(away)
    poll()
    gone = shown(admin, row)
    away.rename(repo.bare)
    repo.commit({"bot/policy-config.yaml": policy("Two")})
    poll()

    assert (gone["status"], gone["error"]["code"]) == ("error", "repo_not_found")
    assert shown(admin, row)["error"] is None
    assert get(admin, "/v1/configurations/bot")["version"] == 2


@pytest.mark.smoke
@pytest.mark.parametrize(
    "path", ["policies/", "policies", "policy-config.yaml", "policies/x.yaml", "a b/c", "p\u00a0q"]
)
def test_a_missing_path_is_named(admin: APIClient, repo: Repo, path: str) -> None:
    """Whether it names a directory or a file."""
    repo.commit({"bot/policy-config.yaml": policy()})
    row = link(admin, repo.url, path=path)

    run_due()

    error = shown(admin, row)["error"]
    assert error["code"] == "path_not_found"
    assert repr(path.strip("/")) in error["message"]


def test_a_path_with_glob_characters_is_taken_as_it_is(admin: APIClient, repo: Repo) -> None:
    """It names one directory, not what a shell would make of it."""
    repo.commit({"[ab]*/bot/policy-config.yaml": policy(), "a/other/policy-config.yaml": policy()})
    row = link(admin, repo.url, path="[ab]*/")

    run_due()

    assert list(files(admin, row)) == ["[ab]*/bot/policy-config.yaml"]


@pytest.mark.smoke
def test_without_a_branch_the_default_one_is_taken(admin: APIClient, repo: Repo) -> None:
    """The one that the server's HEAD names, also when it names another later."""
    repo.commit({"bot/policy-config.yaml": policy("Main")})
    repo.git("checkout", "--quiet", "-b", "next")
    repo.commit({"bot/policy-config.yaml": policy("Next")})
    link(admin, repo.url)
    run_due()
    before = get(admin, "/v1/configurations/bot")["name"]

    repo.git("symbolic-ref", "HEAD", "refs/heads/next", at=repo.bare)
    poll()

    assert (before, get(admin, "/v1/configurations/bot")["name"]) == ("Main", "Next")


def test_links_of_one_repository_follow_branches_of_their_own(admin: APIClient, repo: Repo) -> None:
    """One call answers for all of them."""
    repo.commit({"bot/policy-config.yaml": policy("Main")})
    repo.git("checkout", "--quiet", "-b", "eu/next")
    repo.commit({"bot/policy-config.yaml": policy("Next", id="bot-next")})
    link(admin, repo.url, branch="main")
    link(admin, repo.url, branch="eu/next")

    run_due()

    names = {pk: get(admin, f"/v1/configurations/{pk}")["name"] for pk in hashes()}
    assert names == {"bot": "Main", "bot-next": "Next"}


def test_a_broken_branch_leaves_the_others_of_its_repository(admin: APIClient, repo: Repo) -> None:
    """Its link shows the error, theirs are synced."""
    repo.commit({"bot/policy-config.yaml": policy()})
    bad = link(admin, repo.url, branch="nowhere")
    good = link(admin, repo.url, branch="main")

    run_due()

    assert (shown(admin, bad)["status"], shown(admin, good)["status"]) == ("error", "synced")


@pytest.mark.smoke
def test_a_repository_of_sha256_objects_is_synced(admin: APIClient, forge: Forge, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Its ids are longer and nothing else is different."""
    repo = forge.repository(tmp_path / "clone", object_format="sha256")
    commit = repo.commit({"policies/bot/policy-config.yaml": policy("One")})
    row = link(admin, repo.url, path="policies/")
    run_due()
    repo.commit({"policies/bot/policy-config.yaml": policy("Two")})
    poll()

    assert len(commit) == 64
    assert shown(admin, row)["status"] == "synced"
    assert get(admin, "/v1/configurations/bot")["version"] == 2


def _strict(repo: Repo, *settings: str) -> None:
    for setting in settings:
        repo.git("config", setting, "false", at=repo.bare)


SERVERS = {
    "no filter": (("uploadpack.allowFilter",), False),
    "no object by its id": (("uploadpack.allowAnySHA1InWant",), False),
    "neither": (("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"), False),
    "protocol 0": ((), True),
    "protocol 0, no filter": (("uploadpack.allowFilter",), True),
    "protocol 0, no object by its id": (("uploadpack.allowAnySHA1InWant",), True),
    "protocol 0, neither": (("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"), True),
}


@pytest.mark.smoke
@pytest.mark.parametrize(("refused", "is_old"), SERVERS.values(), ids=SERVERS.keys())
@pytest.mark.parametrize("path", ["policies/", "policies/bot/policy-config.yaml"])
def test_a_server_that_can_less_is_synced_too(
    admin: APIClient, forge: Forge, repo: Repo, path: str, refused: tuple[str, ...], is_old: bool
) -> None:
    """It costs more bytes and gives the same."""
    _strict(repo, *refused)
    if is_old:
        forge.old.add(repo.bare.name)
    repo.commit({"policies/bot/policy-config.yaml": policy("One"), "other.bin": "x" * 1000})
    row = link(admin, repo.url, path=path)
    run_due()
    repo.commit({"policies/bot/policy-config.yaml": policy("Two")})
    poll()

    assert (shown(admin, row)["error"], shown(admin, row)["files"]) == (None, {"synced": 1})
    assert get(admin, "/v1/configurations/bot")["version"] == 2


@pytest.mark.smoke
def test_a_repository_on_this_machine_is_synced(admin: APIClient, repo: Repo) -> None:
    """Where the operator allows `file`."""
    repo.commit({"bot/policy-config.yaml": policy("One")})
    row = link(admin, f"file://{repo.bare}")
    run_due()
    repo.commit({"bot/policy-config.yaml": policy("Two")})
    poll()

    assert shown(admin, row)["error"] is None
    assert get(admin, "/v1/configurations/bot")["version"] == 2


def test_a_directory_that_is_no_repository_is_said_to_be_none(admin: APIClient, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """As a repository that the server does not know."""
    row = link(admin, f"file://{tmp_path}")

    run_due()

    assert shown(admin, row)["error"]["code"] == "repo_not_found"


def test_a_repository_with_submodules_is_synced(admin: APIClient, repo: Repo) -> None:
    """They are not looked into, and what they are called is not asked for."""
    commit = repo.commit({"bot/policy-config.yaml": policy()})
    repo.plant({"vendor": commit, "policies/vendor": commit}, mode="160000")
    repo.plant(
        {
            "bot/policy-config.yaml": policy(),
            ".gitmodules": '[submodule "vendor"]\n\tpath = vendor\n\turl = ../vendor\n',
        }
    )
    row = link(admin, repo.url)

    run_due()

    assert outcomes(admin, row) == {("bot/policy-config.yaml", "bot"): "synced"}


def test_a_large_repository_beside_few_policies_is_synced(admin: APIClient, repo: Repo) -> None:
    """Neither the number of its files nor their bytes count against the link."""
    repo.plant({f"src/{n % 100}/{n}.py": str(n) for n in range(3000)})
    repo.plant({"bot/policy-config.yaml": policy(), "big.bin": b"\x00" * 3_000_000})
    row = link(admin, repo.url)

    run_due()

    assert outcomes(admin, row) == {("bot/policy-config.yaml", "bot"): "synced"}


def test_the_same_bytes_in_many_places_are_asked_for_once(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """A commit costs two requests after the check's, however many files it has."""
    repo.plant({f"p{number}/policy-config.yaml": policy() for number in range(50)})
    row = link(admin, repo.url)

    run_due()

    assert shown(admin, row)["files"] == {"synced": 50}
    assert [method for method, _ in forge.calls(repo)] == ["POST"] * 3


def test_a_finding_names_no_file_outside_its_link(admin: APIClient, repo: Repo) -> None:
    """A broken file beside the link's path is nobody's business here."""
    repo.commit({"policies/bot/policy-config.yaml": policy(), "x/policy-config.yaml": "pack: ["})
    row = link(admin, repo.url, path="policies/")

    run_due()

    assert {path: codes(file) for path, file in files(admin, row).items()} == {
        "policies/bot/policy-config.yaml": []
    }
