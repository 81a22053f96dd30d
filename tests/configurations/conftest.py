"""Configurations made over the API, and one that a linked repository feeds."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from configurations import versions
from configurations.publish import publish
from configurations.versions import Entry, Origin, Source
from tests.support.api import created
from tests.support.repo import policy

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def make(admin: APIClient) -> Make:
    """Make a configuration over the API; a valid content unless one is given."""

    def _make(configuration_id: str = "bot", **fields: Any) -> dict[str, Any]:
        body = {"id": configuration_id, "content": policy("Bot"), **fields}
        row: dict[str, Any] = created(admin.post("/v1/configurations", body, format="json"))
        return row

    return _make


@pytest.fixture
def from_git(db: None) -> Callable[[str], None]:
    """Take a content for the configuration `bot`, as a sync does of a commit."""

    def _take(content: str) -> None:
        origin = Origin(
            source=Source.GIT, repo_url="https://forge.example/p.git", commit="c" * 40,
            author="An Author", message="Change",
        )  # fmt: skip
        entry = Entry("bot", "From git", "bot/policy-config.yaml", content.encode())
        with transaction.atomic():
            publish()
            versions.record([entry], origin=origin, owner="6b0f3f0e-0000-4000-8000-000000000000")

    return _take
