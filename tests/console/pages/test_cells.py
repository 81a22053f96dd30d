"""Roles, pages and actions, cell by cell: who opens a page, sees a form, and may send it."""

import dataclasses
import itertools
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.http import HttpResponse
from django.test import Client
from django.urls import resolve
from django.utils import timezone
from rest_framework.test import APIClient

from access import roles, sights, tokens
from access.models import Token
from access.roles import ROLES
from access.sights import Sight
from configurations.models import ChangeRequest
from configurations.requests.kinds import KINDS
from console import cookies, urls
from console.pages import base
from console.pages.base import Page
from console.pages.overview import Overview
from console.pages.signin import Callback, SignIn, SignInByProvider, SignOut
from gitrepos.models import Link
from keeptrusts.env.provider import Provider
from notifications.models import Endpoint, Notification
from tests.console.browser import Browser
from tests.support.repo import policy
from tests.support.syncing import link

_ISSUER = "https://login.example"
_ANY = str(UUID(int=1))
_ACT = re.compile(r'name="act" value="(\w+)"')
# Somebody who may all, of some configurations alone.
NARROWED = "narrowed admin"

# What a page shows, by its route: all that whoever opens it must be allowed to do.
PAGES: Mapping[str, str] = {
    "": "drift.read configurations.read",
    "events": "events.read",
    "events/file": "events.read",
    "notifications": "notifications.manage",
    "audit": "audit.read",
    "audit/file": "audit.read",
    "access": "tokens.manage trusts.manage sign_in_rules.manage",
    "requests": "requests.read",
    "requests/<int:number>": "requests.read",
    "configurations": "configurations.read",
    "configurations/<str:configuration_id>": "configurations.read",
    "configurations/<str:configuration_id>/policy": "configurations.read",
    "configurations/<str:configuration_id>/compare": "configurations.read",
    "configurations/<str:configuration_id>/evidence": "audit.read",
    "try": "",
    "repositories": "links.read",
    "repositories/new": "links.read",
    "repositories/credentials": "links.read",
    "repositories/credentials/new": "",
    "repositories/credentials/<uuid:credential_id>": "links.read",
    "repositories/<uuid:link_id>": "links.read",
    "repositories/<uuid:link_id>/files": "links.read",
    "repositories/<uuid:link_id>/syncs": "links.read",
    "repositories/<uuid:link_id>/edit": "links.read",
    "repositories/<uuid:link_id>/webhook": "links.read",
    "gateways": "drift.read",
    "gateways/enrol": "configurations.read",
    "gateways/enrol/<uuid:token_id>": "enrolment.manage gateways.read drift.read",
    "gateways/<str:gateway_id>": "gateways.read drift.read",
    "gateways/<str:gateway_id>/decisions": "gateways.read decisions.read",
    "gateways/<str:gateway_id>/evidence": "audit.read",
    "gateway-bindings": "gateways.read configurations.read",
}
_C, _L = "configurations/<str:configuration_id>", "repositories/<uuid:link_id>"
_G, _E = "gateways/<str:gateway_id>", "gateways/enrol/<uuid:token_id>"
_K, _R = "repositories/credentials/<uuid:credential_id>", "requests/<int:number>"
# Each form of each page, with the action that it is; one in brackets stands on another page, and
# is known to this one for what is said after it.
ACTS: Mapping[tuple[str, str], str] = {
    ("access", "create"): "tokens.manage",
    ("access", "rotate"): "tokens.manage",
    ("access", "revoke"): "tokens.manage",
    ("access", "create_rule"): "sign_in_rules.manage",
    ("access", "delete_rule"): "sign_in_rules.manage",
    ("notifications", "create"): "notifications.manage",
    ("notifications", "try"): "notifications.manage",
    ("notifications", "disable"): "notifications.manage",
    ("notifications", "enable"): "notifications.manage",
    ("notifications", "delete"): "notifications.manage",
    ("notifications", "replay"): "notifications.manage",
    **{
        (route, act): action
        for route in (_R, _C, _L, _G, "gateway-bindings")
        for act, action in (
            ("confirm_request", "requests.confirm"),
            ("refuse_request", "requests.confirm"),
            ("withdraw_request", "requests.ask"),
        )
    },
    (_C, "rollback"): "configurations.edit",
    (_C, "pin"): "configurations.pin",
    (_C, "unpin"): "configurations.pin",
    ("try", "try"): "configurations.check",
    ("repositories", "remove"): "(links.edit)",
    ("repositories/new", "test"): "links.preview",
    ("repositories/new", "link"): "links.edit",
    ("repositories/credentials", "make"): "(credentials.edit)",
    ("repositories/credentials", "delete"): "(credentials.edit)",
    ("repositories/credentials/new", "make"): "credentials.edit",
    (_K, "edit"): "credentials.edit",
    (_K, "delete"): "credentials.edit",
    (_L, "sync"): "links.edit",
    (_L, "preview"): "links.preview",
    (_L, "confirm"): "links.confirm",
    (_L, "suspend"): "links.edit",
    (_L, "resume"): "links.edit",
    (_L, "remove"): "links.edit",
    (_L, "link"): "(links.edit)",
    (_L, "edit"): "(links.edit)",
    (f"{_L}/edit", "edit"): "links.edit",
    (f"{_L}/webhook", "webhook"): "links.edit",
    (f"{_L}/webhook", "no_webhook"): "links.edit",
    ("gateways", "delete"): "(gateways.edit)",
    ("gateways", "release"): "gateways.edit",
    ("gateways/enrol", "register"): "gateways.edit",
    ("gateways/enrol", "enrol"): "enrolment.manage",
    (_E, "revoke"): "enrolment.manage",
    (_E, "revoke_all"): "enrolment.manage",
    (_G, "edit"): "gateways.edit",
    (_G, "bind"): "gateways.bind",
    (_G, "rotate"): "gateways.edit",
    (_G, "reissue"): "gateways.bind",
    (_G, "delete"): "gateways.edit",
    ("gateway-bindings", "bind_labels"): "gateways.bind",
    ("gateway-bindings", "unbind_labels"): "gateways.bind",
}
# Where somebody is sent from a page who may do what stands there.
LEADS: Mapping[tuple[str, str], str] = {
    ("repositories", "/repositories/new"): "links.edit",
    ("repositories/credentials", "/repositories/credentials/new"): "credentials.edit",
    ("gateways", "/gateways/enrol"): "gateways.edit",
    ("events", "/notifications"): "notifications.manage",
    (_G, "/gateways/edge-1/decisions"): "decisions.read",
    (_L, "{here}/edit"): "links.edit",
}
# They have a form of their own, for whoever has no session yet or no more.
_NO_PAGES = (SignIn, SignInByProvider, Callback, SignOut)


