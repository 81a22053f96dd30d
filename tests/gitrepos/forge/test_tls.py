"""Forges over https: trusted authorities, and the cost of a connection."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from keeptrusts.env import reading
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


def test_a_certificate_that_runs_out_is_told_until_another_is_shown(tmp_path: Path) -> None:
    """Nothing is started again for it."""
    authority = Authority(tmp_path / "authority")
    with Forge(tmp_path / "forge", tls=authority.server) as forge:
        repo = forge.repository(tmp_path / "clone")
        head = repo.commit({"bot/policy-config.yaml": policy()})
        ca_file = tmp_path / "trusted.pem"
        ca_file.write_bytes(authority.ca_file.read_bytes())
        assert heads(repo.url, ca_file=str(ca_file)) == {MAIN: head}

        expired, renewed = (Authority(tmp_path / f"{days}", days=days) for days in (-1, 1))
        ca_file.write_bytes(expired.ca_file.read_bytes())
        forge.tls = expired.server
        error = failure(repo.url, ca_file=str(ca_file))
        ca_file.write_bytes(renewed.ca_file.read_bytes())
        forge.tls = renewed.server

        assert (error.code, "expired" in error.message) == ("unreachable", True)
        assert heads(repo.url, ca_file=str(ca_file)) == {MAIN: head}


@pytest.mark.parametrize("broken", [b"", b"-----BEGIN CERTIFICATE-----\nhalf of it", None])
def test_a_file_of_authorities_that_cannot_be_read_changes_nothing(
    private: Repo, authority: Authority, tmp_path: Path, broken: bytes | None
) -> None:
    """It may be written just now; once it can be read, who is not in it is trusted no more."""
    ca_file, head = tmp_path / "trusted.pem", private.git("rev-parse", "HEAD")
    ca_file.write_bytes(authority.ca_file.read_bytes())
    assert heads(private.url, ca_file=str(ca_file)) == {MAIN: head}

    if broken is None:
        ca_file.unlink()
    else:
        ca_file.write_bytes(broken)
    assert heads(private.url, ca_file=str(ca_file)) == {MAIN: head}

    ca_file.write_bytes(Authority(tmp_path / "another").ca_file.read_bytes())
    assert failure(private.url, ca_file=str(ca_file)).code == "unreachable"


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

    read = reading.read({"KEEPTRUSTS_GIT_CA_FILE": "ca.pem", "KEEPTRUSTS_DATA_DIR": str(tmp_path)})

    assert read.git_ca_file == str(authority.ca_file)
