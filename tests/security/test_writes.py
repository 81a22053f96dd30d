"""Every endpoint that writes: upon the state that its caller saw, and once however often sent."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from access.models import Token
from access.sights import FILTERED
from events.models import AuditEntry
from gitrepos.api import links
from gitrepos.models import Link
from keeptrusts.api.writes import conditions, kept
from keeptrusts.api.writes.conditions import IDEMPOTENCY_KEY, IF_MATCH
from keeptrusts.models import KeptAnswer
from notifications.models import Notification
from tests.access.test_roles import ENDPOINTS
from tests.support.api import created, send
from tests.support.eyes import ask, person, strong, weak
from tests.support.narrowed import client_of
from tests.support.standing import standing

pytestmark = [pytest.mark.django_db]

_C = "/v1/configurations/<configuration:configuration_id>"
_L = "/v1/git-repos/<uuid:link_id>"
_G = "/v1/gateways/<configuration:gateway_id>"
_K = "/v1/client-keys/<configuration:name>"
_T = "/v1/tokens/<uuid:token_id>"
_E = "/v1/evidence/<int:epoch>"
_Q = "/v1/requests/<int:number>"
_TRUST = "/v1/trusts/<uuid:trust_id>"
_RULE = "/v1/sign-in-rules/<uuid:rule_id>"
_N = "/v1/notification-endpoints/<uuid:endpoint_id>"
_NOTE = "/v1/notifications/<uuid:notification_id>"
_CREDENTIAL = "/v1/git-credentials/<uuid:credential_id>"
_FORGE = "/v1/forge-credentials/<uuid:forge_credential_id>"
_STATUS = f"{_L}/commit-status"
_ENROLMENT = "/v1/enrolment-tokens/<uuid:token_id>"
_BINDING = "/v1/gateway-bindings/<uuid:binding_id>"

# Single resources, with whether their ETag is of all that GET shows: so 304 answers who has it.
SINGLE: Mapping[str, bool] = {
    _C: True, f"{_C}/content": True, f"{_C}/versions/<int:number>": True,
    f"{_C}/versions/<int:number>/content": True, "/v1/configurations/validate": True,
    "/v1/configurations/try": True,
    _L: False, _STATUS: False, _CREDENTIAL: False, _FORGE: False,
    _G: True, _BINDING: True, _K: True, _ENROLMENT: False,
    _T: False, _TRUST: True, _RULE: True, _Q: True, f"{_Q}/content": True,
    _N: False, _NOTE: True,
}  # fmt: skip
_LIST, _VIEW = "a list", "made of others, for a look"
NOT_SINGLE: Mapping[str, str] = {
    "/metrics": _VIEW, "/v1/whoami": _VIEW, "/v1/stream": _VIEW, "/v1/git-repos/summary": _VIEW,
    f"{_C}/diff": _VIEW, f"{_C}/rollout": _VIEW, f"{_C}/explanation": _VIEW, "/v1/rollouts": _LIST,
    "/v1/drift": _LIST, "/v1/decisions": _LIST, "/v1/decisions/rates": _VIEW,
    "/v1/events": _LIST, "/v1/audit-log": _LIST, f"{_C}/evidence": _VIEW, f"{_G}/evidence": _VIEW,
    "/v1/evidence": _VIEW, f"{_E}/checkpoint": _VIEW, f"{_E}/tile/entries/<path:place>": _VIEW,
    f"{_E}/tile/<str:level>/<path:place>": _VIEW,
    "/v1/tokens": _LIST, "/v1/trusts": _LIST, "/v1/sign-in-rules": _LIST, "/v1/requests": _LIST,
    "/v1/configurations": _LIST, f"{_C}/versions": _LIST, "/v1/git-credentials": _LIST,
    "/v1/forge-credentials": _LIST, "/v1/commit-statuses": _LIST,
    "/v1/git-repos": _LIST, f"{_L}/syncs": _LIST, f"{_L}/files": _LIST, "/v1/gateways": _LIST,
    "/v1/enrolment-tokens": _LIST, "/v1/client-keys": _LIST, "/v1/gateway-bindings": _LIST,
    "/v1/notification-endpoints": _LIST, "/v1/notifications": _LIST,
}  # fmt: skip

_TRUSTED = {
    "name": "t", "issuer": "https://token.actions.githubusercontent.com", "repository_id": "1",
    "audience": "https://kt.example", "ref": "refs/heads/main",
}  # fmt: skip
_RULING = {"name": "r", "issuer": "https://issuer.example", "claims": {"groups": ["platform"]}}
_HEARING = {"name": "n", "url": "https://hooks.example/"}
_STORED = {"name": "two", "kind": "token", "hosts": ["forge.example"], "token": "a-secret"}
_TELLING = {"name": "two", "forge": "github", "token": "a-secret"}
_LINKED = {"url": "https://forge.example/two.git", "suspended": True}
# Writes upon a resource, with a body that changes it.
UPON: Mapping[tuple[str, str], tuple[str, dict[str, Any]]] = {
    ("PATCH", _C): (_C, {"name": "another"}),
    ("PATCH", "/v1/configurations/validate"): ("/v1/configurations/validate", {"name": "another"}),
    ("PATCH", "/v1/configurations/try"): ("/v1/configurations/try", {"name": "another"}),
    ("DELETE", "/v1/configurations/try"): ("/v1/configurations/try", {}),
    ("DELETE", _C): (_C, {}),
    ("DELETE", "/v1/configurations/validate"): ("/v1/configurations/validate", {}),
    ("POST", f"{_C}/rollback"): (_C, {"version": 1}),
    ("POST", f"{_C}/pin"): (_C, {"reason": "stay"}),
    ("DELETE", f"{_C}/pin"): (_C, {}),
    ("PATCH", _L): (_L, {"poll_interval_seconds": 600}),
    ("DELETE", _L): (_L, {}),
    ("POST", f"{_L}/sync"): (_L, {}),
    ("POST", f"{_L}/confirm"): (_L, {"commit": "c" * 40}),
    ("PATCH", _CREDENTIAL): (_CREDENTIAL, {"name": "another"}),
    ("DELETE", _CREDENTIAL): (_CREDENTIAL, {}),
    ("PATCH", _FORGE): (_FORGE, {"name": "another"}),
    ("DELETE", _FORGE): (_FORGE, {}),
    ("PATCH", _STATUS): (_STATUS, {"credential": "one"}),
    ("PATCH", _G): (_G, {"name": "another"}),
    ("DELETE", _G): (_G, {}),
    ("POST", f"{_G}/reissue"): (_G, {}),
    ("POST", f"{_G}/rotate-token"): (_G, {}),
    ("DELETE", _BINDING): (_BINDING, {}),
    ("DELETE", _ENROLMENT): (_ENROLMENT, {}),
    ("PATCH", _K): (_K, {"models": ["m*"]}),
    ("DELETE", _K): (_K, {}),
    ("POST", f"{_K}/rotate"): (_K, {}),
    ("DELETE", f"{_K}/previous"): (_K, {}),
    ("PATCH", _T): (_T, {"name": "another"}),
    ("DELETE", _T): (_T, {}),
    ("POST", f"{_T}/rotate"): (_T, {}),
    ("PATCH", _TRUST): (_TRUST, {"name": "another"}),
    ("DELETE", _TRUST): (_TRUST, {}),
    ("PATCH", _RULE): (_RULE, {"name": "another"}),
    ("DELETE", _RULE): (_RULE, {}),
    ("PATCH", _N): (_N, {"name": "another"}),
    ("DELETE", _N): (_N, {}),
    ("POST", f"{_N}/rotate-secret"): (_N, {}),
    ("POST", f"{_NOTE}/replay"): (_NOTE, {}),
    ("POST", f"{_Q}/confirm"): (_Q, {}),
    ("POST", f"{_Q}/refuse"): (_Q, {"reason": "no"}),
    ("POST", f"{_Q}/withdraw"): (_Q, {}),
}
# The other POSTs, with a body. None has a state that its caller could have seen.
AFRESH: Mapping[str, dict[str, Any]] = {
    "/v1/tokens": {"name": "t"},
    "/v1/trusts": _TRUSTED,
    "/v1/sign-in-rules": _RULING,
    "/v1/notification-endpoints": _HEARING,
    f"{_N}/test": {},
    f"{_N}/replay": {"since": "2026-01-31T12:00:00Z"},
    "/v1/configurations": {"id": "two", "content": strong("two")},
    "/v1/requests": {
        "kind": "configuration.edit", "target": "eyed", "reason": "r",
        "change": {"content": weak("eyed")},
    },
    "/v1/git-credentials": _STORED,
    "/v1/forge-credentials": _TELLING,
    "/v1/git-repos": _LINKED,
    "/v1/gateways": {"id": "two"},
    f"{_G}/release": {},
    "/v1/enrolment-tokens": {"name": "t"},
    "/v1/client-keys": {"name": "two"},
    "/v1/gateway-bindings": {"configuration": "bot", "selector": {"c": "d"}},
}  # fmt: skip
# POSTs that write nothing: a key changes nothing there.
IDLE: Mapping[str, dict[str, Any]] = {
    "/v1/configurations/validate": {"content": strong()},
    "/v1/configurations/try": {"content": strong(), "text": "Hello"},
    "/v1/git-repos/test": _LINKED,
}
WRITES = sorted({(method, path) for method, path, _ in ENDPOINTS if method != "GET"})
POSTS = {path: body for (method, path), (_, body) in UPON.items() if method == "POST"} | AFRESH


def test_every_endpoint_has_a_row() -> None:
    """Whoever adds one says what is conditional there, and it is so by what the view declares."""
    honoured = {(method, path): conditions_of(view, method) for method, path, view in ENDPOINTS}
    reads = {path for method, path in honoured if method == "GET"}
    asked = {("POST", path) for path in (*AFRESH, *IDLE)}

    assert reads == {*SINGLE, *NOT_SINGLE}
    assert not set(SINGLE) & set(NOT_SINGLE)
    assert set(WRITES) == {*UPON, *asked}
    assert not set(UPON) & asked
    for (method, path), names in honoured.items():
        wanted = {IF_MATCH} if (method, path) in UPON else set()
        assert names == wanted | ({IDEMPOTENCY_KEY} if method == "POST" else set()), (method, path)


def conditions_of(view: Any, method: str) -> set[str]:
    return set(getattr(getattr(view, method.lower()), "honours", ()))


class World:
    """One resource of each kind, and two persons."""

    def __init__(self) -> None:
        self.ada, self.bob = person("ada", role="admin"), person("bob", role="admin")
        ids = {name: self._configuration(name) for name in ("bot", "validate", "try", "eyed")}
        assert set(ids) == {"bot", "validate", "try", "eyed"}
        body = {"content": strong("bot") + "# two\n"}
        assert self.ada.patch("/v1/configurations/bot", body, format="json").status_code == 200
        self.ids = {
            "configuration_id": "bot",
            "link_id": self._made("/v1/git-repos", {"url": "https://forge.example/one.git"})["id"],
            "credential_id": self._made("/v1/git-credentials", {**_STORED, "name": "one"})["id"],
            "forge_credential_id": self._made(
                "/v1/forge-credentials",
                {**_TELLING, "name": "one", "api_url": "https://forge.example/api/v3"},
            )["id"],
            "binding_id": self._made(
                "/v1/gateway-bindings", {"configuration": "bot", "selector": {"a": "b"}}
            )["id"],
            "gateway_id": self._made("/v1/gateways", {"id": "edge", "labels": {"a": "b"}})["id"],
            "name": self._made("/v1/client-keys", {"name": "key"})["name"],
            "trust_id": self._made("/v1/trusts", {**_TRUSTED, "name": "first"})["id"],
            "rule_id": self._made("/v1/sign-in-rules", {**_RULING, "name": "first"})["id"],
            "endpoint_id": self._made("/v1/notification-endpoints", {**_HEARING, "name": "first"})[
                "id"
            ],
        }
        self.ids["notification_id"] = self._given_up()
        self.enrolment = self._made("/v1/enrolment-tokens", {"name": "t"})["id"]
        self.token = self._made("/v1/tokens", {"name": "t"})["id"]
        change = {"content": weak("eyed")}
        self.request = ask(self.ada, "configuration.edit", "eyed", change)

    def _given_up(self) -> Any:
        path = f"/v1/notification-endpoints/{self.ids['endpoint_id']}/test"
        row = self.ada.post(path, {}, format="json").json()["data"]
        Notification.objects.update(status="gave_up", next_attempt_at=None)
        return row["id"]

    def _configuration(self, name: str) -> Any:
        body = {"id": name, "content": strong(name), "four_eyes": name == "eyed"}
        return self._made("/v1/configurations", body)

    def _made(self, path: str, body: dict[str, Any]) -> Any:
        return created(self.ada.post(path, body, format="json"))

    def at(self, path: str) -> str:
        token = self.enrolment if path.startswith("/v1/enrolment") else self.token
        number = self.request["id"] if path.startswith("/v1/requests") else 1
        for name, value in {**self.ids, "token_id": token, "number": number}.items():
            for kind in ("configuration", "uuid", "int"):
                path = path.replace(f"<{kind}:{name}>", str(value))
        assert "<" not in path
        return path

    def get(self, path: str, **headers: str) -> Any:
        return self.ada.get(self.at(path), headers=headers)

    def ready(self, method: str, path: str) -> None:
        """Let what a write is about be there."""
        if (method, path) == ("DELETE", f"{_C}/pin"):
            answer = self.ada.post(self.at(path), {"reason": "stay"}, format="json")
            assert answer.status_code == 200
        if path == f"{_L}/confirm":
            held = {
                "reason": "weaker", "message": "m", "commit": "c" * 40, "would_remove": [],
                "since": "2026-01-31T12:00:00Z",
            }  # fmt: skip
            Link.objects.update(held=held)
        if path == f"{_G}/release":
            assert self.ada.delete("/v1/gateways/edge").status_code == 200
        if (method, path) == ("DELETE", f"{_K}/previous"):
            assert self.ada.post("/v1/client-keys/key/rotate", {}, format="json").status_code == 200

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A write by whoever may make it."""
        by = self.bob if path.startswith(f"{_Q}/") and not path.endswith("withdraw") else self.ada
        if path == f"{_Q}/confirm":
            body = body or self.request["shows"]
        at = self.at(path)
        if method == "DELETE":
            return by.delete(at, headers=headers)
        call: Callable[..., Any] = getattr(by, method.lower())
        return call(at, body or {}, format="json", headers=headers)