def _routes() -> dict[str, type[Page]]:
    found = {"": Overview}
    for one in urls.urlpatterns:
        view: Any = getattr(one.callback, "view_class", None)
        if str(one.pattern) and view not in _NO_PAGES:
            found[str(one.pattern)] = view
    return found


def test_no_page_and_no_form_is_without_a_row() -> None:
    """Whoever adds one says who may."""
    pages = _routes()

    assert pages.keys() == PAGES.keys()
    assert {(route, act) for route, page in pages.items() for act in page.acts} == ACTS.keys()


def test_a_form_is_what_the_api_says_that_it_is() -> None:
    """By the method of the path that it is sent to."""
    pages = _routes()
    for (route, name), action in ACTS.items():
        act = pages[route].acts[name]
        says = act.action or _view(act.path).actions[act.method]
        assert says == action.strip("()"), (route, name)


def _view(path: str) -> Any:
    filled = re.sub(r"\{number\}", "1", path.partition("?")[0])
    return resolve(re.sub(r"\{\w+\}", _ANY, filled)).func.view_class  # type: ignore[attr-defined]


def _may(who: str, action: str) -> bool:
    return roles.may("admin" if who == NARROWED else who, action)


def _may_send(who: str, route: str, name: str) -> bool:
    """Whether the API lets somebody do what a form does."""
    act = _routes()[route].acts[name]
    is_kept_out = _view(act.path).narrowed.get(act.method, sights.REFUSED) == sights.REFUSED
    return _may(who, ACTS[route, name].strip("()")) and not (who == NARROWED and is_kept_out)


