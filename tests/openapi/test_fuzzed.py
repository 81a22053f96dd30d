"""Requests made of the document, as each role: no 5xx, no answer that it does not tell of."""

import json
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

import hypothesis
import pytest
from django.core.management.color import no_style
from django.db import connection, transaction
from hypothesis import strategies as st
from rest_framework.test import APIClient

from access import roles, tokens
from events.models import AuditEntry, Event
from gateways.signing import keys
from gitrepos.api import links
from gitrepos.models import SyncRun
from keeptrusts.api.errors import BusyError
from openapi import endpoints
from tests.support import documented
from tests.support.fromschemas import values
from tests.support.narrowed import IDS, client_of, hidden_part, seen_part

pytestmark = pytest.mark.django_db

_MADE: Any = documented.built()
_OPERATIONS = [
    (one.method, one.path, _MADE["paths"][one.path][one.method.lower()])
    for one in endpoints.found()
    # Another process answers these.
    if one.path != "/v1/stream"
    and not (
        one.path.startswith("/v1/gateways/") and one.path.endswith(("/events", "/contents/{hash}"))
    )
]


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no workers, so nothing that waits for one is waited for."""

    def busy(_link: Any) -> Any:
        raise BusyError("All workers are busy; try again in a few seconds.")

    monkeypatch.setattr(links, "_hint", lambda: None)
    monkeypatch.setattr(links, "_previewed", busy)
    monkeypatch.setattr(links, "_served", lambda *_: False)


# There is no broker here, and no process of streams: these say so.
_DOWN = ("/healthz", "/readyz", "/v1/stream")


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, Any]:
    """A request: method, path with its query, and body."""
    method, path, operation = draw(st.sampled_from(_OPERATIONS))
    query = {}
    for one in operation.get("parameters", ()):
        if one["in"] == "path":
            there = st.sampled_from([str(value) for value in IDS.get(one["name"], ("a",))])
            text = draw(st.one_of(there, there, values(one["schema"], _MADE)))
            path = path.replace(f"{{{one['name']}}}", quote(str(text), safe=""))
        elif one["in"] == "query" and draw(st.booleans()):
            value = draw(values(one["schema"], _MADE))
            query[one["name"]] = ",".join(map(str, value)) if isinstance(value, list) else value
    body = None
    for media in operation.get("requestBody", {}).get("content", {}).values():
        body = draw(values(media["schema"], _MADE))
    return method, path + (f"?{urlencode(query)}" if query else ""), body


def _count_on() -> None:
    """Have the database number new rows behind those that came with their numbers."""
    with connection.cursor() as cursor:
        for line in connection.ops.sequence_reset_sql(no_style(), [AuditEntry, Event, SyncRun]):
            cursor.execute(line)


@pytest.mark.parametrize("sequences", [60, pytest.param(600, marks=pytest.mark.soak)])
@pytest.mark.parametrize("role", [*roles.ROLES, "narrowed", "nobody"])
def test_no_request_is_answered_otherwise(role: str, sequences: int, db: None) -> None:
    """Sequences of them, each on rows that are there, and undone."""
    keys.ensure()
    world = seen_part(Random(1), Random(2))
    world.write()
    hidden_part(Random(3)).write()
    _count_on()
    client = _client(role)

    @hypothesis.settings(
        max_examples=sequences, database=None, derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(st.lists(requests(), min_size=1, max_size=3))
    def run(sequence: list[tuple[str, str, Any]]) -> None:
        with transaction.atomic():
            for method, path, body in sequence:
                answer = client.generic(method, path, _encoded(body), "application/json")
                assert answer.status_code < 500 or path.partition("?")[0] in _DOWN, (
                    method, path, body, answer.content,
                )  # fmt: skip
            transaction.set_rollback(True)

    run()


def _client(role: str) -> APIClient:
    if role == "narrowed":
        return client_of("editor", ids=["a-*"])
    client = APIClient()
    if role != "nobody":
        text = tokens.create(role, role=role)[1]
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def _encoded(body: Any) -> bytes:
    return b"" if body is None else json.dumps(body).encode("utf-8", "surrogatepass")
