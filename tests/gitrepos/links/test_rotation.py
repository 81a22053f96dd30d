"""`manage.py rotate_secrets`: from one key to the next, with nothing lost on the way."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from gateways.signing import keys as signing
from gitrepos.links import rotation
from gitrepos.links.sealed_secrets import binding
from gitrepos.models import GitCredential, Link, Remote
from keeptrusts.sealing import Rotation, seal
from tests.support.credentials import token
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import hashes, link, poll, shown

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

OLD, NEW = "old-key-" * 5, "new-key-" * 5
TOKEN = "kt-only-for-tests-0d4c8812aa"
Keys = Callable[..., None]


def rotate() -> Rotation:
    """What the command does to the secrets of links."""
    done = Rotation()
    rotation.rotate(done)
    return done


@pytest.fixture
def keys(settings: Any) -> Keys:
    """Set `KEEPTRUSTS_SECRET_KEY`."""

    def configure(*names: str) -> None:
        settings.ENV = dataclasses.replace(settings.ENV, secret_keys=names)

    configure(OLD)
    return configure


def test_the_old_key_can_go_afterwards(
    admin: APIClient, forge: Forge, make_repo: Callable[[], Repo], keys: Keys
) -> None:
    """A token of a link, a shared credential and a webhook's secret open under the new one."""
    repos = [make_repo(), make_repo()]
    for number, repo in enumerate(repos):
        repo.commit({f"p{number}/policy-config.yaml": policy()})
        forge.tokens[repo.bare.name] = TOKEN
    token(admin, forge, TOKEN)
    rows = [
        link(admin, repos[0].url, access_token=TOKEN),
        link(admin, repos[1].url, credential="shared"),
    ]
    hooked = Link.objects.get(pk=rows[0]["id"])
    Link.objects.filter(pk=hooked.pk).update(webhook_secret=seal("s" * 32, row=binding(hooked)))
    keys(NEW, OLD)

    done = rotate()
    again = rotate()
    keys(NEW)
    poll()

    assert (done.sealed, done.lost, again.sealed) == (3, [], 0)
    assert {shown(admin, row)["status"] for row in rows} == {"synced"}
    assert sorted(hashes()) == ["p0", "p1"]
    assert rotate().lost == []


def test_without_it_the_old_key_cannot_go(admin: APIClient, repo: Repo, keys: Keys) -> None:
    """What it sealed is lost until somebody sends it again."""
    row = link(admin, repo.url, access_token=TOKEN)
    keys(NEW)

    poll()

    assert shown(admin, row)["error"]["code"] == "credential_unreadable"


def test_what_no_key_opens_is_named(
    admin: APIClient, forge: Forge, repo: Repo, keys: Keys, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are sealed all the same, and the status says that something is wrong."""
    link(admin, repo.url, access_token=TOKEN)
    token(admin, forge, TOKEN)
    lost = GitCredential.objects.get()
    GitCredential.objects.update(secret=seal(TOKEN, row="git-credential:another"))
    keys(NEW, OLD)

    with pytest.raises(CommandError, match="1 secrets could not be opened"):
        call_command("rotate_secrets")

    said = capsys.readouterr()
    assert "sealed 1 secrets" in said.out
    assert f"git-credential:{lost.pk}" in said.err


def test_equal_tokens_share_a_remote_over_a_rotation(
    admin: APIClient, forge: Forge, repo: Repo, keys: Keys
) -> None:
    """One linked before and one after: until it is run they are two, then one call serves both."""
    repo.commit({"a/policy-config.yaml": policy(), "b/policy-config.yaml": policy()})
    forge.tokens[repo.bare.name] = TOKEN
    rows = [link(admin, repo.url, access_token=TOKEN, path="a")]
    keys(NEW, OLD)
    rows.append(link(admin, repo.url, access_token=TOKEN, path="b", poll_interval_seconds=30))
    apart = Remote.objects.count()

    rotate()
    forge.requests.clear()
    poll()

    assert (apart, Remote.objects.count()) == (2, 1)
    assert Remote.objects.get().interval_seconds == 30
    assert {shown(admin, row)["status"] for row in rows} == {"synced"}
    assert sorted(hashes()) == ["a", "b"]


def test_a_link_made_after_it_finds_the_old_remote(
    admin: APIClient, repo: Repo, keys: Keys
) -> None:
    """The digest of a token that stood before is of the new key."""
    link(admin, repo.url, access_token=TOKEN, path="a")
    keys(NEW, OLD)
    rotate()

    link(admin, repo.url, access_token=TOKEN, path="b")

    assert Remote.objects.count() == 1


def test_many_are_sealed_in_small_transactions(
    admin: APIClient, repo: Repo, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody who edits a link waits for all of them."""
    monkeypatch.setattr("gitrepos.links.rotation._BATCH", 2)
    for number in range(5):
        link(admin, repo.url, access_token=f"{TOKEN}-{number}", path=f"p{number}")
    keys(NEW, OLD)

    assert rotate().sealed == 5


def test_the_key_that_signs_for_gateways_is_sealed_again(
    keys: Keys, capsys: pytest.CaptureFixture[str]
) -> None:
    """It signs on, and gateways that know it notice nothing."""
    fingerprint = signing.ensure()
    keys(NEW, OLD)

    call_command("rotate_secrets")
    keys(NEW)

    signer = signing.load()
    assert "sealed 1 secrets" in capsys.readouterr().out
    assert signer and signer.fingerprint == fingerprint
