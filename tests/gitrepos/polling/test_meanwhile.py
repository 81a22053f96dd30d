"""What happens to a remote while its sync waits or runs: requests, edits, kills, clocks, pauses."""

from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from gitrepos.models import Remote
from gitrepos.polling import claims, waiting
from gitrepos.sync import poll as polling
from gitrepos.sync import steps
from tests.support.repo import Repo, policy
from tests.support.syncing import content, edit, link, run_due

pytestmark = pytest.mark.django_db

BOT, OTHER = "bot/policy-config.yaml", "other/policy-config.yaml"


def waiting_sync() -> None:
    """Poll what is due; what changed waits."""
    batch = claims.due(timezone.now())
    assert batch is not None
    polling.poll(batch, waiting.put)


def sync_one() -> None:
    """Sync the remote whose turn it is."""
    found = waiting.take(uuid4(), timezone.now())
    assert found is not None
    steps.sync(*found)


def test_an_edit_while_a_sync_waits_is_looked_at_again(admin: APIClient, repo: Repo) -> None:
    """It may be about a commit that came after the poll."""
    repo.commit({BOT: policy("Bot"), OTHER: policy("One")})
    row = link(admin, repo.url, path="bot")
    waiting_sync()
    repo.commit({OTHER: policy("Two")})
    edit(admin, row, path="other")
    sync_one()
    first = content(admin, "other")

    run_due()

    assert first == policy("One").encode()
    assert content(admin, "other") == policy("Two").encode()
    assert not Remote.objects.get().asked
