"""Forges over https: trusted authorities, and the cost of a connection."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from keeptrusts import env
from tests.support.asking import MAIN, failure, heads
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import link, run_due, shown
from tests.support.tls import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """One that no system knows."""
    return Authority(tmp_path / "authority")


@pytest.fixture
def safe(authority: Authority, tmp_path: Path) -> Iterator[Forge]:
    """A forge with a certificate of it."""
    with Forge(tmp_path / "safe", tls=authority.server) as forge:
        yield forge


@pytest.fixture
def private(safe: Forge, tmp_path: Path) -> Repo:
    """A repository with a commit on it."""
    repo = safe.repository(tmp_path / "private")
    repo.commit({"bot/policy-config.yaml": policy()})
    return repo


def test_an_authority_of_the_operators_own_is_trusted(
    safe: Forge, private: Repo, authority: Authority
) -> None:
    """And the connection is kept, since a handshake costs more than the question."""
    found = [heads(private.url, ca_file=str(authority.ca_file)) for _ in range(4)]

    assert found == [{MAIN: private.git("rev-parse", "HEAD")}] * 4
    assert len(safe.connections) == 2


def test_an_unknown_authority_is_not_trusted(safe: Forge, private: Repo) -> None:
    """No request is made, so no credential is sent."""
    error = failure(private.url)

    assert error.code == "unreachable"
    assert "TLS certificate verification failed" in error.message
    assert safe.requests == []


def test_a_certificate_that_ran_out_is_not_trusted(tmp_path: Path) -> None:
    """The message says why."""
    authority = Authority(tmp_path / "old", days=-1)
    with Forge(tmp_path / "expired", tls=authority.server) as forge:
        error = failure(f"{forge.url}/repo.git", ca_file=str(authority.ca_file))

    assert error.code == "unreachable"
    assert "expired" in error.message


def test_a_certificate_for_another_name_is_not_trusted(
    safe: Forge, private: Repo, authority: Authority
) -> None:
    """Whoever signed it."""
    error = failure(private.url.replace("127.0.0.1", "127.0.0.2"), ca_file=str(authority.ca_file))

    assert (error.code, safe.requests) == ("unreachable", [])


def test_a_server_without_tls_is_unreachable(repo: Repo) -> None:
    """Under a url that says https."""
    error = failure(repo.url.replace("http:", "https:"))

    assert error.code == "unreachable"
    assert "TLS" in error.message


@pytest.mark.django_db
def test_git_trusts_whom_the_check_trusts(
    admin: APIClient,
    private: Repo,
    authority: Authority,
    settings,  # type: ignore[no-untyped-def]
) -> None:
    """By the operator's setting; without it neither does."""
    row = link(admin, private.url, auto_create_configuration=True)
    run_due()
    before = shown(admin, row)["error"]["code"]
    settings.ENV = dataclasses.replace(settings.ENV, git_ca_file=str(authority.ca_file))
    admin.post(f"/v1/git-repos/{row['id']}/sync")
    run_due()

    assert (before, shown(admin, row)["status"]) == ("unreachable", "synced")


def test_the_setting_names_the_file(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From wherever the control plane is started: git children run elsewhere."""
    monkeypatch.chdir(authority.ca_file.parent)

    read = env.read({"KEEPTRUSTS_GIT_CA_FILE": "ca.pem", "KEEPTRUSTS_DATA_DIR": str(tmp_path)})

    assert read.git_ca_file == str(authority.ca_file)
