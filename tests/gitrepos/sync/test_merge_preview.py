"""Previews of a branch against the link that has its path: what a merge of it would change."""

from typing import Any
from uuid import UUID

import pytest
from rest_framework.test import APIClient

from gitrepos.forge.addresses import parse
from gitrepos.links import links, preview_requests
from gitrepos.sync import preview
from keeptrusts.api.errors import FieldError
from tests.support.api import error
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import codes, link, outcomes, override, poll, run_due, shown

pytestmark = pytest.mark.django_db

BOT, OLD, KEPT = (f"p/{name}/policy-config.yaml" for name in ("bot", "old", "kept"))
FILTER = """\
policy:
  safety-filter:
    block_if:
      - {terms}
"""


def blocking(*terms: str) -> str:
    """A policy that blocks some terms."""
    return policy("Bot") + FILTER.format(terms="\n      - ".join(terms))


def tried(url: str, *, like: str | None = None, token: str = "", **fields: Any) -> dict[str, Any]:
    """As a worker answers for the body of a test."""
    to = parse(url, schemes={"http", "https"})
    row = links.draft(
        to, token=token, credential="", fields=fields, like=UUID(like) if like else None
    )
    asked = preview_requests.take(preview_requests.keep(row))
    assert asked is not None
    return preview.of(asked)


def said(answer: dict[str, Any]) -> dict[str, tuple[str, int | None, list[str]]]:
    """Outcome, version and effects of each file, by path."""
    return {
        row["path"]: (row["outcome"], row["version"], [one["effect"] for one in row["changes"]])
        for row in answer["files"]
    }


@pytest.fixture
def row(admin: APIClient, repo: Repo) -> dict[str, Any]:
    """A link to main, and a branch `feature` that begins at its commit and is checked out."""
    repo.commit({BOT: blocking("one", "two"), OLD: policy("Old"), KEPT: policy("Kept")})
    made = link(admin, repo.url, branch="main", path="p/")
    run_due()
    repo.git("checkout", "--quiet", "-b", "feature")
    return made


def on_main(repo: Repo, files: dict[str, str | bytes | None]) -> str:
    """Commit to main, and go back to the branch."""
    repo.git("checkout", "--quiet", "main")
    commit = repo.commit(files)
    repo.git("checkout", "--quiet", "feature")
    return commit


def test_a_branch_shows_what_a_merge_of_it_would_change(
    admin: APIClient, repo: Repo, row: dict[str, Any]
) -> None:
    """In words, with the version that it would make; what it leaves alone changes nothing."""
    head = repo.commit({BOT: blocking("one"), "p/new/policy-config.yaml": policy("New"), OLD: None})

    answer = tried(repo.url, branch="feature", path="p/")

    assert (answer["commit"], answer["error"], answer["held"]) == (head, None, None)
    assert said(answer) == {
        BOT: ("synced", 2, ["weaker"]),
        KEPT: ("synced", None, []),
        "p/new/policy-config.yaml": ("synced", 1, []),
    }
    [change] = answer["files"][0]["changes"]
    assert "policy.safety-filter.block_if" in change["message"]
    assert answer["would_remove"] == [{"path": OLD, "configuration": "old"}]
    assert answer["against"]["git_repo"] == row["id"]
    assert answer["against"]["branch"] == "main"
    assert set(outcomes(admin, row).values()) == {"synced"}


def test_what_the_followed_branch_did_since_is_not_undone(repo: Repo, row: dict[str, Any]) -> None:
    """A branch that is behind changes what it changed, and no more."""
    base = repo.git("rev-parse", "HEAD")
    head = repo.commit({KEPT: policy("Kept", description="more")})
    on_main(repo, {BOT: blocking("one", "two", "three"), OLD: None})
    main = on_main(repo, {"p/late/policy-config.yaml": policy("Late")})
    poll()

    answer = tried(repo.url, branch="feature", path="p")

    assert answer["commit"] == head
    assert answer["against"]["commit"] == main
    assert answer["against"]["merge_base"] == base
    assert said(answer) == {
        BOT: ("synced", None, []),
        KEPT: ("synced", 2, ["other"]),
        "p/late/policy-config.yaml": ("synced", None, []),
    }
    assert answer["would_remove"] == []


