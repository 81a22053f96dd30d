"""Addresses that the check dials: only allowed ones, in any spelling."""

import pytest

from tests.support.asking import MAIN, ask, failure, heads
from tests.support.forge import Forge
from tests.support.repo import Repo, policy

SPELLINGS = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "localhost",
]  # fmt: skip
INSIDE = [
    *SPELLINGS, "[::ffff:127.0.0.1]", "[::1]", "0", "10.0.0.1", "169.254.169.254", "[fd00::1]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "168.63.129.16",
]  # fmt: skip


@pytest.mark.parametrize("host", INSIDE)
def test_an_inner_address_is_not_dialled(forge: Forge, host: str) -> None:
    """Nothing connects, and the message names the setting."""
    before = len(forge.connections)

    error = failure(f"http://{host}:{forge.port}/repo.git", allowed=())

    assert error.code == "host_not_allowed", error.message
    assert "KEEPTRUSTS_GIT_ALLOWED_NETWORKS" in error.message
    assert len(forge.connections) == before


@pytest.mark.parametrize("host", SPELLINGS)
def test_an_allowed_address_is_dialled_in_any_spelling(repo: Repo, host: str) -> None:
    """As git does."""
    commit = repo.commit({"bot/policy-config.yaml": policy()})

    assert heads(repo.url.replace("127.0.0.1", host)) == {MAIN: commit}


def test_a_kept_connection_is_no_way_around(repo: Repo) -> None:
    """What one set of networks allows, another does not."""
    repo.commit({"bot/policy-config.yaml": policy()})
    for _ in range(2):
        heads(repo.url)

    assert failure(repo.url, allowed=()).code == "host_not_allowed"


def test_a_name_that_does_not_resolve_holds_up_no_other(repo: Repo) -> None:
    """Of the same batch."""
    repo.commit({"bot/policy-config.yaml": policy()})

    missing, good = ask("http://nowhere.invalid/repo.git", repo.url)

    assert missing.error is not None
    assert missing.error.message == "The host name 'nowhere.invalid' does not resolve."
    assert good.error is None
