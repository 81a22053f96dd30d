"""Narrowed tokens: which endpoints answer them, and what their writes reach and tell."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from access import roles
from access.sights import FILTERED, NARROWABLE, REFUSED, UNRELATED
from configurations.models import Configuration
from gateways.models import Binding, Gateway
from tests.access.test_roles import ENDPOINTS, _filled
from tests.support.api import created, error
from tests.support.eyes import ask
from tests.support.narrowed import client_of
from tests.support.repo import policy

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

_JSON = "application/json"
# What answers narrowed tokens, written from what it is for; all else is refused.
ANSWERED = {
    "configurations": "GET POST", "configurations/validate": "GET PATCH DELETE POST",
    "configurations/try": "GET PATCH DELETE POST", "configurations/ID/explanation": "GET",
    "rollouts": "GET", "configurations/ID": "GET PATCH DELETE",
    "configurations/ID/rollback": "POST",
    "configurations/ID/diff": "GET", "configurations/ID/content": "GET",
    "configurations/ID/versions": "GET", "configurations/ID/versions/ID": "GET",
    "configurations/ID/versions/ID/content": "GET", "configurations/ID/pin": "POST DELETE",
    "configurations/ID/rollout": "GET", "events": "GET", "audit-log": "GET", "drift": "GET",
    "decisions": "GET", "decisions/rates": "GET",
    "git-credentials": "GET", "git-credentials/ID": "GET",
    "git-repos": "GET", "git-repos/summary": "GET", "git-repos/ID": "GET",
    "git-repos/ID/syncs": "GET", "git-repos/ID/files": "GET", "gateways": "GET",
    "gateways/ID": "GET PATCH", "gateways/ID/reissue": "POST", "client-keys": "GET",
    "client-keys/ID": "GET", "gateway-bindings": "GET", "gateway-bindings/ID": "GET",
    "whoami": "GET", "stream": "GET", "tokens/ID": "DELETE", "tokens/ID/rotate": "POST",
}  # fmt: skip


def _named(path: str) -> str:
    parts = path.removeprefix("/v1/").split("/")
    return "/".join("ID" if part.startswith("<") else part for part in parts)


def test_every_endpoint_says_how_it_is_narrowed() -> None:
    """Whoever adds one says how it answers a narrowed token; one that says nothing refuses it."""
    answered: dict[str, set[str]] = {}
    for method, path, view in ENDPOINTS:
        how = view.narrowed.get(method, REFUSED)
        assert how in (FILTERED, REFUSED, UNRELATED), (method, path)
        if how != REFUSED:
            answered.setdefault(_named(path), set()).add(method)
    assert answered == {path: set(methods.split()) for path, methods in ANSWERED.items()}


@pytest.mark.parametrize("role", NARROWABLE)
@pytest.mark.parametrize("glob", ["nothing", "c"])
def test_every_cell_of_role_and_endpoint(admin: APIClient, role: str, glob: str) -> None:
    """What the role may not stays so; of the rest what is not narrowed is refused."""
    created(admin.post("/v1/configurations", {"id": "c", "content": policy()}, format="json"))
    client = client_of(role, ids=[glob])
    refusals = set()
    for method, path, view in ENDPOINTS:
        answer = client.generic(method, _filled(path), b"{}", content_type="application/json")
        if not roles.may(role, view.actions[method]):
            assert (answer.status_code, error(answer)["code"]) == (403, "permission_denied")
        elif method in ANSWERED.get(_named(path), "").split():
            assert answer.status_code not in (401, 403), (method, path)
        else:
            assert (answer.status_code, error(answer)["code"]) == (403, "narrowed"), path
            refusals.add(answer.content)
    assert len(refusals) == 1 or role == "ci"


@pytest.fixture
def fleet(admin: APIClient) -> None:
    """Configurations a, a2 and h with gateways g (a) and gh (h); `a` is seen by id or label."""
    for name in ("a", "a2", "h"):
        body = {"id": name, "content": policy(), "labels": {"team": name[0]}}
        created(admin.post("/v1/configurations", body, format="json"))
    for name, bound in (("g", "a"), ("gh", "h")):
        body = {"id": name, "configuration": bound}
        created(admin.post("/v1/gateways", body, format="json"))


WRITES = [
    ("PATCH", "configurations/{}", {"name": "x"}),
    ("PATCH", "configurations/{}", {"content": policy(), "override": True}),
    ("PATCH", "configurations/{}", {"labels": {"team": "a"}}),
    ("PATCH", "configurations/{}", {"nonsense": 1}),
    ("DELETE", "configurations/{}", {}),
    ("POST", "configurations/{}/rollback", {"version": 1}),
    ("POST", "configurations/{}/pin", {"reason": "r"}),
    ("DELETE", "configurations/{}/pin", {}),
    ("PATCH", "gateways/{}", {"configuration": "a"}),
    ("PATCH", "gateways/{}", {"configuration": None}),
    ("POST", "gateways/{}/reissue", {}),
]


@pytest.mark.parametrize("sight", [{"ids": ["a*"]}, {"labels": {"team": "a"}}])
@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_write_to_what_is_hidden_is_one_to_what_is_not_there(
    fleet: None, method: str, path: str, body: Any, sight: Any
) -> None:
    """Byte for byte, and nothing is changed."""
    client = client_of("editor", **sight)
    hidden, nowhere = ("gh", "gx") if path.startswith("gateways") else ("h", "n")
    before = list(Configuration.objects.order_by("pk").values()), list(Gateway.objects.values())

    answer = client.generic(method, f"/v1/{path.format(hidden)}", json.dumps(body), _JSON)
    other = client.generic(method, f"/v1/{path.format(nowhere)}", json.dumps(body), _JSON)

    assert answer.status_code == other.status_code == 404
    assert answer.content == other.content.replace(repr(nowhere).encode(), repr(hidden).encode())
    assert dict(answer.items()) == dict(other.items())
    after = list(Configuration.objects.order_by("pk").values()), list(Gateway.objects.values())
    assert after == before


@pytest.mark.parametrize("sight", [{"ids": ["a*"]}, {"ids": ["a*"], "labels": {"team": "a"}}])
def test_only_ids_that_a_glob_matches_are_made(fleet: None, sight: Any) -> None:
    """A conflict then tells of what is seen; all other ids are refused in the same words."""
    client = client_of("editor", **sight)

    def make(name: str) -> Any:
        body = {"id": name, "content": policy(), "labels": {"team": "a"}}
        return client.post("/v1/configurations", body, format="json")

    assert make("a-new").status_code == 201
    assert error(make("a"))["code"] == "id_taken"
    assert make("h").content == make("free").content
    assert error(make("h"))["code"] == "narrowed"


def test_whoever_sees_by_labels_makes_nothing(fleet: None) -> None:
    """An id may be that of one that is not seen."""
    client = client_of("editor", labels={"team": "a"})
    body = {"content": policy(), "labels": {"team": "a"}}

    answers = [
        client.post("/v1/configurations", {"id": name, **body}, format="json")
        for name in ("h", "free")
    ]

    assert answers[0].content == answers[1].content
    assert error(answers[0])["code"] == "narrowed"


@pytest.mark.parametrize(
    ("labels", "status"),
    [({"team": "a", "more": "x"}, 200), ({"team": "b"}, 403), ({}, 403)],
)
def test_labels_keep_in_sight(fleet: None, labels: dict[str, str], status: int) -> None:
    """No narrowed token takes a configuration out of its own sight."""
    client = client_of("editor", labels={"team": "a"})

    answer = client.patch("/v1/configurations/a", {"labels": labels}, format="json")

    assert answer.status_code == status
    assert client.get("/v1/configurations/a").status_code == 200


def test_labels_are_free_of_what_is_seen_by_its_id(fleet: None) -> None:
    """They decide nothing there."""
    client = client_of("editor", ids=["a"], labels={"team": "a"})

    answer = client.patch("/v1/configurations/a", {"labels": {}}, format="json")

    assert (answer.status_code, answer.json()["data"]["labels"]) == (200, {})


def test_a_gateway_stays_at_what_is_seen(fleet: None) -> None:
    """It may be bound to what is seen, and not left to selectors."""
    client = client_of("editor", ids=["a*"])

    def bind(to: str | None) -> Any:
        return client.patch("/v1/gateways/g", {"configuration": to}, format="json")

    assert bind("a2").json()["data"]["bound"] == "a2"
    assert error(bind(None))["code"] == "narrowed"
    assert bind("h").content == bind("n").content.replace(b"'n'", b"'h'")
    assert Gateway.objects.get(pk="g").bound_id == "a2"


def test_a_gateway_of_what_is_hidden_is_hidden(fleet: None) -> None:
    """Also where the selector and the labels of the sight are the same."""
    Gateway.objects.filter(pk="gh").update(labels={"team": "a"})
    Binding.objects.create(configuration_id="h", selector={"team": "a"}, created_at=timezone.now())
    client = client_of("viewer", labels={"team": "a"})

    found = [client.get(f"/v1/{path}").json()["data"] for path in ("gateways", "gateway-bindings")]

    assert ([row["id"] for row in found[0]], found[1]) == (["g"], [])


def test_what_is_asked_for_tells_no_number(admin: APIClient) -> None:
    """Requests are numbered across all."""
    for name in ("h", "a"):
        body = {"id": name, "content": policy(), "four_eyes": True}
        created(admin.post("/v1/configurations", body, format="json"))
        ask(admin, "configuration.pin", name, {"reason": "r"})
        ask(admin, "configuration.pin", name, {"reason": "r"}, break_glass=True)

    rows = client_of("viewer", ids=["a"]).get("/v1/events").json()["data"]

    told = {row["kind"]: row["details"].keys() for row in rows}
    assert told["change_requested"] == told["break_glass"] == {"kind", "actor", "reason"}


def test_a_sync_is_asked_for_by_whoever_sees_all() -> None:
    """It applies all files; the same words for every link, whether it is there or not."""
    client = client_of("editor", ids=["a*"])

    answers = {
        client.post(f"/v1/git-repos/{uuid4()}/sync{q}").content for q in ("", "?dry_run=true")
    }

    assert len(answers) == 1
