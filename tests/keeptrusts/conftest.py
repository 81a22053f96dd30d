"""One row of everything, for tests of what all paths have in common."""

import pytest
from rest_framework.test import APIClient

from tests.support.api import created
from tests.support.repo import policy


@pytest.fixture
def paths(admin: APIClient) -> dict[str, str]:
    """A concrete path by its pattern: every route below /v1."""
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
