"""Links that are synced within the process, and previews without a broker."""

from typing import Any
from uuid import UUID

import pytest
from rest_framework.test import APIClient

from gitrepos.api import links as views
from gitrepos.links import preview_requests
from gitrepos.sync import preview
from tests.gitrepos.conftest import _nothing_known_of_hosts, _patient, data_dir
from tests.support.repo import Repo, policy
from tests.support.syncing import link, run_due

__all__ = ["_nothing_known_of_hosts", "_patient", "data_dir"]

FILE = "policies/bot/policy-config.yaml"


@pytest.fixture
def linked(admin: APIClient, repo: Repo) -> dict[str, Any]:
    """A link whose first sync is made."""
    repo.commit({FILE: policy("Bot", id="bot")})
    row = link(admin, repo.url, branch="main", path="policies")
    run_due()
    return row


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Previews are made by this process, as a worker makes them."""

    def answered(request_id: UUID) -> Any:
        asked = preview_requests.take(request_id)
        assert asked is not None
        return preview.of(asked)

    monkeypatch.setattr(views, "_answered", answered)