@contextmanager
def undone(method: str, path: str) -> Iterator[None]:
    """Undo at its end what the block writes; an assertion that fails in it tells of which row."""
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    except AssertionError as exc:
        raise AssertionError(f"{method} {path}: {exc}") from exc


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any, worker_id: str) -> Iterator[World]:
    """Resources that nobody else has; what a test does to them is undone."""
    with standing(django_db_blocker, worker_id):
        yield World()


def test_every_single_resource_has_an_etag(world: World) -> None:
    """It stands still while nothing happens, answers 304, and no other validator counts."""
    for path, is_whole in SINGLE.items():
        answer = world.get(path)
        etag = answer["ETag"]

        assert answer.status_code == 200, path
        assert etag.startswith('"'), path
        assert world.get(path)["ETag"] == etag, path
        known = world.get(path, **{"If-None-Match": f'"x", W/{etag}'})
        assert known.status_code == (304 if is_whole else 200), path
        assert known["ETag"] == etag
        others = {
            IF_MATCH: '"x"', "If-Modified-Since": "Sun, 29 Nov 2037 00:00:00 GMT",
            "If-Unmodified-Since": "Sun, 29 Nov 1999 00:00:00 GMT", "If-Range": '"x"',
            IDEMPOTENCY_KEY: "k",
        }  # fmt: skip
        assert world.get(path, **others).status_code == 200, path


