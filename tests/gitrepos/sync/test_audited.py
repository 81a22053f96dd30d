"""Every change that anybody makes leaves one entry in the audit log, with who made it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from access import tokens
from events.audit import ACTIONS
from events.models import AuditEntry
from tests.console.browser import Browser
from tests.support.api import created, error
from tests.support.repo import Repo, policy
from tests.support.syncing import link, poll, run_due, shown

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]

Steps = list[tuple[str, Callable[[], Any]]]
SECRETS = ("a-secret-of-a-forge", "another-secret-of-a-forge", "a-webhook-secret-of-a-link")


def bearer(text: str) -> APIClient:
    """A client with a token."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


class Story:
    """Requests by an admin whose every change is looked for in the log."""

    def __init__(self, admin: APIClient) -> None:
        self.admin = admin
        self.seen: set[str] = set()
        self.last = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

    def post(self, path: str, body: Any = None, *, by: APIClient | None = None) -> Any:
        """The data of an answer that succeeded."""
        return self._data((by or self.admin).post(f"/v1/{path}", body or {}, format="json"))

    def patch(self, path: str, body: Any) -> Any:
        return self._data(self.admin.patch(f"/v1/{path}", body, format="json"))

    def delete(self, path: str) -> Any:
        return self._data(self.admin.delete(f"/v1/{path}"))

    @staticmethod
    def _data(answer: Any) -> Any:
        assert answer.status_code < 300, answer.content
        return answer.json()["data"] if answer.content else None

    def left(self, *expected: str, kind: str = "token") -> list[AuditEntry]:
        """The entries since the last call, whose actions must be these."""
        rows = list(AuditEntry.objects.filter(pk__gt=self.last).order_by("pk"))
        assert [row.action for row in rows] == list(expected)
        assert {row.actor_kind for row in rows} <= {kind}
        self.last = rows[-1].pk if rows else self.last
        self.seen |= set(expected)
        return rows


def test_every_change_leaves_one_entry(admin: APIClient, repo: Repo) -> None:
    """Of each kind that there is: what is added to the table is added here."""
    story = Story(admin)
    _tokens(story)
    _sessions(story)
    _trusts(story)
    _sign_in_rules(story)
    _notification_endpoints(story)
    _configurations(story)
    _gateways(story)
    _links(story, repo)
    _requests(story)

    # What a provider is needed for, tests/access/signin has.
    assert story.seen == set(ACTIONS) - {"session.refused"}
    everything = str(list(AuditEntry.objects.values("before", "after", "target", "actor_name")))
    assert [secret for secret in SECRETS if secret in everything] == []


def _tokens(story: Story) -> None:
    row = story.post("tokens", {"name": "t", "role": "admin"})
    [entry] = story.left("token.created")
    assert entry.target == row["id"]
    assert entry.before is None
    assert entry.after["role"] == "admin"
    story.patch(f"tokens/{row['id']}", {"note": "n"})
    [entry] = story.left("token.edited")
    assert (entry.before, entry.after) == ({}, {}) or "note" in entry.after
    new = story.post(f"tokens/{row['id']}/rotate")["token"]
    story.left("token.rotated")
    story.post("tokens", {"name": "below"}, by=bearer(new))
    [entry] = story.left("token.created")
    assert (entry.actor_id, entry.actor_name) == (row["id"], "t")
    story.delete(f"tokens/{row['id']}?descendants=true")
    story.left("token.revoked", "token.revoked")
    story.delete(f"tokens/{row['id']}")
    story.left()
    call_command("create_token", "by hand")
    [entry] = story.left("token.created", kind="command")
    assert entry.actor_name == "manage.py create_token"


def _sessions(story: Story) -> None:
    row = story.post("tokens", {"name": "who looks", "role": "viewer"})
    story.left("token.created")
    browser = Browser(Client(HTTP_HOST="localhost"))
    browser.sign_in(row["token"])
    [entry] = story.left("session.begun")
    assert (entry.actor_id, entry.actor_name) == (row["id"], "who looks")
    browser.post("/sign-out", {"form_token": browser.form_token()})
    [entry] = story.left("session.ended")
    assert (entry.actor_id, entry.actor_name) == (row["id"], "who looks")


