"""A checkout to stand in."""

import pytest

from tests.support.repo import Repo, policy


@pytest.fixture
def checkout(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A repository to stand in."""
    repo.commit({"policies/support-bot/policy-config.yaml": policy("Bot")})
    monkeypatch.chdir(repo.clone)
    return repo
