"""Authentication: requests without a valid token."""

import pytest
from rest_framework.test import APIClient

from tests.support.api import error

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

CLOSED = [
    "/v1/configurations", "/v1/configurations/validate", "/v1/configurations/try",
    "/v1/configurations/a",
    "/v1/configurations/a/content",
    "/v1/configurations/a/versions", "/v1/configurations/a/versions/1",
    "/v1/git-repos", "/v1/git-repos/00000000-0000-0000-0000-000000000000",
    "/v1/git-repos/00000000-0000-0000-0000-000000000000/sync",
    "/v1/git-repos/00000000-0000-0000-0000-000000000000/syncs",
    "/v1/git-repos/00000000-0000-0000-0000-000000000000/files",
    "/v1/events", "/v1/tokens", "/v1/tokens/00000000-0000-0000-0000-000000000000", "/v1/whoami",
]  # fmt: skip
HEADERS = ["", "Bearer", "Bearer ", "Bearer wrong", "Basic x", "x", "Bearer \x00", "Bearer \xff", "Bearer " + "x" * 100_000]  # fmt: skip # noqa: E501


@pytest.mark.parametrize("header", HEADERS, ids=[header[:12] for header in HEADERS])
def test_a_request_without_a_good_token_is_refused(client: APIClient, header: str) -> None:
    """401 in the envelope, never empty and without data, whatever is wrong with the header."""
    answer = client.get("/v1/configurations", headers={"Authorization": header} if header else {})

    assert error(answer)["code"] in ("not_authenticated", "authentication_failed")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"])
def test_every_path_wants_a_token(client: APIClient, path: str, method: str) -> None:
    """Nobody learns without one which rows there are or which methods a path has."""
    answer = client.generic(method, path)

    assert (answer.status_code, error(answer)["code"]) == (401, "not_authenticated")


def test_the_scheme_is_read_in_any_case(admin: APIClient) -> None:
    """`bearer` and `BEARER` are the same scheme (RFC 9110, section 11.1)."""
    header = admin._credentials["HTTP_AUTHORIZATION"].replace("Bearer", "bEARER ")

    answer = APIClient().get("/v1/whoami", headers={"Authorization": header})

    assert answer.status_code == 200


def test_no_shared_cache_keeps_an_answer(admin: APIClient, client: APIClient) -> None:
    """What one token may see is kept for no other, refusals included."""
    for answer in (
        admin.get("/v1/configurations"),
        admin.get("/v1/tokens"),
        client.get("/v1/tokens"),
    ):
        assert answer["Cache-Control"] == "private, no-cache"
        assert "Authorization" in answer["Vary"]


def test_any_host_name_is_answered(admin: APIClient) -> None:
    """An address, a service's short name: nothing in an answer depends on it."""
    for host in ("127.0.0.1:8080", "keeptrusts", "[::1]:8080"):
        assert admin.get("/v1/whoami", headers={"Host": host}).status_code == 200