def _trusts(story: Story) -> None:
    body = {"issuer": "https://issuer.example", "audience": "https://keeptrusts.example"}
    row = story.post("trusts", {"name": "t", "subject": "job", **body})
    [entry] = story.left("trust.created")
    assert (entry.target, entry.after["subject"]) == (row["id"], "job")
    story.patch(f"trusts/{row['id']}", {"enabled": False})
    [entry] = story.left("trust.edited")
    assert (entry.before, entry.after) == ({"enabled": True}, {"enabled": False})
    story.delete(f"trusts/{row['id']}")
    [entry] = story.left("trust.deleted")
    assert entry.before["name"] == "t"


def _sign_in_rules(story: Story) -> None:
    body = {"name": "r", "issuer": "https://issuer.example", "claims": {"groups": ["platform"]}}
    row = story.post("sign-in-rules", body)
    [entry] = story.left("sign_in_rule.created")
    assert entry.after["claims"] == {"groups": ["platform"]}
    story.patch(f"sign-in-rules/{row['id']}", {"enabled": False})
    [entry] = story.left("sign_in_rule.edited")
    assert (entry.before, entry.after) == ({"enabled": True}, {"enabled": False})
    story.delete(f"sign-in-rules/{row['id']}")
    [entry] = story.left("sign_in_rule.deleted")
    assert entry.before["claims"] == {"groups": ["platform"]}


def _notification_endpoints(story: Story) -> None:
    row = story.post(
        "notification-endpoints", {"name": "n", "url": f"https://h.example/{SECRETS[0]}"}
    )
    [entry] = story.left("notification_endpoint.created")
    assert (entry.target, entry.after["place"]) == (row["id"], "h.example")
    path = f"notification-endpoints/{row['id']}"
    story.patch(path, {"url": f"https://h.example/{SECRETS[1]}"})
    [entry] = story.left("notification_endpoint.edited")
    assert entry.after == {"url": "after"}
    story.post(f"{path}/rotate-secret")
    story.left("notification_endpoint.secret_rotated")
    tested = story.post(f"{path}/test")
    story.left("notification_endpoint.tested")
    story.post(f"{path}/replay", {"since": "2026-01-31T12:00:00Z"})
    story.left("notification_endpoint.replayed")
    story.post(f"notifications/{tested['id']}/replay")
    story.left("notification_endpoint.replayed")
    story.delete(path)
    [entry] = story.left("notification_endpoint.deleted")
    assert entry.before["name"] == "n"


def _configurations(story: Story) -> None:
    story.post("configurations", {"id": "one", "content": policy("One")})
    story.left("configuration.created")
    story.patch("configurations/one", {"content": policy("Two")})
    [entry] = story.left("configuration.edited")
    assert (entry.before["version"], entry.after["version"]) == (1, 2)
    story.patch("configurations/one", {"content": policy("Two")})
    story.left()
    story.post("configurations/one/rollback", {"version": 1, "note": "because"})
    [entry] = story.left("configuration.rolled_back")
    assert (entry.after["content_of_version"], entry.after["note"]) == (1, "because")
    story.post("configurations/one/pin", {"reason": "because"})
    [entry] = story.left("configuration.pinned")
    assert entry.after["pin_reason"] == "because"
    story.delete("configurations/one/pin")
    story.left("configuration.unpinned")
    story.delete("configurations/one")
    story.left("configuration.archived")
    story.patch("configurations/one", {"status": "active"})
    story.left("configuration.edited")
    story.post("configurations/validate", {"content": policy()})
    story.left()