def test_what_both_branches_changed_is_marked(repo: Repo, row: dict[str, Any]) -> None:
    """Git merges lines or asks a person; here is what the branch has."""
    repo.commit({BOT: blocking("one", "two", "four")})
    on_main(repo, {BOT: blocking("one", "two", "three")})
    poll()

    answer = tried(repo.url, branch="feature", path="p")

    assert codes(answer["files"][0]) == ["changed_on_both"]
    assert sorted(said(answer)[BOT][2]) == ["stronger", "weaker"]


def test_branches_without_a_common_commit_are_compared_as_they_are(
    repo: Repo, row: dict[str, Any]
) -> None:
    """The answer says that it does not know where they parted."""
    repo.git("checkout", "--quiet", "--orphan", "alone")
    repo.commit({BOT: blocking("one", "two", "three"), OLD: None})

    answer = tried(repo.url, branch="alone", path="p")

    assert answer["against"]["merge_base"] is None
    assert said(answer)[BOT] == ("synced", 2, ["stronger"])
    assert answer["would_remove"] == [{"path": OLD, "configuration": "old"}]


def test_a_branch_with_faults_says_them(repo: Repo, row: dict[str, Any]) -> None:
    """As a sync would, after the merge."""
    repo.commit({BOT: "pack: [", KEPT: policy("Kept", id="old")})

    answer = tried(repo.url, branch="feature", path="p")

    assert {path: outcome for path, (outcome, _, _) in said(answer).items()} == {
        BOT: "quarantined",
        KEPT: "conflict",
        OLD: "conflict",
    }


def test_a_branch_that_would_empty_the_path_says_what_goes(repo: Repo, row: dict[str, Any]) -> None:
    """And that the commit would wait for a person."""
    repo.commit({BOT: None, OLD: None, KEPT: None, "readme.md": "Nothing.\n"})

    answer = tried(repo.url, branch="feature", path="p")

    assert answer["error"]["code"] == answer["held"]["reason"] == "path_not_found"
    assert answer["against"]["git_repo"] == row["id"]
    assert len(answer["would_remove"]) == 3


def test_words_compare_with_what_is_in_force(
    admin: APIClient, repo: Repo, row: dict[str, Any]
) -> None:
    """An override, too, which the merge would end."""
    override(admin, "bot", blocking("one", "two", "three"))
    repo.commit({BOT: blocking("one")})

    answer = tried(repo.url, branch="feature", path="p")

    assert [one["message"] for one in answer["files"][0]["changes"] if "three" in one["message"]]


def test_a_rename_is_compared_with_the_former_id(repo: Repo, row: dict[str, Any]) -> None:
    """Which the policy had until then."""
    repo.git("mv", "p/bot", "p/robot")
    repo.commit({"p/robot/policy-config.yaml": blocking("one")})

    answer = tried(repo.url, branch="feature", path="p")

    [moved] = [one for one in answer["files"] if one["configuration"] == "robot"]
    assert (moved["renamed_from"], moved["version"]) == ("bot", 1)
    assert [one["effect"] for one in moved["changes"]] == ["weaker"]


def test_the_settings_are_the_links_unless_they_are_sent(
    admin: APIClient, repo: Repo, row: dict[str, Any]
) -> None:
    """So that an edit can be tried together with a branch."""
    admin.patch(f"/v1/git-repos/{row['id']}", {"exclude": ["p/old"]}, format="json")
    repo.commit({"p/new/policy-config.yaml": policy("New")})

    as_it_is = tried(repo.url, branch="feature", path="p")
    edited = tried(repo.url, branch="feature", path="p", auto_create_configuration=False)

    assert OLD not in said(as_it_is)
    assert said(as_it_is)["p/new/policy-config.yaml"][0] == "synced"
    assert said(edited)["p/new/policy-config.yaml"][0] == "unlinked"


