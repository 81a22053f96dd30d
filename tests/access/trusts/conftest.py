"""An issuer, a client that makes trusts, and the log of refusals."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from rest_framework.test import APIClient
from structlog.testing import capture_logs

from access.trusts import issuers, refusals
from tests.support.api import created
from tests.support.issuer import AUDIENCE, Issuer

TRUSTS = "/v1/trusts"
Trusting = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key of an earlier test, and no reason that was told a moment ago."""
    monkeypatch.setattr(issuers, "_known", {})
    monkeypatch.setattr(refusals.TOLD, "_last", {})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer that nobody asked yet."""
    with Issuer() as running:
        yield running


@pytest.fixture
def trusting(admin: APIClient, issuer: Issuer) -> Trusting:
    """Make a trust of the issuer, by default of main of a repository of GitHub's."""

    number = count(1)

    def make(**fields: Any) -> dict[str, Any]:
        body = {
            "name": f"policies {next(number)}",
            "issuer": issuer.url,
            "audience": AUDIENCE,
            **fields,
        }
        if not fields.keys() & {"repository_id", "project_id", "subject"}:
            body |= {"repository_id": "74", "ref": "refs/heads/main", **fields}
        row: dict[str, Any] = created(admin.post(TRUSTS, body, format="json"))
        return row

    return make


def asking(text: str, method: str = "get", path: str = "/v1/whoami", **body: Any) -> Any:
    """The answer to a request with this bearer token."""
    client = APIClient()
    # One id for all requests: refusals are compared byte for byte.
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}", HTTP_X_REQUEST_ID="the-same")
    return getattr(client, method)(path, body or None, format="json")


def refused(text: str, method: str = "get", path: str = "/v1/whoami", **body: Any) -> list[str]:
    """The reasons that the log has of a request, which must be refused like any unknown token."""
    with capture_logs() as lines:
        answer = asking(text, method, path, **body)
    unknown = asking("kt_unknown")
    assert (answer.status_code, answer.content) == (401, unknown.content)
    return [line["reason"] for line in lines if line["event"] == "JWT refused"]