def test_a_condition_is_honoured_or_refused(world: World) -> None:
    """Never passed over: whoever sends one believes in it. Nothing is written."""
    for method, path in WRITES:
        with undone(method, path):
            world.ready(method, path)
            check_conditions(world, method, path)


def check_conditions(world: World, method: str, path: str) -> None:
    upon, body = UPON.get((method, path), ("", {}))
    honoured = {IF_MATCH} if upon else set()
    before = AuditEntry.objects.count()

    for name in conditions.NAMES.keys() - ({IDEMPOTENCY_KEY} if method == "POST" else set()):
        answer = world.send(method, path, body, **{name: '"x"'})

        error = answer.json()["error"]
        if name in honoured:
            now = world.get(upon)
            assert (answer.status_code, error["code"]) == (412, "precondition_failed")
            assert answer["ETag"] == now["ETag"]
            assert error["current"] == now.json()["data"]
            assert error["details"] == []
            assert now["ETag"] in error["message"]
        else:
            assert (answer.status_code, error["code"]) == (400, "invalid")
            assert error["details"][0]["field"] == name
            assert error["details"][0]["code"] == "not_honoured"
    malformed = world.send(method, path, body, **{IF_MATCH: "x"})
    assert malformed.status_code == 400
    assert AuditEntry.objects.count() == before


