"""Every way to change what is in force under four eyes: none is open to one person."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from rest_framework.test import APIClient

from configurations.models import Configuration
from configurations.requests.kinds import KINDS
from events.audit import ACTIONS
from gateways.models import Binding, Gateway
from gitrepos.models import Link
from tests.access.test_roles import ENDPOINTS
from tests.support.api import created
from tests.support.eyes import ask, confirmed, person, refused, strong, weak
from tests.support.forge import Forge
from tests.support.repo import Repo
from tests.support.standing import standing
from tests.support.syncing import poll, run_due, shown

pytestmark = [pytest.mark.django_db]

FILE = "p/bot/policy-config.yaml"
_C = "/v1/configurations/<configuration:configuration_id>"
_L = "/v1/git-repos/<uuid:link_id>"
_G = "/v1/gateways/<configuration:gateway_id>"
_EDITS: list[dict[str, Any]] = [
    {"four_eyes": False}, {"url": "https://forge.example/mine.git"}, {"branch": "mine"},
    {"tag": "v1"}, {"commit": "a" * 40}, {"semver": "1.x"}, {"path": "mine"},
    {"include": ["mine"]}, {"exclude": ["p"]}, {"id_prefix": "mine-"}, {"prune": True},
    {"adopt": True}, {"auto_create_configuration": False}, {"suspended": True},
    {"allowed_openpgp_keys": ""}, {"allowed_signers": ""}, {"fail_on": ""},
    {"minimum_coverage": 50}, {"minimum_killed": 100},
    {"poll_interval_seconds": 600, "prune": True},
]  # fmt: skip

# Bodies that one person may not send; each is asked for, and confirmed by another.
GUARDED: Mapping[tuple[str, str], list[tuple[str, dict[str, Any]]]] = {
    ("PATCH", _C): [
        ("configuration.edit", {"content": weak(), "override": True}),
        ("configuration.edit", {"content": strong() + "# as strong\n", "override": True}),
        ("configuration.edit", {"four_eyes": False}),
        ("configuration.edit", {"name": "x", "four_eyes": False}),
    ],
    ("DELETE", _C): [("configuration.archive", {"override": True})],
    ("POST", f"{_C}/rollback"): [("configuration.rollback", {"version": 1})],
    ("POST", f"{_C}/pin"): [
        ("configuration.pin", {"reason": "stay"}),
        ("configuration.pin", {"reason": "stay", "version": 1}),
    ],
    ("DELETE", f"{_C}/pin"): [("configuration.unpin", {})],
    ("PATCH", _L): [("git_repo.edit", body) for body in _EDITS],
    ("DELETE", _L): [("git_repo.remove", {})],
    ("POST", f"{_L}/confirm"): [("git_repo.confirm", {})],
    ("PATCH", _G): [
        ("gateway.bind", {"configuration": "loose"}),
        ("gateway.bind", {"configuration": None}),
        ("gateway.edit", {"configuration": "loose", "name": "x"}),
    ],
    ("POST", "/v1/gateway-bindings"): [
        ("gateway_binding.create", {"configuration": "loose", "selector": {"a": "b", "c": "d"}}),
    ],
    ("DELETE", "/v1/gateway-bindings/<uuid:binding_id>"): [("gateway_binding.delete", {})],
}
_TRUSTS = "a job is nobody's second pair of eyes"
_KEYS, _TOKENS = "who may call, not what is enforced", "who may ask; it is in the audit log"
_FORGE = "what a forge is asked with; its commits are weighed"
_TOLD = "what is told of commits; nothing is enforced by it"
_REQUEST = "what it decides is guarded itself"
_ADMINS = "an admin's, of gateways alone; told by drift and the audit log"
_N, _HEARD = "/v1/notification-endpoints", "who hears of it, not what is enforced"
FREE: Mapping[tuple[str, str], str] = {
    ("POST", "/v1/tokens"): _TOKENS,
    ("PATCH", "/v1/tokens/<uuid:token_id>"): _TOKENS,
    ("DELETE", "/v1/tokens/<uuid:token_id>"): _TOKENS,
    ("POST", "/v1/tokens/<uuid:token_id>/rotate"): _TOKENS,
    ("POST", "/v1/trusts"): _TRUSTS,
    ("PATCH", "/v1/trusts/<uuid:trust_id>"): _TRUSTS,
    ("DELETE", "/v1/trusts/<uuid:trust_id>"): _TRUSTS,
    ("POST", "/v1/sign-in-rules"): _TOKENS,
    ("PATCH", "/v1/sign-in-rules/<uuid:rule_id>"): _TOKENS,
    ("DELETE", "/v1/sign-in-rules/<uuid:rule_id>"): _TOKENS,
    ("POST", _N): _HEARD,
    ("PATCH", f"{_N}/<uuid:endpoint_id>"): _HEARD,
    ("DELETE", f"{_N}/<uuid:endpoint_id>"): _HEARD,
    ("POST", f"{_N}/<uuid:endpoint_id>/rotate-secret"): _HEARD,
    ("POST", f"{_N}/<uuid:endpoint_id>/test"): _HEARD,
    ("POST", f"{_N}/<uuid:endpoint_id>/replay"): _HEARD,
    ("POST", "/v1/notifications/<uuid:notification_id>/replay"): _HEARD,
    ("POST", "/v1/configurations"): "an id that exists is taken, archived or not",
    ("PATCH", "/v1/configurations/validate"): "as any other id",
    ("DELETE", "/v1/configurations/validate"): "as any other id",
    ("POST", "/v1/configurations/validate"): "nothing is stored",
    ("PATCH", "/v1/configurations/try"): "as any other id",
    ("DELETE", "/v1/configurations/try"): "as any other id",
    ("POST", "/v1/configurations/try"): "nothing is stored",
    ("POST", "/v1/requests"): _REQUEST,
    ("POST", "/v1/requests/<int:number>/confirm"): _REQUEST,
    ("POST", "/v1/requests/<int:number>/refuse"): "nothing is changed",
    ("POST", "/v1/requests/<int:number>/withdraw"): "nothing is changed",
    ("POST", "/v1/git-credentials"): _FORGE,
    ("PATCH", "/v1/git-credentials/<uuid:credential_id>"): _FORGE,
    ("DELETE", "/v1/git-credentials/<uuid:credential_id>"): _FORGE,
    ("POST", "/v1/forge-credentials"): _TOLD,
    ("PATCH", "/v1/forge-credentials/<uuid:forge_credential_id>"): _TOLD,
    ("DELETE", "/v1/forge-credentials/<uuid:forge_credential_id>"): _TOLD,
    ("PATCH", f"{_L}/commit-status"): _TOLD,
    ("POST", "/v1/git-repos"): "what another link brings to a configuration is weighed",
    ("POST", "/v1/git-repos/test"): "nothing is stored",
    ("POST", f"{_L}/sync"): "a commit that weakens is held",
    ("POST", "/v1/gateways"): "a new gateway enforced nothing before",
    ("DELETE", _G): _ADMINS,
    ("POST", f"{_G}/release"): _ADMINS,
    ("POST", f"{_G}/reissue"): "the same is said again",
    ("POST", f"{_G}/rotate-token"): _ADMINS,
    ("POST", "/v1/enrolment-tokens"): "new gateways enforced nothing before",
    ("DELETE", "/v1/enrolment-tokens/<uuid:token_id>"): _ADMINS,
    ("POST", "/v1/client-keys"): _KEYS,
    ("PATCH", "/v1/client-keys/<configuration:name>"): _KEYS,
    ("DELETE", "/v1/client-keys/<configuration:name>"): _KEYS,
    ("POST", "/v1/client-keys/<configuration:name>/rotate"): _KEYS,
    ("DELETE", "/v1/client-keys/<configuration:name>/previous"): _KEYS,
}  # fmt: skip
# Entries of the audit log: by which kinds of requests a change comes, or why by none.
LOGGED: Mapping[str, tuple[str, ...] | str] = {
    **{name: _TOKENS for name in ACTIONS if name.startswith("token.")},
    **{name: _TRUSTS for name in ACTIONS if name.startswith("trust.")},
    **{name: _TOKENS for name in ACTIONS if name.startswith("sign_in_rule.")},
    **{name: _HEARD for name in ACTIONS if name.startswith("notification_endpoint.")},
    **{name: _KEYS for name in ACTIONS if name.startswith(("client_key.", "signing_key."))},
    **{name: _FORGE for name in ACTIONS if name.startswith("git_credential.")},
    **{name: _TOLD for name in ACTIONS if name.startswith("forge_credential.")},
    "git_repo.commit_status_chosen": _TOLD,
    **{name: _ADMINS for name in ACTIONS if name.startswith("enrolment_token.")},
    **{name: "of a request itself" for name in ACTIONS if name.startswith("request.")},
    "glass.broken": "of a request itself",
    "session.begun": "changes nothing that is in force",
    "session.ended": "changes nothing that is in force",
    "session.refused": "changes nothing that is in force",
    "evidence.erased": "changes nothing that is in force",
    "configuration.created": "an id that exists is taken",
    "configuration.edited": ("configuration.edit",),
    "configuration.archived": ("configuration.archive", "git_repo.confirm"),
    "configuration.rolled_back": ("configuration.rollback",),
    "configuration.published": ("git_repo.confirm",),
    "configuration.adopted": "the content stays, and so do its four eyes",
    "configuration.orphaned": ("git_repo.remove",),
    "configuration.pinned": ("configuration.pin",),
    "configuration.unpinned": ("configuration.unpin",),
    "git_repo.linked": "what it brings is weighed",
    "git_repo.edited": ("git_repo.edit",),
    "git_repo.sync_requested": "a commit that weakens is held",
    "git_repo.confirmed": ("git_repo.confirm",),
    "git_repo.removed": ("git_repo.remove",),
    "gateway.registered": "a new gateway enforced nothing before",
    "gateway.edited": ("gateway.bind", "gateway.edit"),
    "gateway.token_rotated": _ADMINS,
    "gateway.deleted": _ADMINS,
    "gateway.reissued": "the same is said again",
    "gateway.released": _ADMINS,
    "gateway_binding.created": ("gateway_binding.create",),
    "gateway_binding.deleted": ("gateway_binding.delete",),
}


def test_every_way_has_a_row() -> None:
    """Whoever adds an endpoint, an entry of the audit log or a kind says what it is here."""
    changing = {(method, path) for method, path, _ in ENDPOINTS if method != "GET"}
    kinds = {kind for rows in GUARDED.values() for kind, _ in rows}
    logged = {kind for kinds in LOGGED.values() if isinstance(kinds, tuple) for kind in kinds}

    assert changing == {*GUARDED, *FREE}
    assert not set(GUARDED) & set(FREE)
    assert kinds == logged == set(KINDS)
    assert set(LOGGED) == set(ACTIONS)


def test_every_field_of_a_link_has_a_row() -> None:
    """A new one is guarded, unless it is among those that are free."""
    from gitrepos.api.link_serializers import Asked

    bodies = [body for _, body in GUARDED["PATCH", _L]]
    free = {"poll_interval_seconds", "webhook_poll_interval_seconds", "webhook_secret",
            "access_token", "credential", "repo_url"}  # fmt: skip
    assert set(Asked().fields) == {name for body in bodies for name in body} | free


class World:
    """A link, what it feeds, and gateways, all under four eyes."""

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        self.author, self.bob = person("author", role="admin"), person("bob", role="admin")
        repo.commit({FILE: weak()})
        body = {
            "url": repo.url, "branch": "main", "path": "p", "auto_create_configuration": True,
            "allowed_signers": "", "fail_on": "weaker",
        }  # fmt: skip
        self.link = created(self.author.post("/v1/git-repos", body, format="json"))
        run_due()
        repo.commit({FILE: strong()})
        poll()
        for name, content in (("loose", weak("loose")), ("other", weak("other"))):
            body = {"id": name, "content": content}
            created(self.author.post("/v1/configurations", body, format="json"))
        body = {"configuration": "bot", "selector": {"a": "b"}}
        self.binding = created(self.author.post("/v1/gateway-bindings", body, format="json"))
        labels = {"a": "b", "c": "d"}
        for name, of, bound in (("edge", {}, "bot"), ("leaf", labels, None)):
            body = {"id": name, "labels": of, "configuration": bound}
            created(self.author.post("/v1/gateways", body, format="json"))
        answer = self.author.patch(self.at(_L), {"four_eyes": True}, format="json")
        assert answer.status_code == 200
        run_due()

    def at(self, path: str) -> str:
        for name, value in (
            ("<uuid:link_id>", self.link["id"]), ("<uuid:binding_id>", self.binding["id"]),
            ("<configuration:configuration_id>", "bot"), ("<configuration:gateway_id>", "edge"),
        ):  # fmt: skip
            path = path.replace(name, str(value))
        return path

    def state(self) -> Any:
        """All that is in force, and what decides on it."""
        return (
            sorted(Configuration.objects.values_list("pk", "status", "content_hash", "four_eyes")),
            sorted(Configuration.objects.values_list("pk", "owner", "pin_reason")),
            sorted(Gateway.objects.values_list("pk", "bound")),
            sorted(Binding.objects.values_list("configuration", flat=True)),
            list(Link.objects.values(*_LINK)),
        )

    def target(self, kind: str, path: str, body: dict[str, Any]) -> str:
        if kind == "gateway_binding.create":
            return str(body["configuration"])
        return self.at(path).split("/")[3]


_LINK = (
    "url", "branch", "tag", "commit", "semver", "path", "include", "exclude", "id_prefix", "prune",
    "adopt", "suspended", "allowed_signers", "allowed_openpgp_keys", "four_eyes", "fail_on",
    "minimum_coverage", "minimum_killed", "auto_create_configuration", "confirmed_commit",
)  # fmt: skip
ATTEMPTS = [
    pytest.param(key, kind, body, id=f"{kind}-{'-'.join(body)}-{at}")
    for key, rows in GUARDED.items()
    for at, (kind, body) in enumerate(rows)
]


@pytest.fixture(scope="module")
def world(
    django_db_setup: None,
    django_db_blocker: Any,
    worker_id: str,
    forge: Forge,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """One for all tests; no other than that of a held commit commits to its repository."""
    with standing(django_db_blocker, worker_id):
        yield World(forge.repository(tmp_path_factory.mktemp("world") / "clone"))


@pytest.mark.parametrize(("key", "kind", "body"), ATTEMPTS)
def test_one_person_changes_nothing_and_two_do(
    world: World, key: tuple[str, str], kind: str, body: dict[str, Any]
) -> None:
    """An admin as little as an editor; asked for, and confirmed by another, it is done."""
    if kind == "git_repo.confirm":
        commit = world.repo.commit({FILE: weak()})
        poll()
        body = {"commit": shown(world.author, world.link)["held"]["commit"]}
        assert body == {"commit": commit}
    if kind == "configuration.unpin":
        confirmed(world.bob, ask(world.author, "configuration.pin", "bot", {"reason": "stay"}))
    if body.keys() & {"allowed_signers", "allowed_openpgp_keys"}:
        Link.objects.update(**dict.fromkeys(body, "somebody"))
    before = world.state()
    method, path = key
    at = world.at(path) + ("?override=true" if kind == "configuration.archive" else "")

    answer = world.author.generic(
        method, at, _json({} if method == "DELETE" else body), content_type="application/json"
    )

    code = (403, "own_commit") if kind == "git_repo.confirm" else (409, "second_person_needed")
    assert refused(answer) == code
    assert world.state() == before
    target = world.target(kind, path, body)
    asked = ask(world.author, kind, target, body)
    assert world.state() == before
    nobody = person("again", emails=["author@keeptrusts.example"], role="admin")
    for one in (world.author, nobody):
        answer = one.post(f"/v1/requests/{asked['id']}/confirm", asked["shows"], format="json")
        assert answer.status_code == 403
    assert world.state() == before
    confirmed(world.bob, asked)
    assert world.state() != before


def _json(body: Any) -> bytes:
    import json

    return json.dumps(body).encode()


def test_what_gateways_enforce_is_moved_by_labels_as_little(world: World) -> None:
    """Labels choose a selector, and so a configuration."""
    answer = world.author.patch("/v1/gateways/leaf", {"labels": {}}, format="json")

    assert refused(answer) == (409, "second_person_needed")
    body = {"labels": {"a": "b"}}
    assert world.author.patch("/v1/gateways/leaf", body, format="json").status_code == 200
    assert Gateway.objects.get(pk="leaf").bound_id == "bot"


@pytest.mark.parametrize(
    "body",
    [
        {"poll_interval_seconds": 600},
        {"webhook_secret": "a-secret-of-sixteen-or-more"},
        {"access_token": "a-token"},
        {"fail_on": "weaker"},
        {"four_eyes": True},
        {"prune": False, "suspended": False},
    ],
)
def test_what_lets_nothing_weaker_pass_needs_nobody(world: World, body: dict[str, Any]) -> None:
    """Four eyes stay out of the way of everything else."""
    assert world.author.patch(world.at(_L), body, format="json").status_code == 200


def test_a_request_keeps_no_secret(world: World) -> None:
    """What comes with one is asked for without it."""
    for name in ("access_token", "webhook_secret"):
        body = {
            "kind": "git_repo.edit", "target": world.link["id"], "reason": "r",
            "change": {"prune": True, name: "a-secret-of-sixteen-or-more"},
        }  # fmt: skip
        assert refused(world.author.post("/v1/requests", body, format="json")) == (400, "invalid")


def test_an_archived_one_comes_back_with_two(world: World) -> None:
    """Its restoration is a change of what is in force, too."""
    confirmed(world.bob, ask(world.author, "configuration.archive", "bot", {"override": True}))
    client: APIClient = world.author
    body = {"status": "active"}

    answer = client.patch("/v1/configurations/bot", body, format="json")

    assert refused(answer) == (409, "second_person_needed")
    confirmed(world.bob, ask(client, "configuration.edit", "bot", body))
    assert Configuration.objects.get(pk="bot").status == "active"
