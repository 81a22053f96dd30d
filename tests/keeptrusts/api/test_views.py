"""What all views of the API have in common."""

import gc
import weakref
from typing import Any
from uuid import UUID

import pytest
from django.test import RequestFactory
from django.urls import resolve
from rest_framework.test import APIClient


@pytest.mark.parametrize(
    "path", ["/v1/configurations", "/v1/drift", f"/v1/git-repos/{UUID(int=0)}"]
)
def test_an_answer_is_freed_without_a_collection(admin: APIClient, path: str) -> None:
    """With its request and its view; else a hundred long ones would wait for it together."""
    sent = admin._credentials

    # Of this answer alone: fixtures and threads of others may have answers of their own.
    def ask() -> tuple[bytes, list[weakref.ref[Any]]]:
        match = resolve(path)
        answer = match.func(RequestFactory().get(path, **sent), **match.kwargs)
        context = answer.renderer_context
        made = [weakref.ref(one) for one in (answer, context["request"], context["view"])]
        return bytes(answer.render().content), made

    ask()
    gc.collect()
    gc.disable()
    try:
        body, made = ask()
        left = [one for reference in made if (one := reference()) is not None]
    finally:
        gc.enable()

    assert body
    assert left == []