def test_upon_the_state_that_was_seen_it_is_written(world: World) -> None:
    """And what is shown then has the ETag that GET shows."""
    for method, path in UPON:
        with undone(method, path):
            world.ready(method, path)
            check_written(world, method, path)


def check_written(world: World, method: str, path: str) -> None:
    upon, body = UPON[method, path]
    etag = world.get(upon)["ETag"]
    before = AuditEntry.objects.count()

    answer = world.send(method, path, body, **{IF_MATCH: f'"x", {etag}'})

    assert answer.status_code in (200, 202, 204), answer.content
    assert AuditEntry.objects.count() > before
    after = world.get(upon)
    if "ETag" in answer:
        assert after["ETag"] == answer["ETag"]
        shown = set(after.json()["data"])
        told = answer.json()["data"]
        volatile = {"next_poll_at", "conditions"}
        assert {n: told[n] for n in shown - volatile} == {
            n: after.json()["data"][n] for n in shown - volatile
        }
    else:
        assert after.status_code == 404 or path.endswith("/reissue")


def test_whatever_the_state_is_it_is_written_once_it_is_there(world: World) -> None:
    """`*` asks for any state; what is not there is 404 for everybody."""
    for method, path in UPON:
        if method == "POST":
            with undone(method, path):
                world.ready(method, path)
                check_any(world, path)