class World:
    """One of each thing that has a form, so that each form has a page to stand on.

    `names` are those in paths; a page that shows a form only in some state has a thing in it.
    """

    def __init__(self, admin: APIClient) -> None:
        self._admin = admin
        self._numbers: dict[str, list[str]] = {}
        for name in ("chat", "pinned"):
            self._made("/v1/configurations", id=name, content=policy("One"))
        self._edited("/v1/configurations/chat", content=policy("Two"))
        self._made("/v1/configurations/pinned/pin", reason="an audit")
        first, second = (link(admin, f"https://forge.example/{n}.git")["id"] for n in "ab")
        self._edited(f"/v1/git-repos/{first}", webhook_secret="s" * 32)
        held = {"reason": "asked", "message": "It waits.", "commit": "a" * 40, "tag": "",
                "since": "2031-01-31T12:00:00Z", "would_remove": [], "weakens": [],
                "tag_object": "", "people": {"addresses": []}}  # fmt: skip
        Link.objects.filter(pk=first).update(held=held, observed_generation=1)
        Link.objects.filter(pk=second).update(suspended=True)
        credential = self._made(
            "/v1/git-credentials", kind="token", name="one", hosts=["forge.example"], token="t" * 20
        )
        self._made("/v1/gateways", id="edge-1", configuration="chat")
        self._made("/v1/gateway-bindings", configuration="chat", selector={"ring": "one"})
        enrolment = self._made("/v1/enrolment-tokens", name="edge")
        self._made("/v1/sign-in-rules", name="all", issuer=_ISSUER, claims={"groups": ["x"]},
                   role="viewer", position=1)  # fmt: skip
        for number, enabled in enumerate((True, False)):
            self._made("/v1/notification-endpoints", name=f"{number}", enabled=enabled,
                       url="https://hooks.example/")  # fmt: skip
        heard = Endpoint.objects.get(name="0")
        Notification.objects.create(
            endpoint=heard, kind="failed", told={}, status="gave_up", give_up_at=timezone.now(),
            created_at=timezone.now(),
        )  # fmt: skip
        tokens.create("somebody else")
        self.names = {
            "configuration_id": ["chat", "pinned"], "link_id": [first, second],
            "credential_id": [credential["id"]], "gateway_id": ["edge-1"],
            "token_id": [enrolment["id"]],
        }  # fmt: skip

    def all_ask(self, people: Mapping[str, Token]) -> None:
        """Have everybody wait for a second person, for all that there may be a request for."""
        targets = {
            "configuration.edit": "chat", "git_repo.edit": self.names["link_id"][0],
            "gateway.edit": "edge-1", "gateway_binding.create": "chat",
        }  # fmt: skip
        upon = {
            kind: (stands([target])[target] if (stands := KINDS[kind].standings) else "")
            for kind, target in targets.items()
        }
        made = ChangeRequest.objects.bulk_create(
            ChangeRequest(
                kind=kind, target=target, upon=upon[kind], reason="so", created_at=timezone.now(),
                asker_kind="token", asker_id=str(asker.pk), asker_name=asker.name,
                shows={"digest": "0" * 64},
            )
            for asker in people.values() for kind, target in targets.items()
        )  # fmt: skip
        for who, asker in people.items():
            own = next(one for one in made if one.asker_id == str(asker.pk))
            other = next(one for one in made if one.asker_id != str(asker.pk))
            self._numbers[who] = [str(own.pk), str(other.pk)]

    def paths(self, who: str, route: str) -> list[str]:
        """The pages of a route, one for each thing that it may show: a request of one's own too."""
        named = re.search(r"<\w+:(\w+)>", route)
        if named is None:
            return [f"/{route}"]
        names = self._numbers[who] if named[1] == "number" else self.names[named[1]]
        # Below the page of a thing's own the first one is enough.
        some = names if route.endswith(named[0]) else names[:1]
        return [f"/{route.replace(named[0], str(one))}" for one in some]

    def _edited(self, path: str, **body: Any) -> None:
        answer = self._admin.patch(path, body, format="json")
        assert answer.status_code == 200, answer.content

    def _made(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self._admin.post(path, body, format="json")
        assert answer.status_code in (200, 201), answer.content
        row: dict[str, Any] = answer.json()["data"]
        return row


@pytest.fixture
def world(admin: APIClient, settings: Any) -> World:
    """The world of a test."""
    provider = Provider(
        issuer=_ISSUER, client_id="kt", client_secret="", scopes=("openid",), name="them"
    )
    settings.ENV = dataclasses.replace(settings.ENV, provider=provider)
    return World(admin)


@pytest.fixture
def people(world: World) -> dict[str, Browser]:
    """A browser of each role, and of somebody who sees some configurations alone."""
    found, askers = {}, {}
    for who in (*ROLES, NARROWED):
        sight = Sight.read({"ids": ["chat", "pinned"], "labels": {}}) if who == NARROWED else None
        role = "admin" if who == NARROWED else who
        askers[who], text = tokens.create(f"{who} of tests", role=role, sight=sight)
        found[who] = Browser(Client(HTTP_HOST="localhost"))
        found[who].sign_in(text)
    world.all_ask(askers)
    return found


def test_a_page_and_its_forms_are_for_whoever_may(world: World, people: dict[str, Browser]) -> None:
    """Of each page each form: there for whoever may send it, and for nobody else. So is a link to
    a page for its form.
    """
    wrong = []
    for who, route in itertools.product(people, PAGES):
        answers = [people[who].get(path) for path in world.paths(who, route)]
        opens = all(one.status_code == 200 for one in answers)
        may_open = all(_may(who, action) for action in PAGES[route].split())
        if opens != may_open and who != NARROWED:
            wrong.append((who, route, answers[0].status_code))
        shown = {act for one in answers for act in _ACT.findall(one.content.decode())}
        stand = {act for on, act in ACTS if on == route and not ACTS[on, act].startswith("(")}
        due = {act for act in stand if opens and _may_send(who, route, act)}
        wrong += [(who, route, act, act in shown) for act in shown ^ due]
        for (on, to), action in LEADS.items():
            led = to.replace("{here}", path := answers[0].wsgi_request.path)
            is_led = f'href="{led}"' in answers[0].content.decode()
            if on == route and who != NARROWED and is_led != (opens and _may(who, action)):
                wrong.append((who, path, led, is_led))

    assert wrong == []


def test_a_form_that_somebody_may_not_send_changes_nothing(
    world: World, people: dict[str, Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is filled in as an admin's, and refused; so is one that asks a second person for it."""
    filled = _filled(world, people["admin"])
    # What refusals show is looked at elsewhere; here they are hundreds.
    for page in _routes().values():
        monkeypatch.setattr(page, "read", lambda *_, **__: {})
    monkeypatch.setattr(base, "render", lambda *_, status: HttpResponse(status=status))
    wrong: list[object] = []
    for who, somebody in people.items():
        signs = {"form_token": _form_token(somebody)}
        before = _rows()
        for (route, act), (path, fields) in filled.items():
            asks = {"asked": "because"} if _routes()[route].acts[act].asks else {}
            if not _may_send(who, route, act):
                answer = somebody.post(path, {**fields, **signs})
                wrong += [(who, path, act, answer.status_code)] * (answer.status_code != 403)
            if asks and not _may_ask(who, route, act):
                answer = somebody.post(path, {**fields, **signs, **asks})
                wrong += [(who, path, act, answer.status_code)] * (answer.status_code != 403)
        wrong += [(who, table) for table, rows in _rows().items() if rows != before[table]]

    assert wrong == []


def _may_ask(who: str, route: str, act: str) -> bool:
    return who != NARROWED and _may(who, "requests.ask") and _may_send(who, route, act)


def _filled(world: World, admin: Browser) -> dict[tuple[str, str], tuple[str, dict[str, str]]]:
    """The page and the fields of each form, as an admin's pages have them.

    What stands on another page alone is sent with what its path needs.
    """
    ids = {name: str(some[0]) for name, some in world.names.items()} | {"configuration": "chat"}
    found = {cell: (world.paths("admin", cell[0])[0], {**ids, "act": cell[1]}) for cell in ACTS}
    for route in {route for route, _ in ACTS}:
        for path in world.paths("admin", route):
            page = admin.get(path)
            for act in _routes()[route].acts:
                for form in admin.forms_of(page, act)[:1]:
                    blank = [name for name, value in form.fields.items() if not value]
                    given = {name: ids[name] for name in blank if name in ids}
                    found[route, act] = path, {**form.fields, **given}
    return found


def _form_token(somebody: Browser) -> str:
    return cookies.form_token(somebody.client.cookies["keeptrusts"].value)


def _rows() -> dict[str, list[Any]]:
    """All that is stored, by table."""
    return {
        model._meta.label: sorted(model._default_manager.values_list(), key=repr)
        for model in apps.get_models()
    }
