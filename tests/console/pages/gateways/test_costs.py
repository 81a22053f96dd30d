"""What lists below repositories and gateways cost: the same queries at any size, below 100 KB."""

from collections.abc import Callable
from copy import copy
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from gateways.models import Binding, Decision, EnrolmentToken
from gitrepos.models import GitCredential
from tests.console.browser import Browser
from tests.gateways.reports.test_decisions import event, send
from tests.support.gateways import Machine


def _credential(admin: APIClient, _: Machine) -> None:
    body = {"name": "n", "kind": "token", "hosts": ["forge.example"], "token": "only-an-example"}
    assert admin.post("/v1/git-credentials", body, format="json").status_code == 201


def _binding(admin: APIClient, _: Machine) -> None:
    body = {"configuration": "bot", "selector": {"ring": "canary"}}
    assert admin.post("/v1/gateway-bindings", body, format="json").status_code == 201


def _enrolment(admin: APIClient, _: Machine) -> None:
    body = {"name": "n", "labels": {"ring": "canary"}}
    assert admin.post("/v1/enrolment-tokens", body, format="json").status_code == 201


def _decision(_: APIClient, gateway: Machine) -> None:
    assert send(gateway, event(1)).status_code == 202


Make = Callable[[APIClient, Machine], None]


@pytest.mark.parametrize(
    ("path", "make", "model", "unique", "most"),
    [
        ("/repositories/credentials", _credential, GitCredential, ("name",), 6),
        ("/gateway-bindings", _binding, Binding, (), 10),
        ("/gateways/enrol", _enrolment, EnrolmentToken, ("digest",), 8),
        ("/gateways/edge-1/decisions", _decision, Decision, ("event_id",), 8),
    ],
)
def test_a_list_costs_the_same_at_any_size(
    browser: Browser, admin: APIClient, gateway: Machine, path: str, make: Make,
    model: type[models.Model], unique: tuple[str, ...], most: int,
) -> None:  # fmt: skip
    """With one row, and with three hundred, of which the first page has fifty."""
    make(admin, gateway)
    few, _ = _looked(browser, admin, path)
    row: Any = model._default_manager.get()
    model._default_manager.bulk_create(
        _copied(row, [name for name in unique if hasattr(row, name)]) for _ in range(300)
    )
    many, page = _looked(browser, admin, path)

    assert many == few <= most
    assert page.count("<tr>") == 51 and "Next page" in page
    assert len(page.encode()) < 100_000


def _looked(browser: Browser, admin: APIClient, path: str) -> tuple[int, str]:
    """How many queries a page makes after a change, and the page."""
    change = {"name": uuid4().hex}
    assert admin.patch("/v1/gateways/edge-1", change, format="json").status_code == 200
    with CaptureQueriesContext(connection) as made:
        page = browser.shows(path)
    return len(made), page


def _copied(row: Any, unique: list[str]) -> Any:
    other = copy(row)
    other.pk = uuid4() if isinstance(row._meta.pk, models.UUIDField) else None
    for name in unique:
        setattr(other, name, uuid4().hex)
    return other