def check_any(world: World, path: str) -> None:
    nowhere = path.replace("<configuration:configuration_id>", "nowhere")
    nowhere = nowhere.replace("<configuration:gateway_id>", "no").replace("<int:number>", "999")
    nowhere = nowhere.replace("<configuration:name>", "no").replace("uuid:link_id", "uuid:trust_id")
    for name in ("token_id", "endpoint_id", "notification_id"):
        nowhere = nowhere.replace(f"uuid:{name}", "uuid:trust_id")
    body = UPON["POST", path][1]

    assert world.send("POST", nowhere, body, **{IF_MATCH: "*"}).status_code == 404
    assert world.send("POST", nowhere, body, **{IF_MATCH: '"x"'}).status_code == 404
    assert world.send("POST", path, body, **{IF_MATCH: "*"}).status_code in (200, 202)


def test_a_post_with_a_key_is_made_once(world: World) -> None:
    """A repeat is answered as the first, without a second write, event or entry of the audit log.

    What showed a secret is kept without it, and the repeat says what was made.
    """
    for path in POSTS:
        with undone("POST", path):
            world.ready("POST", path)
            check_once(world, path)


def check_once(world: World, path: str) -> None:
    body = POSTS[path]
    first = world.send("POST", path, body, **{IDEMPOTENCY_KEY: "one"})
    entries = AuditEntry.objects.count()

    again = world.send("POST", path, body, **{IDEMPOTENCY_KEY: "one", IF_MATCH: "*"}
                       if ("POST", path) in UPON else {IDEMPOTENCY_KEY: "one"})  # fmt: skip

    assert first.status_code in (200, 201, 202), first.content
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert again.get("ETag") == first.get("ETag")
    assert again.get("Location") == first.get("Location")
    data = first.json()["data"]
    secrets = [str(data[name]) for name in ("token", "key", "secret") if name in data]
    if secrets:
        error = again.json()["error"]
        assert (again.status_code, error["code"]) == (409, "already_done")
        assert error["details"] == [{"id": data.get("id", data.get("name"))}]
        assert again["Location"]
        assert first["Cache-Control"] == again["Cache-Control"] == "no-store"
    else:
        assert (again.status_code, again.content) == (first.status_code, first.content)
    assert AuditEntry.objects.count() == entries
    [row] = KeptAnswer.objects.values()
    assert [secret for secret in (*secrets, "a-secret") if secret in str(row)] == []

    other = world.send("POST", path, {**body, "note": "x"}, **{IDEMPOTENCY_KEY: "one"})
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert AuditEntry.objects.count() == entries


