"""What all views of the API have in common."""

import gc
from uuid import UUID

import pytest
from django.test import RequestFactory
from django.urls import resolve
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient

from keeptrusts.api.views import View


@pytest.mark.parametrize(
    "path", ["/v1/configurations", "/v1/drift", f"/v1/git-repos/{UUID(int=0)}"]
)
def test_an_answer_is_freed_without_a_collection(admin: APIClient, path: str) -> None:
    """With its request and its view; else a hundred long ones would wait for it together."""
    sent = admin._credentials

    def ask() -> bytes:
        match = resolve(path)
        answer = match.func(RequestFactory().get(path, **sent), **match.kwargs)
        return bytes(answer.render().content)

    ask()
    gc.collect()
    gc.disable()
    try:
        body = ask()
        left = [type(one) for one in gc.get_objects()]
    finally:
        gc.enable()

    assert body
    assert [kind for kind in left if issubclass(kind, Response | Request | View)] == []
