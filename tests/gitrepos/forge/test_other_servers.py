"""Servers of git, its own and others: a first sync, a push, a push with force, a tag."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from tests.support import otherforges
from tests.support.credentials import deploy_key
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.sshforge import SSHForge
from tests.support.stack import wait_for
from tests.support.syncing import content, link, poll, shown

pytestmark = [pytest.mark.django_db, pytest.mark.soak]

BOT = "bot/policy-config.yaml"


@pytest.fixture(autouse=True)
def _patient_checks() -> None:
    """The bounds are the product's own: a server that never answers is asked in another way."""


def cycle(
    admin: APIClient,
    repo: Repo,
    url: str,
    *,
    served: Callable[[], object] = lambda: None,
    **fields: str,
) -> None:
    """Follow a branch through what happens to branches; `served` comes after each push."""
    first = repo.commit({BOT: policy("One"), "other.txt": "x" * 1000})
    served()
    row = link(admin, url, branch="main", **fields)
    _follows(admin, row, first, "One")

    second = repo.commit({BOT: policy("Two")})
    served()
    _follows(admin, row, second, "Two")

    repo.git("reset", "--quiet", "--hard", first)
    forced = repo.commit({BOT: policy("Three")})
    served()
    _follows(admin, row, forced, "Three")

    repo.git("tag", "v1.0", "main", at=repo.bare)
    served()
    tagged = link(admin, url, branch="v1.0", path="elsewhere", **fields)
    poll()
    assert "a tag has this name" in shown(admin, tagged)["error"]["message"]
    _follows(admin, row, forced, "Three")


def _follows(admin: APIClient, row: dict[str, object], commit: str, name: str) -> None:
    """Poll until the link is at a commit: a server that dies of a question is asked again."""

    def is_there() -> bool:
        poll()
        seen = shown(admin, row)
        return (seen["status"], seen["last_commit"]) == ("synced", commit)

    wait_for(is_there)
    assert content(admin, "bot") == policy(name).encode()


@pytest.mark.parametrize("kind", ["new", "old", "without a filter", "plain files"])
def test_git_is_followed(admin: APIClient, fresh: Forge, tmp_path: Path, kind: str) -> None:
    """By http, of every age."""
    repo = fresh.repository(tmp_path / "clone")
    if kind == "old":
        fresh.old.add(repo.bare.name)
    if kind == "without a filter":
        repo.git("config", "uploadpack.allowFilter", "false", at=repo.bare)
    if kind == "plain files":
        fresh.dumb.add(repo.bare.name)

    cycle(admin, repo, repo.url, served=lambda: repo.git("update-server-info", at=repo.bare))


def test_git_by_ssh_is_followed(admin: APIClient, ssh_forge: SSHForge, repo: Repo) -> None:
    """As people serve their own."""
    deploy_key(admin, ssh_forge)

    cycle(admin, repo, ssh_forge.url(repo), credential="shared")


@pytest.fixture
def java() -> list[str]:
    """Java with JGit, which Gerrit and others are made of."""
    command = otherforges.jgit()
    if command is None:
        pytest.skip("Debian's packages jgit-cli and default-jdk-headless are not installed")
    return command


def test_jgit_by_ssh_is_followed(
    admin: APIClient, ssh_forge: SSHForge, repo: Repo, java: list[str]
) -> None:
    """By its own command."""
    ssh_forge.program = [*java, "org.eclipse.jgit.pgm.Main"]
    deploy_key(admin, ssh_forge)

    cycle(admin, repo, ssh_forge.url(repo), credential="shared")


def test_jgit_by_http_is_followed(
    admin: APIClient, repo: Repo, tmp_path: Path, java: list[str]
) -> None:
    """An old one, without protocol 2."""
    with otherforges.jgit_by_http(java, repo.bare, tmp_path) as url:
        cycle(admin, repo, url)


def test_dulwich_is_followed(admin: APIClient, repo: Repo, tmp_path: Path) -> None:
    """It fails at a commit that is asked for with a depth and a filter."""
    repo.commit({BOT: policy()})
    with otherforges.dulwich(repo.bare, tmp_path) as url:
        cycle(admin, repo, url)


def test_a_server_that_waits_for_a_want_is_followed(
    admin: APIClient, repo: Repo, tmp_path: Path
) -> None:
    """As npm's `node-git-server` does, for ever."""
    with otherforges.node_git_server(repo.bare, tmp_path) as url:
        cycle(admin, repo, url)