@pytest.mark.untrue_rows
@pytest.mark.parametrize("path", IDLE)
def test_where_nothing_is_written_a_key_changes_nothing(
    world: World, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request is answered afresh."""
    monkeypatch.setattr(links, "_previewed", lambda _: {"files": []})

    for _ in range(2):
        answer = world.send("POST", path, IDLE[path], **{IDEMPOTENCY_KEY: "one"})
        assert answer.status_code == 200
        assert "Idempotent-Replayed" not in answer
    assert not KeptAnswer.objects.exists()


@pytest.mark.untrue_rows
def test_a_dry_run_is_conditional_and_kept_nowhere(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes nothing, on the path of one that does."""
    monkeypatch.setattr(links, "_previewed", lambda _: {"files": []})
    at = world.at(f"{_L}/sync?dry_run=true")

    stale = world.ada.post(at, {}, format="json", headers={IF_MATCH: '"x"'})
    for _ in range(2):
        answer = world.ada.post(at, {}, format="json", headers={IDEMPOTENCY_KEY: "one"})
        assert answer.json() == {"data": {"files": []}}

    assert stale.status_code == 412
    assert not KeptAnswer.objects.exists()


def test_a_key_is_of_one_credential_and_one_path(world: World) -> None:
    """Somebody else's is another, and so is that of another path or query."""
    body = {"name": "t"}
    headers = {IDEMPOTENCY_KEY: "one"}

    def post(by: APIClient, path: str, given: Any = body) -> int:
        return by.post(path, given, format="json", headers=headers).status_code

    assert [post(world.ada, "/v1/tokens"), post(world.ada, "/v1/tokens")] == [201, 409]
    assert post(world.bob, "/v1/tokens") == 201
    assert post(world.ada, "/v1/enrolment-tokens") == 201
    at = world.at(f"{_L}/sync")
    assert [post(world.ada, f"{at}{query}", {}) for query in ("", "?wait=0", "")] == [202] * 3
    assert AuditEntry.objects.filter(action="git_repo.sync_requested").count() == 2


def test_bodies_are_told_apart_by_what_they_say(world: World) -> None:
    """Not by the order of their keys, nor by blanks; one that is too deep to tell is refused."""
    first = b'{"name": "t", "selector": {"a": "1", "b": "2"}, "models": ["m"]}'
    same = b' {"models":["m"],"selector":{"b":"2","a":"1"},"name":"t"}'
    deep = b'{"name": ' + b"[" * 500 + b"]" * 500 + b"}"

    found = [
        send(world.ada, "POST", "/v1/client-keys", body, **{IDEMPOTENCY_KEY: "one"})
        for body in (deep, first, same, first.replace(b"1", b"3"))
    ]

    assert [answer.status_code for answer in found] == [400, 201, 409, 422]


def test_an_error_of_the_caller_is_not_kept(world: World) -> None:
    """Once it is corrected, or its cause is gone, the same request is made."""
    headers = {IDEMPOTENCY_KEY: "one"}
    body = {"configuration": "later", "selector": {"c": "d"}}

    refused = world.ada.post("/v1/gateway-bindings", body, format="json", headers=headers)
    world._configuration("later")
    made = world.ada.post("/v1/gateway-bindings", body, format="json", headers=headers)

    assert (refused.status_code, made.status_code) == (400, 201)


def test_what_was_valid_then_is_answered_whatever_is_valid_now(world: World) -> None:
    """A repeat is not checked again: the configuration that it names may be gone by now."""
    headers = {IDEMPOTENCY_KEY: "one", IF_MATCH: world.get(_C)["ETag"]}
    at = world.at(f"{_C}/rollback")
    first = world.ada.post(at, {"version": 1}, format="json", headers=headers)
    assert world.ada.delete("/v1/configurations/bot").status_code == 200

    again = world.ada.post(at, {"version": 1}, format="json", headers=headers)

    assert (again.status_code, again.content) == (200, first.content)


def test_answers_are_kept_for_a_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the same key makes anew, and what is over is swept."""
    headers = {IDEMPOTENCY_KEY: "one"}
    body = {"name": "t"}
    assert world.ada.post("/v1/tokens", body, format="json", headers=headers).status_code == 201
    KeptAnswer.objects.update(created_at=timezone.now() - kept._LIFE)

    assert kept.find(_place()) is None
    assert world.ada.post("/v1/tokens", body, format="json", headers=headers).status_code == 201
    assert world.ada.post("/v1/tokens", body, format="json", headers=headers).status_code == 409
    assert kept.prune() == 0
    KeptAnswer.objects.update(created_at=timezone.now() - kept._LIFE)
    assert kept.prune() == 1
    assert not KeptAnswer.objects.exists()


def _place() -> kept.Place:
    return kept.Place(KeptAnswer.objects.get().pk, b"", "")


def test_what_a_412_shows_is_what_get_would() -> None:
    """It asks for the same action, of whoever sees a part as well."""
    views = {(method, path): view for method, path, view in ENDPOINTS}
    for (method, path), (upon, _) in UPON.items():
        writes, reads = views[method, path], views["GET", upon]
        resource = getattr(writes, method.lower()).resource
        assert resource.action == reads.actions["GET"], (method, path)
        if writes.narrowed.get(method) == FILTERED:
            assert reads.narrowed["GET"] == FILTERED, (method, path)


@pytest.mark.parametrize(
    ("role", "method", "path"),
    [("ci", "POST", f"{_L}/sync?dry_run=true"), ("viewer", "DELETE", _T)],
)
def test_who_may_not_read_is_shown_nothing(world: World, role: str, method: str, path: str) -> None:
    """A pipeline previews links that it may not list, and whoever has a token may end it."""
    eve = person("eve", role=role)
    at = world.at(path) if path != _T else f"/v1/tokens/{eve.token.pk}"  # type: ignore[attr-defined]

    answer = eve.generic(method, at, b"{}", "application/json", headers={IF_MATCH: '"x"'})

    assert eve.get(at.partition("?")[0].removesuffix("/sync")).status_code == 403
    assert answer.status_code == 412
    assert set(answer.json()["error"]) == {"code", "message", "details", "request_id"}
    assert "ETag" not in answer


def test_a_narrowed_token_is_shown_what_it_sees(world: World) -> None:
    """In a 412 as by GET, each with the ETag of that; what it does not see is not there."""
    world._configuration("h")
    body = {"configuration": "h", "selector": {"a": "b"}}
    eve = client_of("editor", ids=["bot"])
    seen = eve.get("/v1/gateways/edge")
    created(world.ada.post("/v1/gateway-bindings", body, format="json"))

    def patch(path: str, given: Any, etag: str = '"x"') -> Any:
        return eve.patch(path, given, format="json", headers={IF_MATCH: etag})

    assert world.ada.get("/v1/gateways/edge").json()["data"]["ambiguous"] is True
    assert world.ada.get("/v1/gateways/edge")["ETag"] != seen["ETag"]
    for path, given in (
        ("/v1/gateways/edge", {"configuration": "bot"}),
        ("/v1/configurations/bot", {"name": "eve's"}),
    ):
        now = eve.get(path)
        stale = patch(path, given)
        assert (stale.status_code, stale["ETag"]) == (412, now["ETag"])
        assert stale.json()["error"]["current"] == now.json()["data"]
    assert eve.get("/v1/gateways/edge").content == seen.content
    assert patch("/v1/gateways/edge", {"configuration": "bot"}, seen["ETag"]).status_code == 200
    for hidden in ("/v1/configurations/h", "/v1/configurations/nowhere"):
        assert patch(hidden, {"name": "x"}, "*").status_code == 404
        assert patch(hidden, {"name": "x"}).status_code == 404


def test_an_answer_is_not_shown_again_to_who_sees_less_by_now(world: World) -> None:
    """A trust may be narrowed between a request and its repeat."""
    headers = {IDEMPOTENCY_KEY: "one"}
    body = {"id": "two", "content": strong("two")}
    created(world.ada.post("/v1/configurations", body, format="json", headers=headers))
    KeptAnswer.objects.update(sees="another")

    again = world.ada.post("/v1/configurations", body, format="json", headers=headers)

    error = again.json()["error"]
    assert (again.status_code, error["code"]) == (409, "already_done")
    assert error["details"] == [{"id": "two"}]
    assert again["Location"] == "/v1/configurations/two"


def test_what_cannot_be_kept_is_not_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer and what it tells of are of one transaction."""

    def fails(*_: Any, **__: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(kept, "keep", fails)
    tokens = Token.objects.count()
    headers = {IDEMPOTENCY_KEY: "one"}

    answer = world.ada.post("/v1/tokens", {"name": "t"}, format="json", headers=headers)

    assert answer.status_code == 503
    assert Token.objects.count() == tokens
