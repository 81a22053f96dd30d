"""Layouts of repositories, and kinds of servers that hold them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from configurations.models import Configuration
from gitrepos.snapshot import reader
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


def linked(admin: APIClient, repo: Repo, *paths: str) -> dict[str, dict[str, Any]]:
    """A link of each path, by a branch and with ids of its own: some paths are the same."""
    rows = {}
    for number, path in enumerate(paths):
        name = f"l{number}"
        repo.git("update-ref", f"refs/heads/{name}", "HEAD", at=repo.bare)
        rows[path] = link(admin, repo.url, branch=name, path=path, id_prefix=f"{name}-")
    return rows


def queries(step: Callable[[], None]) -> int:
    """How many queries a step makes; the next request of a client forgets them."""
    with CaptureQueriesContext(connection) as made:
        step()
    return len(made)


@pytest.mark.smoke
def test_a_path_takes_what_stands_under_it(admin: APIClient, repo: Repo) -> None:
    """A directory at any depth, or the one file it names, whatever that is called."""
    repo.commit(TREE)
    rows = linked(admin, repo, *PATHS)

    run_due()

    for number, (path, row) in enumerate(rows.items()):
        said = outcomes(admin, row)
        assert {name for _, name in said} == {f"l{number}-{pk}" for pk in PATHS[path]}, path
        assert set(said.values()) == {"synced"}, path
    assert len(hashes()) == sum(map(len, PATHS.values()))


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
    paths = [f"policies/bot-{number:03}/policy-config.yaml" for number in range(200)]
    few = {path: policy(path) for path in paths[:5]}
    repo.plant(few)
    row = link(admin, repo.url)
    first = queries(run_due)
    repo.plant({path: policy(path) for path in paths})
    second = queries(poll)
    repo.plant({path: policy(path + "2") for path in paths})
    third = queries(poll)

    assert shown(admin, row)["files"] == {"synced": 200}
    assert Configuration.objects.filter(version=2).count() == 200
    # The smallest batch is SQLite's: 999 variables for the columns of 200 rows.
    assert second - first <= 16
    assert third - first <= 24


@pytest.mark.smoke
def test_more_policies_than_a_link_takes_are_refused_whole(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is inclusive. Past it nothing of the commit is applied, and the last stays."""
    assert reader.MAX_FILES == 1000
    monkeypatch.setattr(reader, "MAX_FILES", 100)  # As many cost a sync of seconds.
    many = {f"p{number}/policy-config.yaml": policy() for number in range(100)}
    repo.plant(many)
    row = link(admin, repo.url)
    run_due()
    taken, before = shown(admin, row)["files"], hashes()
    repo.plant({"bot/policy-config.yaml": policy("One"), "p0/policy-config.yaml": policy("Two")})

    poll()

    after = shown(admin, row)
    assert (taken, len(before)) == ({"synced": 100}, 100)
    assert (after["status"], after["error"]["code"]) == ("error", "too_large")
    assert "101 policy files" in after["error"]["message"]
    assert hashes() == before
    assert runs(admin, row)[0]["files"] == []


def test_policies_of_too_many_bytes_together_are_refused_whole(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is small enough, but no worker could lint them all in time."""
    assert reader._CONTENT_BYTES == 32 * 1024 * 1024
    monkeypatch.setattr(reader, "_CONTENT_BYTES", 4 * 1024 * 1024)
    filler = "#" + "x" * 1_040_000 + "\n"
    repo.plant({f"p{n}/policy-config.yaml": f"# {n}\n{filler}{policy()}" for n in range(5)})
    row = link(admin, repo.url)

    run_due()

    assert shown(admin, row)["error"]["code"] == "too_large"
    assert hashes() == {}


@pytest.mark.smoke
def test_no_policy_at_all_is_synced_and_says_so(admin: APIClient, repo: Repo) -> None:
    """The commit was read to its end; there is nothing to retry."""
    commit = repo.commit({"docs/readme.md": "Nothing here.\n"})
    rows = [link(admin, repo.url, path=path) for path in ("", "docs/")]

    run_due()

    for after in (shown(admin, row) for row in rows):
        assert (after["status"], after["error"]["code"], after["last_commit"], after["files"]) == (
            "synced",
            "no_policy_files",
            commit,
            {},
        )


def test_the_first_policy_ends_the_notice_and_the_last_ones_end_is_noticed(
    admin: APIClient, repo: Repo
) -> None:
    """What it fed stays in force, shown as missing."""
    repo.commit({"readme.md": "Nothing here.\n"})
    row = link(admin, repo.url)
    run_due()

    repo.commit({"bot/policy-config.yaml": policy()})
    poll()
    before = shown(admin, row)
    repo.commit({"bot/policy-config.yaml": None})
    poll()

    after = shown(admin, row)
    assert (before["error"], before["files"]) == (None, {"synced": 1})
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
def test_a_missing_path_is_named(admin: APIClient, repo: Repo) -> None:
    """Whether it names a directory or a file."""
    repo.commit({"bot/policy-config.yaml": policy()})
    paths = ("policies/", "policies", "policy-config.yaml", "policies/x.yaml", "a b/c", "p\u00a0q")
    rows = linked(admin, repo, *paths)

    run_due()

    for path, row in rows.items():
        error = shown(admin, row)["error"]
        assert error["code"] == "path_not_found", path
        assert repr(path.strip("/")) in error["message"], path


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
def test_a_server_that_can_less_is_synced_too(
    admin: APIClient, forge: Forge, repo: Repo, refused: tuple[str, ...], is_old: bool
) -> None:
    """It costs more bytes and gives the same, of a directory and of a single file."""
    _strict(repo, *refused)
    if is_old:
        forge.old.add(repo.bare.name)
    file = "policies/bot/policy-config.yaml"
    repo.commit({file: policy("One"), "other.bin": "x" * 1000})
    rows = [
        link(admin, repo.url, path="policies/"),
        link(admin, repo.url, path=file, id_prefix="f-"),
    ]
    run_due()
    repo.commit({file: policy("Two")})
    poll()

    for row in rows:
        assert (shown(admin, row)["error"], shown(admin, row)["files"]) == (None, {"synced": 1})
    for pk in ("bot", "f-bot"):
        assert get(admin, f"/v1/configurations/{pk}")["version"] == 2


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
