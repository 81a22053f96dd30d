"""Ids of requests, by Django alone."""

import pytest
from rest_framework.test import APIClient

from keeptrusts.api import requestid

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/whoami", 200), ("/v1/tokens/nobody", 404), ("/nothing", 404), ("/v1/stream", 503)],
)
def test_answers_and_errors_have_the_id(admin: APIClient, path: str, status: int) -> None:
    """The caller's, or one that is made."""
    for sent, is_kept in (("mine-1", True), ("no id", False)):
        answer = admin.get(path, headers={requestid.HEADER: sent})
        assert answer.status_code == status
        assert (answer[requestid.HEADER] == sent) is is_kept
        if status >= 400:
            assert answer.json()["error"]["request_id"] == answer[requestid.HEADER]


def test_an_id_belongs_to_one_request() -> None:
    """Nothing of it stays in the thread."""
    with requestid.bound("mine"):
        assert requestid.current() == "mine"
    assert requestid.current() != requestid.current()
