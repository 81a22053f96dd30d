"""Include and exclude globs: the files that a link takes under its path."""

import pytest
from rest_framework.test import APIClient

from gitrepos.snapshot.globs import chosen, problem
from tests.support.api import refusal
from tests.support.repo import Repo, policy
from tests.support.syncing import edit, hashes, link, outcomes, poll, run_due, shown

NAMES = ["a/x", "a/b/x", "a/b/c/x", "ab/x", "b/a/x", "x", "a/drafts/b/x", "drafts/x", "a.b/x"]
GLOBS = [
    "a", "a/", "a/*", "a/**", "a/*/x", "a/**/x", "**/x", "**", "*", "?/x", "a*", "**/drafts/**",
    "*/b", "*/b/x", "**/b/**", "a/**/c/**", "x", "**/a", "*.*/x", "a/**b/x", "**/**/x",
    "**/**", "a/**/**/x",
]  # fmt: skip


def test_a_glob_chooses_what_git_chooses(repo: Repo) -> None:
    """As `git ls-files ':(glob)…'` lists it."""
    repo.commit(dict.fromkeys(NAMES, "x"))

    for glob in GLOBS:
        said = repo.git("ls-files", "--", f":(glob){glob}").split()

        assert sorted(chosen(NAMES, include=[glob], exclude=[])) == sorted(said), glob


def test_what_is_excluded_is_left_out_of_what_is_included() -> None:
    """Whatever the order."""
    found = chosen(NAMES, include=["a", "b"], exclude=["**/drafts/**", "a/b/c"])

    assert found == ["a/x", "a/b/x", "b/a/x"]


def test_a_glob_of_many_stars_costs_little() -> None:
    """It would take a backtracking matcher longer than anybody waits."""
    deep = "/".join(["a"] * 400)

    assert chosen([deep], include=["/".join(["**", "a"] * 20) + "/b"], exclude=[]) == []
    assert chosen(["a" * 1000], include=["*a" * 60 + "b"], exclude=[]) == []


def test_all_globs_of_a_link_cost_little_on_deep_paths() -> None:
    """Place by place, they would keep a worker for longer than a sync may take."""
    deep = [f"{'a/' * 480}{number}/policy-config.yaml" for number in range(20)]
    globs = [f"**/{'a/' * 96}b{number}" for number in range(50)]

    assert chosen(deep, include=[], exclude=globs) == deep


@pytest.mark.parametrize("glob", ["/a", "../a", "a/../b", "[ab]", "a\\*", "a\n", "a*/"])
def test_a_glob_that_means_nothing_is_refused(glob: str) -> None:
    """With words that say what is known instead."""
    assert problem(glob)


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["include", "exclude"])
def test_a_link_says_which_glob_cannot_be_used(admin: APIClient, field: str) -> None:
    """Nothing is linked."""
    body = {"url": "https://git.example/a/b.git", field: ["policies/[ab]*"]}

    assert refusal(admin.post("/v1/git-repos", body, format="json")) == (400, [field])


TREE = {
    "prod/bot/policy-config.yaml": policy("Bot"),
    "prod/eu/pay/policy-config.yaml": policy("Pay"),
    "prod/drafts/idea/policy-config.yaml": policy("Idea"),
    "test/try/policy-config.yaml": policy("Try"),
}


@pytest.mark.django_db
@pytest.mark.smoke
def test_a_link_takes_what_its_globs_choose(admin: APIClient, repo: Repo) -> None:
    """Relative to the repository's root, also below a path."""
    repo.commit(TREE)
    row = link(admin, repo.url, path="prod", include=["prod/**"], exclude=["**/drafts/**"])

    run_due()

    assert set(hashes()) == {"bot", "pay"}
    assert shown(admin, row)["files"] == {"synced": 2}


@pytest.mark.django_db
def test_of_an_excluded_file_nothing_is_fetched(
    admin: APIClient, repo: Repo, packs: list[bytes]
) -> None:
    """The tree says that it is there; its bytes stay where they are."""
    noise = "".join(f"# {n * 7919 % 10007}\n" for n in range(9000))
    repo.commit({**TREE, "prod/drafts/idea/policy-config.yaml": policy("Idea") + noise})
    link(admin, repo.url, exclude=["**/drafts/**"])

    run_due()

    assert sum(map(len, packs)) < len(noise) / 5
    assert set(hashes()) == {"bot", "pay", "try"}


@pytest.mark.django_db
@pytest.mark.smoke
def test_a_file_that_leaves_by_a_glob_is_missing_until_it_returns(
    admin: APIClient, repo: Repo
) -> None:
    """As one that was removed; what it fed stays in force, and its return makes no version."""
    repo.commit(TREE)
    row = link(admin, repo.url)
    run_due()

    edit(admin, row, exclude=["test/**"])
    run_due()
    away = outcomes(admin, row)["test/try/policy-config.yaml", "try"]
    edit(admin, row, exclude=[])
    run_due()

    assert (away, shown(admin, row)["files"]) == ("missing", {"synced": 4})
    assert set(hashes()) == {"bot", "pay", "idea", "try"}


@pytest.mark.django_db
def test_a_glob_that_lets_most_files_go_waits_for_a_person(admin: APIClient, repo: Repo) -> None:
    """It may have been mistyped."""
    repo.commit(TREE)
    row = link(admin, repo.url)
    run_due()

    edit(admin, row, include=["test/**"])
    run_due()

    assert shown(admin, row)["held"]["reason"] == "mass_removal"
    assert len(shown(admin, row)["held"]["would_remove"]) == 3


@pytest.mark.django_db
def test_a_new_excluded_file_changes_nothing(admin: APIClient, repo: Repo) -> None:
    """It is none of the link's."""
    repo.commit(TREE)
    row = link(admin, repo.url, exclude=["**/drafts/**"])
    run_due()
    repo.commit({"prod/drafts/more/policy-config.yaml": policy("More")})

    poll()

    assert shown(admin, row)["files"] == {"synced": 3}
    assert "more" not in hashes()
