"""One row of everything, for tests of what all paths have in common."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.support.api import created
from tests.support.eyes import person
from tests.support.repo import policy
from tests.support.standing import standing


@pytest.fixture(scope="module")
def paths(
    django_db_setup: None, django_db_blocker: Any, worker_id: str
) -> Iterator[dict[str, str]]:
    """A concrete path by its pattern: every route below /v1."""
    with standing(django_db_blocker, worker_id):
        yield _paths(person("ada", role="admin"))


def _paths(admin: APIClient) -> dict[str, str]:
    for name in ("bot", "validate"):
        body = {"id": name, "content": policy()}
        created(admin.post("/v1/configurations", body, format="json"))
    link = {"url": "https://forge.example/org/policies.git"}
    repo = created(admin.post("/v1/git-repos", link, format="json"))["id"]
    token = created(admin.post("/v1/tokens", {"name": "ci"}, format="json"))["id"]
    patterns = [
        "/v1/configurations", "/v1/configurations/validate",
        "/v1/configurations/{id}", "/v1/configurations/{id}/content",
        "/v1/configurations/{id}/versions", "/v1/configurations/{id}/versions/{n}",
        "/v1/configurations/{id}/versions/{n}/content",
        "/v1/git-repos", "/v1/git-repos/summary", "/v1/git-repos/{repo}",
        "/v1/git-repos/{repo}/sync", "/v1/git-repos/{repo}/syncs", "/v1/git-repos/{repo}/files",
        "/v1/git-repos/{repo}/webhook", "/v1/events",
        "/v1/tokens", "/v1/tokens/{token}", "/v1/whoami",
    ]  # fmt: skip
    return {p: p.format(id="bot", n=1, repo=repo, token=token) for p in patterns}