def _gateways(story: Story) -> None:
    gateway = {"id": "edge", "labels": {"a": "b"}}
    story.post("gateways", gateway)
    story.left("gateway.registered")
    story.patch("gateways/edge", {"configuration": "one"})
    [entry] = story.left("gateway.edited")
    assert entry.after["bound_id"] == "one"
    story.post("gateways/edge/rotate-token")
    story.left("gateway.token_rotated")
    story.post("gateways/edge/reissue")
    story.left("gateway.reissued")
    binding = story.post("gateway-bindings", {"configuration": "one", "selector": {"a": "b"}})
    story.left("gateway_binding.created")
    story.delete(f"gateway-bindings/{binding['id']}")
    story.left("gateway_binding.deleted")
    token = story.post("enrolment-tokens", {"name": "group"})
    story.left("enrolment_token.created")
    story.post("gateways/enrol", {"id": "own"}, by=bearer(token["token"]))
    [entry] = story.left("gateway.registered", kind="enrolment_token")
    assert (entry.actor_id, entry.actor_name) == (token["id"], "group")
    story.delete(f"enrolment-tokens/{token['id']}?descendants=true")
    story.left("enrolment_token.revoked", "gateway.deleted")
    story.delete("gateways/edge")
    story.left("gateway.deleted")
    story.post("gateways/edge/release")
    story.left("gateway.released")
    story.post("client-keys", {"name": "team", "models": ["*"]})
    story.left("client_key.created")
    story.patch("client-keys/team", {"models": ["m"]})
    story.left("client_key.edited")
    story.post("client-keys/team/rotate")
    story.left("client_key.rotated")
    story.delete("client-keys/team/previous")
    story.left("client_key.previous_ended")
    story.delete("client-keys/team")
    story.left("client_key.revoked")
    call_command("rotate_signing_key")
    story.left("signing_key.rotated", kind="command")
    call_command("erase_evidence", "a name")
    story.left("evidence.erased", kind="command")


def _links(story: Story, repo: Repo) -> None:
    credential = {
        "name": "forge", "kind": "token", "token": SECRETS[0], "hosts": ["forge.example"],
    }  # fmt: skip
    row = story.post("git-credentials", credential)
    story.left("git_credential.created")
    story.patch(f"git-credentials/{row['id']}", {"token": SECRETS[1]})
    [entry] = story.left("git_credential.edited")
    assert entry.after == {"secret": "changed"}
    story.delete(f"git-credentials/{row['id']}")
    story.left("git_credential.deleted")

    repo.commit({f"p/{name}/policy-config.yaml": policy(name) for name in "abcd"})
    linked = link(story.admin, repo.url, branch="main", path="p", webhook_secret=SECRETS[2])
    [entry] = story.left("git_repo.linked")
    assert entry.after["has_webhook_secret"] is True
    run_due()
    entries = story.left(*["configuration.published"] * 4, kind="git_repo")
    assert {entry.actor_id for entry in entries} == {linked["id"]}
    assert entries[0].after["commit"] == repo.git("rev-parse", "HEAD")
    story.patch(f"git-repos/{linked['id']}", {"prune": True})
    [entry] = story.left("git_repo.edited")
    assert (entry.before, entry.after) == ({"prune": False}, {"prune": True})
    run_due()
    story.left()
    telling = {
        "name": "forge", "forge": "github", "api_url": "https://127.0.0.1/api/v3",
        "token": SECRETS[0], "hosts": ["127.0.0.1"],
    }  # fmt: skip
    by = story.post("forge-credentials", telling)
    story.left("forge_credential.created")
    hosts = [*telling["hosts"], linked["url"].split("/")[2]]
    story.patch(f"forge-credentials/{by['id']}", {"token": SECRETS[1], "hosts": hosts})
    [entry] = story.left("forge_credential.edited")
    assert entry.after == {"token": "changed", "hosts": hosts}
    for name in ("forge", None):
        story.patch(f"git-repos/{linked['id']}/commit-status", {"credential": name})
        [entry] = story.left("git_repo.commit_status_chosen")
        assert entry.after == {"credential": name}
    story.delete(f"forge-credentials/{by['id']}")
    story.left("forge_credential.deleted")
    story.post(f"git-repos/{linked['id']}/sync")
    story.left("git_repo.sync_requested")
    repo.commit({f"p/{name}/policy-config.yaml": None for name in "abc"})
    poll()
    story.left()
    held = shown(story.admin, linked)["held"]
    story.post(f"git-repos/{linked['id']}/confirm", {"commit": held["commit"]})
    [entry] = story.left("git_repo.confirmed")
    assert (entry.after["commit"], len(entry.after["would_remove"])) == (held["commit"], 3)
    run_due()
    story.left(*["configuration.archived"] * 3, kind="git_repo")
    story.delete(f"git-repos/{linked['id']}")
    story.left("git_repo.removed", *["configuration.orphaned"] * 4)
    again = link(story.admin, repo.url, branch="main", path="p", adopt=True)
    story.left("git_repo.linked")
    run_due()
    story.left("configuration.adopted", kind="git_repo")
    assert again["id"]


