"""Rewritten branches, which are followed."""

from collections.abc import Callable
from functools import partial

import pytest
from django.db.models import F
from rest_framework.test import APIClient

from events.models import Event
from gitrepos.models import Link
from tests.support.repo import Repo, policy
from tests.support.syncing import content, edit, get, link, outcomes, poll, run_due, runs, shown

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


# What is told of a rewrite.


def rewrites() -> list[dict[str, str]]:
    """The details of each event."""
    rows = Event.objects.filter(kind="history_rewritten").order_by("pk")
    return list(rows.values_list("details", flat=True))


def _amended(repo: Repo) -> str:
    repo.write(BOT, policy("Amended", description=f"of {repo.git('rev-parse', 'HEAD')}"))
    repo.git("commit", "--quiet", "--all", "--amend", "-m", "Amended")
    return repo.push()


def _set_back(repo: Repo) -> str:
    repo.git("reset", "--hard", "--quiet", "HEAD~1")
    return repo.push()


def _unrelated(repo: Repo) -> str:
    repo.git("checkout", "--quiet", "--orphan", "anew")
    repo.write(BOT, policy("Anew"))
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "-m", "Anew")
    repo.git("push", "--quiet", "--force", "origin", "HEAD:main")
    return repo.git("rev-parse", "HEAD")


def _collected(repo: Repo) -> str:
    commit = _amended(repo)
    repo.git("reflog", "expire", "--expire=now", "--all", at=repo.bare)
    repo.git("gc", "--quiet", "--prune=now", at=repo.bare)
    return commit


def test_a_rewrite_is_told(admin: APIClient, repo: Repo) -> None:
    """From which commit to which; also when the server threw the old one away."""
    repo.commit({BOT: policy("Zero")})
    repo.commit({BOT: policy("One")})
    link(admin, repo.url)
    run_due()
    expected = []
    for rewrite in (_amended, _set_back, _collected, _unrelated):
        first = repo.commit({BOT: policy(f"Before {rewrite.__name__}")})
        poll()

        second = rewrite(repo)
        poll()
        poll()

        expected.append({"from_commit": first, "to_commit": second})
        assert rewrites() == expected, rewrite.__name__


def _one(repo: Repo) -> None:
    repo.commit({BOT: policy("Two")})


def _many(repo: Repo) -> None:
    for number in range(5):
        repo.commit({BOT: policy(f"Two {number}")})


def _merged(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "-b", "side")
    _many(repo)
    repo.git("checkout", "--quiet", "main")
    repo.git("merge", "--quiet", "--no-ff", "-m", "Merge", "side")
    repo.push()


@pytest.mark.parametrize(("push", "packs_sent"), [(_one, 2), (_merged, 2), (_many, 3)])
def test_a_branch_that_only_grew_was_not_rewritten(
    admin: APIClient, repo: Repo, packs: list[bytes], push: Callable[[Repo], None], packs_sent: int
) -> None:
    """By one commit, by a merge, by several, of which the history is asked for.

    The commits alone; one commit or one merge says itself what it stands on.
    """
    repo.commit({BOT: policy("One")})
    link(admin, repo.url)
    run_due()
    push(repo)
    packs.clear()

    poll()

    assert rewrites() == []
    assert len(packs) == packs_sent
    assert sum(map(len, packs)) < 5000


def test_what_lies_too_far_back_is_not_claimed(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within the bound the two do not meet, and nobody says that they never do."""
    monkeypatch.setattr("gitrepos.snapshot.ancestry._GENERATIONS", 3)
    for number in range(5):
        repo.commit({BOT: policy(f"Before {number}")})
    link(admin, repo.url)
    run_due()

    _many(repo)
    poll()

    assert rewrites() == []
    assert content(admin, "bot") == policy("Two 4").encode()


def test_two_links_of_a_branch_follow_it_over_several_commits(admin: APIClient, repo: Repo) -> None:
    """Each asks whether the branch was rewritten, of the same commit or of two."""
    repo.commit({"a/policy-config.yaml": policy("A"), "b/policy-config.yaml": policy("B")})
    rows = [link(admin, repo.url, path=path) for path in "ab"]
    run_due()
    repo.commit({"readme.md": "One.\n"})
    edit(admin, rows[0], suspended=True)
    poll()
    edit(admin, rows[0], suspended=False)
    Link.objects.update(observed_generation=F("generation"))
    repo.commit({"readme.md": "Two.\n"})
    commit = repo.commit({"readme.md": "Three.\n"})

    poll()

    assert [(now["last_commit"], now["error"]) for now in map(partial(shown, admin), rows)] == [
        (commit, None)
    ] * 2