@pytest.mark.parametrize("fields", [{"path": "p", "id_prefix": "eu-"}, {"path": ""}])
def test_another_prefix_or_path_is_a_link_of_its_own(
    repo: Repo, row: dict[str, Any], fields: dict[str, Any]
) -> None:
    """It is tried as one."""
    answer = tried(repo.url, branch="feature", auto_create_configuration=True, **fields)

    assert answer["against"] is None
    assert answer["would_remove"] == []


def test_the_branch_of_the_link_itself_is_a_dry_run_of_it(
    admin: APIClient, repo: Repo, row: dict[str, Any]
) -> None:
    """No conflict with itself."""
    repo.git("checkout", "--quiet", "main")
    repo.commit({BOT: blocking("one", "two", "three")})

    answer = tried(repo.url, branch="main", path="p")

    assert said(answer)[BOT] == ("synced", 2, ["stronger"])
    assert shown(admin, row)["files"] == {"synced": 3}


def test_of_several_links_one_is_named(admin: APIClient, repo: Repo, row: dict[str, Any]) -> None:
    """Else it is the first that was made; one of another path is none."""
    repo.commit({BOT: blocking("one")})
    second = link(admin, repo.url, branch="feature", path="p", id_prefix="next-")
    elsewhere = link(admin, repo.url, branch="main", path="q")
    run_due()
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit({BOT: blocking("none")})

    first = tried(repo.url, branch="topic", path="p")
    named = tried(repo.url, branch="topic", path="p", like=second["id"])
    own = tried(repo.url, branch="feature", path="p")

    assert first["against"]["git_repo"] == row["id"]
    assert next(one["configuration"] for one in named["files"]) == "next-bot"
    assert [one["against"]["git_repo"] for one in (named, own)] == [second["id"]] * 2
    with pytest.raises(FieldError):
        tried(repo.url, branch="topic", path="p", like=elsewhere["id"])


def test_a_private_repository_is_asked_with_what_the_link_has(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """Unless another token is sent."""
    repo.commit({BOT: policy("Bot")})
    forge.tokens[repo.bare.name] = "a-token-for-the-forge"
    link(admin, repo.url, branch="main", path="p", access_token="a-token-for-the-forge")
    run_due()
    repo.git("update-ref", "refs/heads/topic", repo.git("rev-parse", "HEAD"), at=repo.bare)

    stored = tried(repo.url, branch="topic", path="p")
    wrong = tried(repo.url, branch="topic", path="p", token="wrong")

    assert (stored["error"], said(stored)[BOT]) == (None, ("synced", None, []))
    assert wrong["error"]["code"] == "auth_failed"


def test_a_url_without_git_at_its_end_is_the_same(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """Forges serve both; the token goes to one as to the other."""
    repo.commit({BOT: policy("Bot")})
    bare = repo.bare.name.removesuffix(".git")
    forge.aliases[bare] = repo.bare.name
    forge.tokens |= dict.fromkeys([bare, repo.bare.name], "a-token-for-the-forge")
    made = link(admin, repo.url, path="p", access_token="a-token-for-the-forge")
    run_due()

    answer = tried(repo.url.removesuffix(".git"), branch="main", path="p")

    assert (answer["error"], said(answer)[BOT]) == (None, ("synced", None, []))
    assert answer["against"]["git_repo"] == made["id"]


def test_what_names_no_link_is_refused(admin: APIClient, repo: Repo, row: dict[str, Any]) -> None:
    """Before a worker is asked."""
    body = {"url": repo.url, "branch": "feature", "path": "elsewhere"}
    answers = [
        admin.post(f"/v1/git-repos/test?git_repo={wrong}", body, format="json")
        for wrong in ("x", row["id"])
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert "git_repo" in error(answers[1])["message"]
