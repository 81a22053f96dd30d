"""Texts that were stored before the doors were closed, or come from git, in every answer."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.urls import URLResolver, get_resolver
from django.utils import timezone
from rest_framework.test import APIClient

from gateways.models import Binding, Gateway
from tests.support.printing import unprintable

pytestmark = [pytest.mark.django_db, pytest.mark.untrue_rows]

NASTY = "\x1b]0;x\x07\x1b[2K\r\n::error::\u202ex\x9b"
ID = "nasty"
PACKAGES = ("access", "events", "configurations", "gitrepos", "gateways")
# Columns of a form that their writers and readers keep.
_FORMS = {"host", "url", "origin_url", "last_url"}
_KEYS = {"public_key", "client_certificate", "allowed_openpgp_keys"}
_FINDING = {"line": 1, "column": 1, "code": NASTY, "message": NASTY, "fix": NASTY, "severity": "x"}
_JSON = {
    "details": {NASTY: [NASTY]},
    "event": {"id": "e-1", "description": NASTY, NASTY: {"note": NASTY}},
    "findings": [_FINDING],
    "files": [{"path": NASTY, "outcome": NASTY}],
    "labels": {NASTY: NASTY},
    "selector": {NASTY: NASTY},
    "hosts": [NASTY],
    "include": [NASTY],
    "exclude": [NASTY],
}
# Rows with a shape of their own that no text of others comes into.
_EMPTY = {"held", "counts", "found", "unreached", "past_scopes"}
_Made = dict[type[models.Model], models.Model]


def value(field: Any, made: _Made) -> Any:
    """Something for a column: text that steers a terminal, wherever text may stand."""
    if field.is_relation:
        return made.get(field.related_model)
    if isinstance(field, models.JSONField):
        return _JSON.get(field.name, None if field.null else {})
    if isinstance(field, models.CharField | models.TextField):
        return _text(field)
    if isinstance(field, models.DateTimeField):
        # What is deleted, revoked or archived is in no list.
        return None if field.null else timezone.now()
    if isinstance(field, models.UUIDField):
        return uuid.uuid4()
    if isinstance(field, models.BinaryField):
        return b"pack: {}\n"
    return False if isinstance(field, models.BooleanField) else 1


def _text(field: Any) -> str:
    if field.primary_key:
        return ID
    if field.choices:
        return str(field.choices[0][0])
    if field.name.endswith("_hash"):
        return "0" * 64
    if field.name in _KEYS:
        return ""
    if field.name == "change":  # A body, as JSON.
        return json.dumps({NASTY: [NASTY], "name": NASTY})
    if field.name in _FORMS or field.unique:
        return f"https://forge.example/{field.name}"[: field.max_length or 100]
    return NASTY[: field.max_length] if (field.max_length or 1000) > 20 else ""


@pytest.fixture
def made(db: None) -> _Made:
    """A row of every model, written as no door would let it be."""
    rows: _Made = {}
    todo = [model for name in PACKAGES for model in apps.get_app_config(name).get_models()]
    while todo:
        model = todo.pop(0)
        fields = [one for one in model._meta.concrete_fields if not one.auto_created]
        if {one.related_model for one in fields if one.is_relation} & set(todo):
            todo.append(model)
            continue
        if model._meta.label == "access.Token":
            model._default_manager.update(name=NASTY)
            rows[model] = model._default_manager.get()
            continue
        filled = {
            one.name: value(one, rows)
            for one in fields
            if not (isinstance(one, models.JSONField) and one.name in _EMPTY)
        }
        rows[model] = model._default_manager.create(**filled)
    return rows


def paths(made: _Made) -> Iterator[str]:
    """The path of every route, once for each row that its parameter may stand for."""

    def walk(found: Any, before: str) -> Iterator[str]:
        for one in found:
            path = before + str(one.pattern)
            if isinstance(one, URLResolver):
                yield from walk(one.url_patterns, path)
            else:
                yield path

    ids = [str(row.pk) for row in made.values() if isinstance(row.pk, uuid.UUID)]
    for route in sorted(set(walk(get_resolver().url_patterns, ""))):
        if not route.startswith("v1"):
            continue  # The state of this installation's own processes.
        plain = re.sub("<configuration:[^>]+>", ID, route).replace("<int:number>", "1")
        for one in ids if "<uuid:" in plain else [""]:
            yield "/" + re.sub("<uuid:[^>]+>", one, plain)


def test_no_answer_prints_anything_raw(admin: APIClient, made: _Made) -> None:
    """Of any path that can be read, whatever was stored, and wherever it came from."""
    answered, raw = set(), {}
    for path in paths(made):
        answer = admin.get(path)
        assert answer.status_code != 500, path
        if answer.get("Content-Type") == "application/json":
            if answer.status_code == 200:
                answered.add(path.replace(ID, "ID"))
            if found := unprintable(answer.json()):
                raw[path] = found

    assert raw == {}
    lists = {
        "tokens", "events", "configurations", "configurations/ID", "configurations/ID/versions",
        "git-repos", "git-credentials", "gateways", "gateways/ID", "gateway-bindings",
        "enrolment-tokens", "client-keys", "client-keys/ID", "decisions", "drift",
    }  # fmt: skip
    assert {f"/v1/{name}" for name in lists} <= answered


def test_the_texts_were_there(admin: APIClient, made: _Made) -> None:
    """Else nothing was shown."""
    shown = {path: admin.get(path).content for path in ("/v1/gateways", "/v1/drift", "/v1/events")}
    escaped = rb"\\x1b]0;x\\x07"

    assert made[Gateway].pk == ID
    assert made[Binding].pk is not None
    assert escaped in shown["/v1/gateways"]
    assert escaped in shown["/v1/events"]


def test_an_error_names_nothing_raw(admin: APIClient) -> None:
    """A path that was asked for, an unknown field, or a value that is repeated."""
    for answer in (
        admin.get("/v1/%1b%5b2J%0a%e2%80%ae"),
        admin.post("/v1/gateways", {NASTY: 1, "id": NASTY}, format="json"),
        admin.get("/v1/gateways", {NASTY: NASTY}),
        admin.get("/v1/drift", {"gateway": NASTY}),
        admin.patch("/v1/gateways/none-such", {"labels": {NASTY: NASTY}}, format="json"),
    ):
        assert 400 <= answer.status_code < 500
        assert unprintable(answer.json()) == []
