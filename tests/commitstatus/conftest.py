"""Fixtures of commit statuses: an API of a forge, and a link that is told by it."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.support.forgeapi import ForgeAPI, forge_api
from tests.support.forgesaid import kept, synced, takes, told


@pytest.fixture
def api() -> Iterator[ForgeAPI]:
    """An API that takes statuses of a private repository."""
    with forge_api() as running:
        takes(running)
        yield running


@pytest.fixture
def row(admin: APIClient, api: ForgeAPI) -> dict[str, Any]:
    """A synced link whose commits are told."""
    kept(admin, api)
    made = synced(admin, path="policies", branch="main")
    told(admin, made)
    return made
