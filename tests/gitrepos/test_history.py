"""A branch may be rewritten, and what it says is followed."""

import pytest
from rest_framework.test import APIClient

from tests.support.repo import Repo, policy
from tests.support.syncing import content, get, link, outcomes, poll, run_due, runs, shown

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

BOT = "bot/policy-config.yaml"


def test_a_force_push_is_followed(admin: APIClient, repo: Repo) -> None:
    """To a commit without any common ancestor; the run tells from which to which."""
    first = repo.commit({BOT: policy("One"), "gone/policy-config.yaml": policy("Gone")})
    row = link(admin, repo.url)
    run_due()
    repo.git("checkout", "--quiet", "--orphan", "rewritten")
    repo.git("rm", "-rfq", "--cached", ".")
    (repo.clone / "gone/policy-config.yaml").unlink()
    repo.write(BOT, policy("Rewritten"))
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "-m", "Anew")
    repo.git("push", "--quiet", "--force", "origin", "HEAD:main")
    second = repo.git("rev-parse", "HEAD")

    poll()

    assert content(admin, "bot") == policy("Rewritten").encode()
    run = runs(admin, row)[0]
    assert (run["from_commit"], run["to_commit"]) == (first, second)
    assert outcomes(admin, row)["gone/policy-config.yaml", "gone"] == "missing"


def test_a_branch_set_back_makes_a_version_of_the_old_content(admin: APIClient, repo: Repo) -> None:
    """A revert by force push is the next version, not the removal of the last."""
    repo.commit({BOT: policy("One")})
    row = link(admin, repo.url)
    run_due()
    repo.commit({BOT: policy("Two")})
    poll()
    repo.git("reset", "--hard", "--quiet", "HEAD~1")
    repo.push()

    poll()

    assert content(admin, "bot") == policy("One").encode()
    assert get(admin, "/v1/configurations/bot")["version"] == 3
    assert shown(admin, row)["last_commit"] == repo.git("rev-parse", "HEAD")


def test_a_version_has_the_facts_of_its_commit(admin: APIClient, repo: Repo) -> None:
    """Who wrote it, what they said, where it stands."""
    commit = repo.commit({BOT: policy()}, "Add a bot\n\nWith a reason.\n")
    link(admin, repo.url)

    run_due()

    (version,) = get(admin, "/v1/configurations/bot/versions")
    facts = {key: version[key] for key in ("commit", "repo_url", "path", "author", "message")}
    assert facts == {
        "commit": commit,
        "repo_url": repo.url,
        "path": BOT,
        "author": "An Author <author@keeptrusts.example>",
        "message": "Add a bot\n\nWith a reason.",
    }


def test_a_merge_is_a_commit_like_another(admin: APIClient, repo: Repo) -> None:
    """Of its parents nothing is fetched."""
    repo.commit({BOT: policy("One")})
    link(admin, repo.url)
    run_due()
    repo.git("checkout", "--quiet", "-b", "side")
    repo.commit({BOT: policy("Two")})
    repo.git("checkout", "--quiet", "main")
    repo.git("merge", "--quiet", "--no-ff", "-m", "Merge", "side")
    merge = repo.push()

    poll()

    assert content(admin, "bot") == policy("Two").encode()
    assert get(admin, "/v1/configurations/bot/versions")[0]["commit"] == merge
