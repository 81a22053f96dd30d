"""Calls of the API within the process."""

import pytest
from django.test import RequestFactory

from access import sessions, tokens
from access.models import Session
from console import inside
from console.inside import API, RefusedError


@pytest.fixture
def api(db: None) -> API:
    """The API for an admin's session."""
    token, text = tokens.create("somebody")
    sessions.begin(token, text)
    return API(RequestFactory().get("/"), Session.objects.select_related("token").get())


@pytest.mark.parametrize(
    "name", ["../../tokens", "a/versions", "/", "a%2Fversions", "a?status=all", "é", "a b", "%"]
)
def test_a_name_is_one_segment(name: str, api: API) -> None:
    """It leads to no other path of the API, whatever somebody put into it."""
    with pytest.raises(RefusedError) as refused:
        api.get(inside.path("/v1/configurations/{id}", id=name))

    assert refused.value.status == 404