def _requests(story: Story) -> None:
    other = bearer(tokens.create("other")[1])
    story.left("token.created")
    story.post("configurations", {"id": "seen", "content": policy("Seen"), "four_eyes": True})
    story.left("configuration.created")
    asking = {"kind": "configuration.edit", "target": "seen", "reason": "because"}
    change = {"content": policy("Another")}

    asked = [story.post("requests", {**asking, "change": change}) for _ in range(4)]
    [entry, *_] = story.left(*["request.asked"] * 4)
    assert (entry.target, entry.after["request"], entry.after["reason"]) == (
        "seen", asked[0]["id"], "because",
    )  # fmt: skip
    story.post(f"requests/{asked[0]['id']}/withdraw")
    story.left("request.withdrawn")
    story.post(f"requests/{asked[1]['id']}/refuse", {"reason": "no"}, by=other)
    story.left("request.refused")
    story.post(f"requests/{asked[2]['id']}/confirm", asked[2]["shows"], by=other)
    edited, entry = story.left("configuration.edited", "request.confirmed")
    assert edited.actor_name == entry.actor_name == "other"
    path = f"/v1/requests/{asked[3]['id']}/confirm"
    assert error(other.post(path, asked[3]["shows"], format="json"))["code"] == "request_void"
    story.left("request.voided")
    story.post("requests", {**asking, "change": {"content": policy()}, "break_glass": True})
    story.left("configuration.edited", "glass.broken")


def test_what_did_not_happen_is_not_told(admin: APIClient) -> None:
    """The entry is of the transaction that makes it true."""
    before = AuditEntry.objects.count()
    created(admin.post("/v1/configurations", {"id": "x", "content": policy()}, format="json"))
    for path, body in (
        ("configurations", {"id": "x", "content": policy()}),
        ("configurations", {"id": "y", "content": "no policy"}),
        ("git-repos", {"url": "https://forge.example/x.git", "credential": "none"}),
        ("gateway-bindings", {"configuration": "none", "selector": {"a": "b"}}),
        ("tokens", {"name": "t", "role": "root"}),
    ):
        assert error(admin.post(f"/v1/{path}", body, format="json"))

    assert AuditEntry.objects.count() == before + 1


def test_the_log_is_read_in_pages_and_lines(admin: APIClient) -> None:
    """By whoever may: filters, a cursor, and one line an entry for programs."""
    for number in range(5):
        created(admin.post("/v1/tokens", {"name": f"t{number}"}, format="json"))

    first = admin.get("/v1/audit-log?action=token.created&limit=3").json()
    rest = admin.get(
        f"/v1/audit-log?action=token.created&limit=3&cursor={first['next_cursor']}"
    ).json()
    names = [row["after"]["name"] for row in (*first["data"], *rest["data"])]
    assert names[:5] == ["t4", "t3", "t2", "t1", "t0"]
    me = admin.get("/v1/whoami").json()["data"]["token"]["id"]
    assert {row["actor"]["id"] for row in first["data"]} == {me}
    assert admin.get(f"/v1/audit-log?actor_id={first['data'][0]['id']}").json()["data"] == []
    lines = admin.get("/v1/audit-log?lines=true&limit=2")
    assert lines["Content-Type"] == "application/x-ndjson"
    assert lines["Keeptrusts-Next-Cursor"]
    assert len(lines.content.splitlines()) == 2
    assert admin.get("/v1/audit-log?since=2999-01-01T00:00:00Z").json()["data"] == []
    assert error(admin.get("/v1/audit-log?action=token.stolen"))["code"] == "invalid"


@pytest.mark.parametrize("role", ["viewer", "ci", "editor", "metrics"])
def test_others_do_not_read_it(role: str) -> None:
    """It tells who does what."""
    client = bearer(tokens.create(role, role=role)[1])

    assert client.get("/v1/audit-log").status_code == 403
