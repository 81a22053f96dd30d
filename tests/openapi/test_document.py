"""The API's document: complete, valid, and refused where something is left unsaid."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from access.roles import ACTIONS, ANY, ROLES
from access.views import Tokens, WhoAmI
from keeptrusts.api import index
from openapi import codes, document, endpoints
from openapi.endpoints import Endpoint
from tests.test_house import PACKAGES, ROOT

ENDPOINTS = list(endpoints.found())
# Errors of HTTP itself, and of methods that a path lacks, which are no operations.
_ELSEWHERE = {"method_not_allowed", "signing_key_present"}
_ERRORS = {
    "ApiError", "ConflictError", "GoneError", "LimitedError", "RefusedError", "TooLargeError",
    "NotFoundError", "PermissionDenied", "BusyError",
}  # fmt: skip


@pytest.fixture(scope="module")
def made() -> Any:
    """The document."""
    return document.build()


def _operations(made: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_the_document_is_valid_and_complete() -> None:
    """By the schema of OpenAPI 3.1, without a warning of what makes it."""
    call_command("openapi", "--check")


def test_every_route_is_in_the_document(made: Any) -> None:
    """With the methods that the index lists."""
    listed = {(method, route.path) for route in index.routes() for method in route.methods}
    told = {(method, path) for method, path, _ in _operations(made)}

    assert told == listed


def test_each_operation_is_told_whole(made: Any) -> None:
    """A name of its own, a line for people, its errors, its credential, and what roles may."""
    names = [operation["operationId"] for _, _, operation in _operations(made)]
    assert len(set(names)) == len(names)
    for method, path, operation in _operations(made):
        where = (method, path)
        assert re.fullmatch("[a-z][A-Za-z]+", operation["operationId"]), where
        assert operation["summary"].endswith("."), where
        assert {"400", "500", "503"} <= set(operation["responses"]), where
        assert ("401" in operation["responses"]) == bool(operation["security"]), where
        if operation["security"] == [{"token": []}]:
            assert operation["x-action"] in {*ACTIONS, ANY}, where
            assert set(operation["x-roles"]) <= set(ROLES), where
            assert operation["x-narrowed"] in ("filtered", "refused", "unrelated"), where


def test_each_parameter_says_what_it_is(made: Any) -> None:
    """In words, and by a schema with more than nothing."""
    for method, path, operation in _operations(made):
        told = operation.get("parameters", [])
        assert {one["name"] for one in told if one["in"] == "path"} == set(index.parameters(path))
        for one in told:
            assert one["description"].endswith("."), (method, path, one)
            assert one["schema"], (method, path, one)


def _schemas(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from _schemas(one, f"{place}[{number}]")
    elif isinstance(value, dict):
        if value.get("type") == "object" or "properties" in value:
            yield place, value
        for name, one in value.items():
            yield from _schemas(one, f"{place}.{name}")


def test_each_object_says_which_members_it_has(made: Any) -> None:
    """And that it has no others, but where anything may be in it."""
    open_ones = {
        place
        for place, schema in _schemas(made["components"]["schemas"])
        if "properties" in schema and schema.get("additionalProperties") is not False
    }

    assert open_ones == {".ClientKeyList", ".Decision"}


def _without(view: Any, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    described = {name: one for name, one in view.described.items() if name != method}
    monkeypatch.setattr(view, "described", described)


def test_a_method_that_says_nothing_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named, and what to do."""
    _without(Tokens, monkeypatch, "POST")

    with pytest.raises(CommandError, match="POST /v1/tokens: say what it is in `described`"):
        call_command("openapi", "--check")


@pytest.mark.parametrize("error", ["409 never_heard_of", "499 archived"])
def test_an_error_that_means_nothing_fails_the_check(
    monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    """A code without words, or a status that is none."""
    told = {"GET": replace(WhoAmI.described["GET"], errors=(error,))}
    monkeypatch.setattr(WhoAmI, "described", told)

    with pytest.raises(CommandError, match=error.split()[0 if "499" in error else 1]):
        call_command("openapi", "--check")


def test_two_operations_of_one_name_fail_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client would have one of the two."""
    told = {"GET": replace(WhoAmI.described["GET"], id="listTokens")}
    monkeypatch.setattr(WhoAmI, "described", told)

    with pytest.raises(CommandError, match="listTokens"):
        call_command("openapi", "--check")


def _raised() -> Iterator[tuple[str, str]]:
    """Codes that the program raises errors with, by their files."""
    for package in PACKAGES:
        if package == "kt":
            continue
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and _name(node.func) in _ERRORS:
                    given = [*node.args[:2], *(one.value for one in node.keywords)]
                    for one in given:
                        if _is_code(one):
                            yield one.value, str(path.relative_to(ROOT))  # type: ignore[attr-defined]


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _is_code(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and bool(
        isinstance(node.value, str) and re.fullmatch("[a-z]+(_[a-z]+)*", node.value)
    )


def test_every_code_that_is_raised_is_told() -> None:
    """With what it means, and by an endpoint that gives it."""
    raised = {code for code, _ in _raised()}
    given = {code for one in ENDPOINTS for named in codes.of(one).values() for code in named}

    assert len(raised) > 40
    assert raised - set(codes.MEANINGS) - _ELSEWHERE == set()
    assert set(codes.MEANINGS) - given - {"not_ready"} == set()


def test_every_endpoint_names_its_query_once() -> None:
    """No two parameters of an endpoint share a name."""
    for one in ENDPOINTS:
        assert isinstance(one, Endpoint)
        names = [parameter.name for parameter in one.query]
        assert len(set(names)) == len(names), one.path


def test_nothing_of_it_is_read_by_who_does_not_serve_it() -> None:
    """The process of event streams, workers and the web until it is asked."""
    script = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'keeptrusts.settings'\n"
        "django.setup()\n"
        "import keeptrusts.urls, keeptrusts.wsgi, gateways.push.asgi, keeptrusts.celery\n"
        "from django.urls import get_resolver; get_resolver().url_patterns\n"
        "print([name for name in sys.modules if name.startswith(('drf_spec', 'jsonschema'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert done.stdout.strip() == "[]", done.stderr
