"""The index at `/` and `/v1`: where to go from the url that `make run` prints."""

import pytest
from rest_framework.test import APIClient

from tests.keeptrusts.api.test_routes import METHODS

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/", "/v1"])
def test_the_index_lists_every_path_without_a_token(client: APIClient, path: str) -> None:
    """With the methods that each has, itself included."""
    answer = client.get(path)

    assert answer.status_code == 200
    rows = {row["path"]: row["methods"] for row in answer.json()["data"]["paths"]}
    assert rows["/v1"] == rows["/healthz"] == ["GET"]
    assert rows["/v1/git-repos"] == ["GET", "POST"]
    assert rows["/v1/git-repos/{link_id}"] == ["GET", "PATCH", "DELETE"]
    assert rows["/v1/configurations/validate"] == ["POST"]
    assert len(rows) > len(METHODS)
    assert not [name for name in rows if "<" in name or "//" in name]


def test_the_index_redirects_nobody(client: APIClient) -> None:
    """A slash behind it is still another path."""
    assert client.get("/v1/").status_code == 404
    assert client.post("/v1").status_code == 405
